"""RGB to Y′CbCr against BT.709's formulas and against FFmpeg's own conversion, whole and by rows."""

import av
import numpy as np
import pytest

from translight.core.image import PixelFormat
from translight.stream import yuv

SAMPLINGS = {"420": yuv.YUV420, "422": yuv.YUV422, "444": yuv.YUV444}


def _noise(form: PixelFormat, height: int = 34, width: int = 62) -> tuple[np.ndarray, np.ndarray]:
    """A picture, and its codes as (h w 3)."""
    rng = np.random.default_rng(7)
    if form is PixelFormat.RGBA8:
        picture = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
        return picture, picture[..., :3].astype(np.float64)
    picture = rng.integers(0, 1 << 32, (height, width), dtype=np.uint32)
    return picture, np.stack([(picture >> s) & 1023 for s in (0, 10, 20)], axis=-1).astype(np.float64)


def _planes(height: int, width: int, bits: int, sampling: yuv.Subsampling) -> list[np.ndarray]:
    dtype = np.uint8 if bits == 8 else np.uint16
    small = (height // sampling.rows, width // sampling.columns)
    return [np.zeros((height, width + 2), dtype), np.zeros(small, dtype), np.zeros(small, dtype)]


def _formula(codes: np.ndarray, largest: int, bits: int) -> np.ndarray:
    """BT.709-6, items 3.2 to 3.4, in double precision."""
    r, g, b = np.moveaxis(codes / largest, -1, 0)
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    step = 2 ** (bits - 8)
    return np.stack([219 * luma + 16, 224 * (b - luma) / 1.8556 + 128, 224 * (r - luma) / 1.5748 + 128], -1) * step


def _shared(chroma: np.ndarray, sampling: yuv.Subsampling) -> np.ndarray:
    """Chroma samples on the left of each pair of columns, between the rows: a triangle, an average."""
    if sampling.columns == 2:
        left = np.concatenate([chroma[:, :1], chroma[:, :-1]], axis=1)
        right = np.concatenate([chroma[:, 1:], chroma[:, -1:]], axis=1)
        chroma = ((left + 2 * chroma + right) / 4)[:, ::2]
    return (chroma[::2] + chroma[1::2]) / 2 if sampling.rows == 2 else chroma


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("form", [PixelFormat.RGBA8, PixelFormat.RGB10A2])
def test_planes_are_the_formulas_rounded(form: PixelFormat, bits: int, name: str):
    sampling = SAMPLINGS[name]
    picture, codes = _noise(form)
    planes = _planes(34, 62, bits, sampling)
    yuv.convert(picture, form, *planes, bits, sampling)
    wanted = _formula(codes, 255 if form is PixelFormat.RGBA8 else 1023, bits)
    assert np.abs(planes[0][:, :62] - wanted[..., 0]).max() < 0.501
    for k in (1, 2):
        assert np.abs(planes[k] - _shared(wanted[..., k], sampling)).max() < 0.501
    assert (planes[0][:, 62:] == 0).all(), "columns beyond the picture stay as they were"


def test_black_white_and_grey_are_exact():
    for code, luma in ((0, 16), (255, 235), (128, 126)):
        picture = np.full((2, 4, 4), code, np.uint8)
        planes = _planes(2, 4, 8, yuv.YUV420)
        yuv.convert(picture, PixelFormat.RGBA8, *planes, 8)
        assert (planes[0][:, :4] == luma).all()
        assert (planes[1] == 128).all()
        assert (planes[2] == 128).all()


def test_bands_of_rows_make_the_whole():
    picture, _ = _noise(PixelFormat.RGBA8)
    whole, banded = _planes(34, 62, 8, yuv.YUV420), _planes(34, 62, 8, yuv.YUV420)
    yuv.convert(picture, PixelFormat.RGBA8, *whole, 8)
    for first, end in ((20, 34), (0, 2), (2, 20)):
        yuv.convert(picture, PixelFormat.RGBA8, *banded, 8, yuv.YUV420, first, end)
    assert all(np.array_equal(a, b) for a, b in zip(whole, banded, strict=True))
    with pytest.raises(ValueError, match=r"^rows 1 to 3 of 62 columns do not suit "):
        yuv.convert(picture, PixelFormat.RGBA8, *banded, 8, yuv.YUV420, 1, 3)


def test_ffmpeg_converts_alike():
    """libswscale knows nothing of our kernel; in flat patches its filter does not matter."""
    rng = np.random.default_rng(3)
    patches = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(patches), format="rgb24")
    other = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG").to_ndarray()
    picture = np.concatenate([patches, np.full_like(patches[..., :1], 255)], axis=-1)
    planes = _planes(64, 96, 8, yuv.YUV420)
    yuv.convert(picture, PixelFormat.RGBA8, *planes, 8)
    assert np.abs(planes[0][:, :96].astype(int) - other[:64])[8::16, 8::16].max() <= 1
    chroma = other[64:].reshape(2, 32, 48).astype(int)
    assert np.abs(planes[1].astype(int) - chroma[0])[4::8, 4::8].max() <= 1
    assert np.abs(planes[2].astype(int) - chroma[1])[4::8, 4::8].max() <= 1


@pytest.mark.parametrize(("form", "bits"), [(PixelFormat.RGBA8, 8), (PixelFormat.RGB10A2, 10)])
def test_a_smooth_picture_comes_back(form: PixelFormat, bits: int):
    largest = 255 if bits == 8 else 1023
    ramp = np.linspace(0.05, 0.9, 64)
    codes = np.stack(np.broadcast_arrays(ramp[None], ramp[::-1][None], ramp[:32, None]), -1) * largest
    codes = np.round(codes).astype(np.uint32)
    if bits == 8:
        picture = np.concatenate([codes, np.full_like(codes[..., :1], 255)], axis=-1).astype(np.uint8)
    else:
        picture = codes[..., 0] | codes[..., 1] << 10 | codes[..., 2] << 20 | np.uint32(3 << 30)
    planes = _planes(32, 64, bits, yuv.YUV420)
    yuv.convert(picture, form, *planes, bits)
    back = np.zeros_like(picture)
    yuv.restore(*planes, bits, form, back)
    error = yuv.words(back).astype(np.int64)
    shift, mask = (8, 255) if bits == 8 else (10, 1023)
    found = np.stack([(error >> shift * c) & mask for c in range(3)], -1)
    assert np.abs(found - codes)[:, 2:-2].max() <= (5 if bits == 8 else 18)
    assert (error >> 24 == 255).all() if bits == 8 else (error >> 30 == 3).all()
