from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from translight.core.errors import FormatError
from translight.core.image import load_image, save_image

RNG = np.random.default_rng(3)
LINEAR = (RNG.standard_normal((9, 11, 4)) * 100).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("channels", [4, 3, None])
def test_an_exr_comes_back_exactly(tmp_path: Path, dtype: type, channels: int | None):
    pixels = (LINEAR[..., 0] if channels is None else LINEAR[..., :channels]).astype(dtype)
    save_image(tmp_path / "a.exr", pixels)
    loaded = load_image(tmp_path / "a.exr")
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, pixels.astype(np.float32))


def test_infinities_and_nan_survive(tmp_path: Path):
    depth = np.array([[np.inf, -np.inf], [np.nan, 65504.0]], np.float32)
    save_image(tmp_path / "depth.exr", depth)
    np.testing.assert_array_equal(load_image(tmp_path / "depth.exr"), depth)


def test_the_file_is_what_other_programs_expect(tmp_path: Path):
    save_image(tmp_path / "colour.exr", LINEAR.astype(np.float16))
    save_image(tmp_path / "depth.exr", LINEAR[..., 0])
    with OpenEXR.File(str(tmp_path / "colour.exr"), separate_channels=True) as file:
        assert sorted(file.channels()) == ["A", "B", "G", "R"]
        assert {channel.pixels.dtype for channel in file.channels().values()} == {np.dtype(np.float16)}
        np.testing.assert_array_equal(file.channels()["G"].pixels, LINEAR[..., 1].astype(np.float16))
    with OpenEXR.File(str(tmp_path / "depth.exr"), separate_channels=True) as file:
        assert {name: channel.pixels.dtype for name, channel in file.channels().items()} == {"Z": np.dtype(np.float32)}


def _write(path: Path, channels: dict[str, np.ndarray], **header: object) -> None:
    with OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels) as file:
        file.write(str(path))


def test_mixed_and_additional_channels(tmp_path: Path):
    r, g, b, a = (np.ascontiguousarray(LINEAR[..., i]) for i in range(4))
    _write(tmp_path / "mixed.exr", {"R": r.astype(np.float16), "G": g, "B": b, "A": a, "Z": a, "id": a})
    loaded = load_image(tmp_path / "mixed.exr")
    np.testing.assert_array_equal(loaded[..., 0], r.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(loaded[..., 1:], LINEAR[..., 1:])
    _write(tmp_path / "grey.exr", {"Y": g}, compression=OpenEXR.PIZ_COMPRESSION)
    np.testing.assert_array_equal(load_image(tmp_path / "grey.exr"), g)
    _write(tmp_path / "two.exr", {"U": g, "V": b})
    with pytest.raises(FormatError, match=r"R, G, B or one single channel is wanted, this has U, V$"):
        load_image(tmp_path / "two.exr")
    _write(tmp_path / "id.exr", {"id": np.ones((9, 11), np.uint32)})
    with pytest.raises(FormatError, match=r"only half and float EXR channels can be read$"):
        load_image(tmp_path / "id.exr")


def test_an_offset_data_window_is_read_by_its_own_size(tmp_path: Path):
    window = (np.array([-3, 5], np.int32), np.array([7, 13], np.int32))
    _write(tmp_path / "off.exr", {"Y": np.ascontiguousarray(LINEAR[..., 2])}, dataWindow=window)
    np.testing.assert_array_equal(load_image(tmp_path / "off.exr"), LINEAR[..., 2])


def test_cut_off_and_altered_files_raise_format_error_or_read_as_pictures(tmp_path: Path):
    save_image(tmp_path / "good.exr", LINEAR)
    good = (tmp_path / "good.exr").read_bytes()
    path = tmp_path / "bad.exr"
    for length in (0, 3, 4, 100, 300, len(good) - 30, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(FormatError, match=r"bad\.exr: not a readable EXR, or cut off") as caught:
            load_image(path)
        assert "\n" not in str(caught.value)
    refused = 0
    for _ in range(100):
        altered = bytearray(good)
        altered[RNG.integers(0, 400)] ^= int(RNG.integers(1, 256))
        path.write_bytes(altered)
        try:
            assert load_image(path, max_pixels=1000).dtype == np.float32
        except FormatError:
            refused += 1
    assert refused > 20
