import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.core.image import load_image, save_image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
HEADER = b"#?RADIANCE\n# a comment\nFORMAT=32-bit_rle_rgbe\n\n"


def _expected(rgbe: np.ndarray) -> np.ndarray:
    """Pixel by pixel, from the Radiance manual: (mantissa + 0.5) / 256 · 2^(exponent − 128), black at exponent 0."""
    out = np.zeros((*rgbe.shape[:2], 3), np.float64)
    for y, x in np.ndindex(rgbe.shape[:2]):
        r, g, b, e = (int(v) for v in rgbe[y, x])
        if e:
            out[y, x] = [(m + 0.5) / 256 * 2.0 ** (e - 128) for m in (r, g, b)]
    return out.astype(np.float32)


def _runs(plane: bytes) -> bytes:
    """One component's scanline: runs of four and more as repeats, the rest literal."""
    out, literal, at = bytearray(), bytearray(), 0

    def flush() -> None:
        for start in range(0, len(literal), 128):
            part = literal[start : start + 128]
            out.extend((len(part), *part))
        literal.clear()

    while at < len(plane):
        count = 1
        while count < 127 and at + count < len(plane) and plane[at + count] == plane[at]:
            count += 1
        if count >= 4:
            flush()
            out.extend((128 + count, plane[at]))
        else:
            literal += plane[at : at + count]
        at += count
    flush()
    return bytes(out)


def _encode(rgbe: np.ndarray, header: bytes = HEADER, resolution: bytes | None = None) -> bytes:
    height, width = rgbe.shape[:2]
    body = resolution or b"-Y %d +X %d\n" % (height, width)
    for row in rgbe:
        body += bytes((2, 2, width >> 8, width & 255)) + b"".join(_runs(row[:, c].tobytes()) for c in range(4))
    return header + body


@st.composite
def _pictures(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(1, 4)), draw(st.integers(8, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rgbe = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    rgbe[:, : draw(st.integers(0, width))] = rgbe[:, :1]  # runs too
    return rgbe


@settings(max_examples=40)
@given(rgbe=_pictures())
def test_run_length_coded_pictures_are_read(tmp_path_factory: pytest.TempPathFactory, rgbe: np.ndarray):
    path = tmp_path_factory.getbasetemp() / "coded.hdr"
    path.write_bytes(_encode(rgbe))
    loaded = load_image(path)
    assert (loaded.dtype, loaded.shape) == (np.float32, (*rgbe.shape[:2], 3))
    np.testing.assert_array_equal(loaded, _expected(rgbe))


def test_flat_and_old_run_length_coded_pixels_are_read(tmp_path: Path):
    rgbe = np.random.default_rng(5).integers(2, 256, (3, 5, 4), dtype=np.uint8)
    path = tmp_path / "flat.pic"
    path.write_bytes(HEADER + b"-Y 3 +X 5\n" + rgbe.tobytes())
    np.testing.assert_array_equal(load_image(path), _expected(rgbe))
    # one row of 600 pixels: a, then a 0x3 + 0x2·256 more times, then b to the end
    a, b = b"\x10\x20\x30\x80", b"\x40\x50\x60\x81"
    row = a + b"\x01\x01\x01\x03" + b"\x01\x01\x01\x02" + b + b"\x01\x01\x01\x53"
    path.write_bytes(HEADER + b"-Y 1 +X 600\n" + row)
    expected = np.frombuffer(a * 516 + b * 84, np.uint8).reshape(1, 600, 4)
    np.testing.assert_array_equal(load_image(path), _expected(expected))


@pytest.mark.parametrize(
    ("resolution", "turn"),
    [
        (b"-Y 9 +X 12\n", lambda p: p),
        (b"+Y 9 +X 12\n", lambda p: p[::-1]),
        (b"-Y 9 -X 12\n", lambda p: p[:, ::-1]),
        (b"+X 9 -Y 12\n", lambda p: p.transpose(1, 0, 2)),
        (b"-X 9 +Y 12\n", lambda p: p[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_every_orientation_is_turned_upright(tmp_path: Path, resolution: bytes, turn):  # type: ignore[no-untyped-def]
    rgbe = np.random.default_rng(6).integers(0, 256, (9, 12, 4), dtype=np.uint8)
    path = tmp_path / "turned.hdr"
    path.write_bytes(_encode(rgbe, resolution=resolution))
    np.testing.assert_array_equal(load_image(path), turn(_expected(rgbe)))


def test_exposures_multiply_and_are_divided_out(tmp_path: Path):
    rgbe = np.full((1, 8, 4), 128, np.uint8)
    path = tmp_path / "exposed.hdr"
    path.write_bytes(_encode(rgbe, header=b"#?RGBE\nEXPOSURE=2.0\nEXPOSURE= 4\nFORMAT=32-bit_rle_rgbe\n\n"))
    np.testing.assert_array_equal(load_image(path), _expected(rgbe) / 8)


GOOD = _encode(np.arange(2 * 8 * 4, dtype=np.uint8).reshape(2, 8, 4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P6\n1 1\n255\n", r"not a Radiance picture: it does not start with #\?RADIANCE$"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n", r"FORMAT is '32-bit_rle_xyze', only 32-bit_rle_rgbe can be read$"),
        (b"#?RADIANCE\nEXPOSURE=0\n\n", r"EXPOSURE is '0', a positive number is wanted$"),
        (b"#?RADIANCE\nEXPOSURE=x\n\n", r"EXPOSURE is 'x', a positive number is wanted$"),
        (b"#?RADIANCE\nno end", r"the Radiance header does not end$"),
        (b"#?RADIANCE\n" + b"#" * 70_000 + b"\n\n", r"the Radiance header does not end$"),
        (HEADER + b"-Y 2 -Y 2\n", r"no Radiance resolution line such as '-Y 512 \+X 1024'$"),
        (HEADER + b"512 1024\n", r"no Radiance resolution line"),
        (HEADER + b"-Y 0 +X 8\n", r"8x0 pixels; from 1 to 134217728 are allowed$"),
        (HEADER + b"-Y 9999999 +X 9999999\n", r"9999999x9999999 pixels; from 1 to 134217728 are allowed$"),
        (HEADER + b"-Y 10000 +X 10000\n" + bytes(100), r"100 bytes of pixels cannot be 10000x10000 pixels$"),
        (GOOD[:-1], r"scanline 1 of 2 is cut off or broken$"),
        (GOOD[:-30], r"scanline 1 of 2 is cut off or broken$"),
        (HEADER + b"-Y 1 +X 8\n\x02\x02\x00\x08" + b"\x00" * 64, r"scanline 0 of 1 is cut off or broken$"),
        (HEADER + b"-Y 1 +X 8\n\x02\x02\x00\x08" + b"\x89\x07" * 32, r"scanline 0 of 1 is cut off or broken$"),
        # ten red and six green make 16, and are still two broken planes
        (
            HEADER + b"-Y 1 +X 8\n\x02\x02\x00\x08\x8a\x07\x86\x07\x88\x07\x88\x07",
            r"scanline 0 of 1 is cut off or broken$",
        ),
        (HEADER + b"-Y 1 +X 4\n\x01\x01\x01\x04" + b"\x07" * 12, r"scanline 0 of 1 is cut off or broken$"),
        (HEADER + b"-Y 1 +X 4\n\x07\x07\x07\x07\x01\x01\x01\x04", r"scanline 0 of 1 is cut off or broken$"),
    ],
)
def test_broken_files_say_what_is_wrong(tmp_path: Path, data: bytes, message: str):
    path = tmp_path / "bad.hdr"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"bad\.hdr: " + message):
        load_image(path)


@given(cut=st.integers(0, len(GOOD) - 1), noise=st.binary(max_size=40))
def test_damage_raises_nothing_but_format_error(tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes):
    path = tmp_path_factory.getbasetemp() / "damaged.hdr"
    path.write_bytes(GOOD[:cut] + noise + GOOD[cut + len(noise) :])
    with contextlib.suppress(FormatError):
        assert load_image(path, max_pixels=10_000).dtype == np.float32


@pytest.mark.parametrize(
    ("name", "brightest"), [("venice_sunset_1k", 6512.0), ("forest_slope_1k", 74.75), ("dikhololo_night_1k", 115.25)]
)
def test_real_panoramas_read_as_linear_light(name: str, brightest: float):
    path = SHARED / "hdri" / f"{name}.hdr"
    if not path.is_file():
        pytest.skip("shared/data/hdri is not on this machine")
    sky = load_image(path)
    assert sky.shape == (512, 1024, 3)
    assert (sky > 0).all()
    assert sky.max() == brightest


def test_a_real_panorama_agrees_with_ffmpeg_to_half_a_step():
    path = SHARED / "hdri" / "venice_sunset_1k.hdr"
    if not path.is_file():
        pytest.skip("shared/data/hdri is not on this machine")
    import av

    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        green, blue, red = (np.frombuffer(p, np.float32).reshape(p.height, -1)[:, : p.width] for p in frame.planes)
    theirs = np.stack([red, green, blue], axis=-1)
    ours = load_image(path)
    # FFmpeg leaves out the half step: the difference is half of one mantissa step of the pixel's common exponent
    _, exponent = np.frexp(ours.max(axis=-1))
    np.testing.assert_allclose(ours - theirs, np.ldexp(0.5, exponent - 8)[..., None] * np.ones(3), rtol=1e-3)


def _written(path, pixels):
    save_image(path, pixels.astype(np.float32))
    return load_image(path)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.sampled_from([1, 7, 8, 127, 128, 129, 300]), st.integers(0, 9))
def test_what_is_written_is_read_within_a_step_of_the_brightest(tmp_path_factory, height, width, seed):
    rng = np.random.default_rng(seed)
    pixels = np.exp(rng.normal(size=(height, width, 3)) * 6).astype(np.float32)
    found = _written(tmp_path_factory.mktemp("hdr") / "a.hdr", pixels)
    step = 2.0 ** (np.floor(np.log2(pixels.max(axis=2, keepdims=True))) - 7)
    assert (np.abs(found - pixels) <= step / 2 * 1.0001).all()


def test_ffmpeg_reads_what_is_written(tmp_path):
    """FFmpeg's own decoder takes a mantissa m as m / 256, where Radiance's takes m + 0.5."""
    av = pytest.importorskip("av")
    pixels = np.exp(np.random.default_rng(1).normal(size=(16, 200, 3)) * 3).astype(np.float32)
    save_image(tmp_path / "a.hdr", pixels)
    with av.open(str(tmp_path / "a.hdr")) as container:
        frame = next(container.decode(video=0))
    theirs = frame.to_ndarray(format="gbrpf32le") if frame.format.name != "gbrpf32le" else frame.to_ndarray()
    theirs = np.asarray(theirs)
    if theirs.shape[0] == 3:
        theirs = theirs.transpose(1, 2, 0)
    step = 2.0 ** (np.floor(np.log2(pixels.max(axis=2, keepdims=True))) - 7)
    assert (np.abs(theirs - pixels) <= step * 1.0001).all()


def test_values_that_rgbe_has_no_room_for(tmp_path):
    pixels = np.array([[[0, 0, 0], [-1, 2, 0], [np.nan, 1, np.inf], [3e38, 0, 0], [1e-40, 0, 0]]], np.float32)
    found = _written(tmp_path / "a.hdr", pixels)
    assert not found[0, 0].any()
    assert np.allclose(found[0, 1], [0, 2, 0], atol=0.01)
    assert np.allclose(found[0, 2], [0, 1, 0], atol=0.005)
    assert found[0, 3, 0] == pytest.approx(1e38, rel=0.01)
    assert not found[0, 4].any()


def test_only_float_rgb_is_written(tmp_path):
    for wrong in (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32), np.zeros((2, 2, 4), np.float32)):
        with pytest.raises(ValueError, match=r"a \.hdr takes float32 pixels \(h w 3\)"):
            save_image(tmp_path / "a.hdr", wrong)
    assert list(tmp_path.iterdir()) == []
