import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from translight.core.errors import FormatError
from translight.core.image import PixelFormat, load_image, save_image, to_u8, unpack_rgb10a2

RNG = np.random.default_rng(7)
U8 = RNG.integers(0, 256, (13, 17, 4), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(np.linspace(0, 255, 64)[None], np.linspace(0, 255, 48)[:, None], 128.0), axis=-1)
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("pixel_format", "shape", "dtype"),
    [
        (PixelFormat.RGBA8, (3, 5, 4), np.uint8),
        (PixelFormat.RGB10A2, (3, 5), np.uint32),
        (PixelFormat.RGBA16F, (3, 5, 4), np.float16),
    ],
)
def test_pixel_formats_say_what_their_arrays_are(pixel_format: PixelFormat, shape: tuple[int, ...], dtype: type):
    array = np.zeros(pixel_format.shape(5, 3), pixel_format.dtype)
    assert (array.shape, array.dtype, array.nbytes) == (shape, np.dtype(dtype), pixel_format.nbytes(5, 3))


@given(hnp.arrays(np.uint16, (4, 3, 3), elements=st.integers(0, 1023)))
def test_rgb10a2_unpacks_what_was_packed(rgb: np.ndarray):
    r, g, b = (rgb[..., i].astype(np.uint32) for i in range(3))
    unpacked = unpack_rgb10a2(r | g << 10 | b << 20 | np.uint32(3 << 30))
    assert unpacked.dtype == np.uint16
    np.testing.assert_array_equal(unpacked, rgb)


def test_to_u8_rounds_clips_and_makes_nan_black():
    values = np.array([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 254.6 / 255, 1.0, 7.0, np.nan, np.inf, -np.inf])
    assert to_u8(values).tolist() == [0, 0, 0, 1, 128, 255, 255, 255, 0, 255, 0]
    assert (to_u8(np.arange(256) / 255.0) == np.arange(256)).all()


@pytest.mark.parametrize(
    "pixels", [U8, U8[..., :3], U8[..., 0], U8[::-1, ::2, :3]], ids=["rgba", "rgb", "grey", "view"]
)
def test_a_png_comes_back_exactly(tmp_path: Path, pixels: np.ndarray):
    save_image(tmp_path / "a.PNG", pixels)
    loaded = load_image(tmp_path / "a.PNG")
    assert loaded.dtype == np.uint8
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, pixels)
    assert os.listdir(tmp_path) == ["a.PNG"]


@pytest.mark.parametrize("pixels", [SMOOTH.astype(np.uint8), SMOOTH[..., 0].astype(np.uint8)], ids=["rgb", "grey"])
def test_a_jpeg_comes_back_closely(tmp_path: Path, pixels: np.ndarray):
    sizes = []
    for name, quality, tolerance in (("a.jpg", 95, 8), ("a.jpeg", 60, 24)):
        save_image(tmp_path / name, pixels, jpeg_quality=quality)
        loaded = load_image(tmp_path / name)
        assert (loaded.shape, loaded.dtype) == (pixels.shape, np.uint8)
        assert np.abs(loaded.astype(int) - pixels).max() <= tolerance
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes[0] > sizes[1]


def test_other_pillow_modes_become_grey_rgb_or_rgba(tmp_path: Path):
    rgba = Image.fromarray(U8)
    palette = rgba.convert("RGB").quantize(16)
    cases: dict[str, tuple[Image.Image, tuple[int, ...], dict[str, int]]] = {
        "palette.png": (palette, (13, 17, 3), {}),
        "transparent.png": (palette, (13, 17, 4), {"transparency": 3}),
        "grey_alpha.png": (rgba.convert("LA"), (13, 17, 4), {}),
        "bits.png": (rgba.convert("1"), (13, 17), {}),
        "cmyk.jpg": (rgba.convert("RGB").convert("CMYK"), (13, 17, 3), {}),
    }
    for name, (picture, shape, options) in cases.items():
        picture.save(tmp_path / name, **options)
        loaded = load_image(tmp_path / name)
        assert (loaded.shape, loaded.dtype) == (shape, np.uint8), name
    assert set(np.unique(load_image(tmp_path / "bits.png"))) == {0, 255}
    expected = np.array(palette.convert("RGB"))
    np.testing.assert_array_equal(load_image(tmp_path / "palette.png"), expected)
    sixteen = RNG.integers(0, 65536, (5, 6), dtype=np.uint16)
    Image.fromarray(sixteen).save(tmp_path / "sixteen.png")
    np.testing.assert_array_equal(load_image(tmp_path / "sixteen.png"), (sixteen >> 8).astype(np.uint8))


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("a.tif", U8, r"pictures are written as \.png, \.jpg, \.exr or \.hdr$"),
        ("a.hdr", U8.astype(np.float32), r"a \.hdr takes float32 pixels \(h w 3\), got float32 \(13, 17, 4\)$"),
        ("a.png", U8[..., :2], r"a picture is \(h w\), \(h w 3\) or \(h w 4\), got \(13, 17, 2\)$"),
        ("a.png", U8[:0], r"got \(0, 17, 4\)$"),
        ("a.png", U8.astype(np.float32), r"\.png takes uint8 pixels, got float32$"),
        ("a.jpg", U8, r"a JPEG holds no alpha; drop it or write a \.png$"),
        ("a.exr", U8, r"an EXR takes float16 or float32 pixels, got uint8$"),
        ("a.exr", U8.astype(np.float64), r"an EXR takes float16 or float32 pixels, got float64$"),
    ],
)
def test_pixels_that_a_format_does_not_hold_are_refused(tmp_path: Path, name: str, pixels: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        save_image(tmp_path / name, pixels)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.exr"])
def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path, name: str):
    pixels = np.zeros((2, 2), np.float32 if name == "a.exr" else np.uint8)
    with pytest.raises(FormatError, match=r"no/a\....: cannot be written") as caught:
        save_image(tmp_path / "no" / name, pixels)
    assert "\n" not in str(caught.value)


def test_unknown_missing_and_broken_files_are_one_clear_line(tmp_path: Path):
    save_image(tmp_path / "good.png", U8)
    save_image(tmp_path / "good.jpg", U8[..., :3])
    png = (tmp_path / "good.png").read_bytes()
    cases = {
        "a.webp": (b"x", r"a\.webp: pictures are read from \.png, \.jpg, \.exr or \.hdr$"),
        "empty.png": (b"", r"empty\.png: not a readable PNG"),
        "text.jpg": (b"not a picture", r"text\.jpg: not a readable JPEG"),
        "jpeg.png": ((tmp_path / "good.jpg").read_bytes(), r"jpeg\.png: not a readable PNG"),
        "half.png": (png[: len(png) // 2], r"half\.png: not a readable PNG"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FormatError, match=message) as caught:
            load_image(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FormatError, match=r"none\.png: no such file$"):
        load_image(tmp_path / "none.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.exr"])
def test_a_picture_over_the_limit_is_refused(tmp_path: Path, name: str):
    pixels = np.zeros((10, 10, 3), np.float32 if name == "a.exr" else np.uint8)
    save_image(tmp_path / name, pixels)
    assert load_image(tmp_path / name, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(FormatError, match=r"10x10 pixels; from 1 to 99 are allowed$"):
        load_image(tmp_path / name, max_pixels=99)


@pytest.mark.parametrize("size", [12_000, 60_000])
def test_a_small_png_that_claims_a_huge_picture_is_refused_undecoded(tmp_path: Path, size: int):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    stream = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    stream.seek(0, io.SEEK_END)
    stream.write(chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)))
    stream.write(chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b""))
    (tmp_path / "bomb.png").write_bytes(stream.getvalue())
    with pytest.raises(FormatError, match=r"bomb\.png: "):
        load_image(tmp_path / "bomb.png")


@given(data=st.binary(max_size=200), suffix=st.sampled_from([".png", ".jpg", ".hdr"]))
def test_random_bytes_raise_nothing_but_format_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
):
    path = tmp_path_factory.getbasetemp() / f"random{suffix}"
    path.write_bytes(data)
    with pytest.raises(FormatError):
        load_image(path)


def test_importing_the_module_loads_no_codec():
    code = (
        "import sys, translight.core.image; print([m for m in ('PIL', 'OpenEXR', 'numba', 'av') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_real_photo_reads_as_rgb():
    path = SHARED / "photos" / "berlin" / "01.jpg"
    if not path.is_file():
        pytest.skip("shared/data/photos is not on this machine")
    photo = load_image(path)
    assert photo.ndim == 3
    assert photo.shape[2] == 3
    assert 20 < photo.mean() < 235
