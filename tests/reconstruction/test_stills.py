import builtins
import threading
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from tests.reconstruction.photographs import exif_of, linear_profile, png16, save_photograph, texture, tiff16

from translight.colour.transfer import srgb_encode
from translight.core.errors import FormatError, MissingExtra
from translight.reconstruction.stills import load_reduced, load_still


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("depth", [8, 16])
def test_a_still_is_turned_as_pillow_turns_it(tmp_path, orientation, depth):
    exif = exif_of(orientation=orientation)
    if depth == 8:
        path = save_photograph(tmp_path / "a.png", texture(6, 9), exif)
        truth = np.asarray(ImageOps.exif_transpose(Image.open(path)), np.float32) / 255
    else:
        grey = np.arange(54, dtype=np.uint16).reshape(6, 9) * 1000
        path = save_photograph(tmp_path / "a.png", grey, exif)
        turned = np.asarray(ImageOps.exif_transpose(Image.open(path)), np.float32) / 65535
        truth = np.repeat(turned[..., None], 3, axis=2)
    assert np.allclose(load_still(path), truth, atol=1e-7)
    small = load_reduced(path, 9)
    assert small.shape == truth.shape
    assert np.abs(small - truth * 255).max() < 1.01


@pytest.mark.parametrize("write", [png16, tiff16], ids=["png", "tiff"])
def test_sixteen_bits_of_colour_keep_their_precision(tmp_path, write):
    deep = np.random.default_rng(1).integers(0, 65536, (12, 17, 3)).astype(np.uint16)
    found = load_still(write(tmp_path / "100%03d [a].x", deep))  # a name that FFmpeg's image reader would take apart
    assert np.array_equal(np.rint(found * 65535).astype(np.uint16), deep)


def test_transparent_is_black(tmp_path):
    pixels = np.full((2, 3, 4), 200, np.uint8)
    pixels[0, :, 3], pixels[1, :, 3] = 0, 255
    found = load_still(save_photograph(tmp_path / "a.png", pixels))
    assert np.allclose(found[0], 0)
    assert np.allclose(found[1], 200 / 255)
    deep = np.full((2, 3, 4), 40_000, np.uint16)
    deep[0, :, 3], deep[1, :, 3] = 0, 65535
    found = load_still(png16(tmp_path / "b.png", deep))
    assert np.allclose(found[0], 0)
    assert np.allclose(found[1], 40_000 / 65535)


def test_palettes_grey_and_cmyk_become_rgb(tmp_path):
    rgb = texture(8, 8)
    Image.fromarray(rgb).quantize(16).save(tmp_path / "p.png")
    Image.fromarray(rgb).convert("L").save(tmp_path / "l.jpg")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "c.tif")
    Image.fromarray(rgb).convert("1").save(tmp_path / "1.png")
    for name in ("p.png", "l.jpg", "c.tif", "1.png"):
        found = load_still(tmp_path / name)
        assert found.shape == (8, 8, 3)
        assert found.dtype == np.float32
    assert np.array_equal(*(load_still(tmp_path / "l.jpg")[..., c] for c in (0, 2)))


def test_a_colour_profile_is_converted_to_srgb(tmp_path):
    pixels = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2).repeat(4, axis=1)
    profile = linear_profile()
    found = load_still(save_photograph(tmp_path / "a.png", pixels, exif_of(orientation=3), icc_profile=profile))
    linear = pixels[::-1, ::-1] / 255
    assert np.abs(found - srgb_encode(linear)).max() < 1.5 / 255
    with_alpha = np.concatenate([pixels, np.full((256, 4, 1), 255, np.uint8)], axis=2)
    found = load_still(save_photograph(tmp_path / "b.png", with_alpha, icc_profile=profile))
    assert np.abs(found - srgb_encode(pixels / 255)).max() < 1.5 / 255
    for other in (linear_profile(b"sRGB IEC61966-2.1"), b"nonsense" * 40, profile[:150]):
        found = load_still(save_photograph(tmp_path / "c.png", pixels, icc_profile=other))
        assert np.allclose(found, pixels / 255)


def test_heic_is_read_turned_and_whatever_its_name(tmp_path):
    pytest.importorskip("pillow_heif").register_heif_opener()
    smooth = np.asarray(Image.fromarray(texture(4, 6)).resize((96, 64), Image.Resampling.BICUBIC))
    Image.fromarray(smooth).save(tmp_path / "a.heic", quality=95, exif=exif_of(orientation=6).tobytes())
    upright = np.rot90(smooth, 3)
    for name in ("a.heic", "b.jpg"):
        if name == "b.jpg":
            (tmp_path / "a.heic").rename(tmp_path / name)
        found = load_still(tmp_path / name)
        assert found.shape == upright.shape
        assert np.abs(found * 255 - upright).mean() < 4


def test_heic_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    real = builtins.__import__

    def without(name, *rest):
        if name == "pillow_heif":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    words = r'^pillow-heif, which reads HEIC pictures, is not installed: pip install "translight\[heic\]"$'
    with pytest.raises(MissingExtra, match=words):
        load_still(tmp_path / "a.heic")


def test_what_is_no_picture_is_one_line(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    whole = save_photograph(tmp_path / "whole.jpg", texture(64, 64)).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.zeros((3, 4), np.float32)).save(tmp_path / "float.tif")
    unknown = "it begins like no JPEG, PNG, TIFF or HEIC"
    expected = {
        "text.jpg": f"not a readable picture ({unknown})",
        "empty.png": f"not a readable picture ({unknown})",
        "float.tif": "not a readable picture (its pixels are of 32 bits, which no photograph's are)",
        "absent.jpg": "no such file",
    }
    for name, words in expected.items():
        with pytest.raises(FormatError) as caught:
            load_still(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {words}"
    with pytest.raises(FormatError, match=r"cut\.jpg: not a readable picture \(image file is truncated"):
        load_still(tmp_path / "cut.jpg")
    with pytest.raises(FormatError, match=r"whole\.jpg: 64x64 pixels; from 1 to 4095 are allowed$"):
        load_still(tmp_path / "whole.jpg", max_pixels=4095)


def test_a_gif_by_another_name_is_not_decoded(tmp_path):
    Image.fromarray(texture(4, 4)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.jpg")
    with pytest.raises(FormatError, match="it begins like no JPEG, PNG, TIFF or HEIC"):
        load_still(tmp_path / "a.jpg")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    exif = exif_of(focal_mm=4, focal_35mm=28, position=(1, 2, 3))
    save_photograph(folder / "a.jpg", texture(24, 32), exif)
    save_photograph(folder / "a.png", texture(24, 32), exif)
    save_photograph(folder / "a.tif", texture(24, 32), exif)
    png16(folder / "b.png", texture(24, 32).astype(np.uint16) * 256)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_raises_nothing_but_format_errors(tmp_path, whole_files, data):
    whole = bytearray(data.draw(st.sampled_from(whole_files)))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.jpg"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        assert load_still(path, max_pixels=1 << 20).shape[2] == 3
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most damage is harmless


def test_threads_leave_the_warning_filters_as_they_were(tmp_path):
    path = save_photograph(tmp_path / "a.jpg", texture(64, 64))
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [load_still(path) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
