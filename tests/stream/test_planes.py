"""Planes against the code values of colour bars that everyone knows, and against FFmpeg's conversion."""

import av
import numpy as np
import pytest

from translight.core.image import unpack_rgb10a2
from translight.stream import planes

# 100 % bars in 10-bit BT.709 (SMPTE RP 219's lower rows hold the same white, yellow, cyan, … at 75 %)
BARS = {
    (1023, 1023, 1023): (940, 512, 512),
    (1023, 1023, 0): (877, 64, 553),
    (0, 1023, 1023): (754, 615, 64),
    (0, 1023, 0): (691, 167, 105),
    (1023, 0, 1023): (313, 857, 919),
    (1023, 0, 0): (250, 409, 960),
    (0, 0, 1023): (127, 960, 471),
    (0, 0, 0): (64, 512, 512),
}


def _packed(rgb: np.ndarray) -> np.ndarray:
    r, g, b = (rgb[..., k].astype(np.uint32) for k in range(3))
    return (r | g << 10 | b << 20 | np.uint32(3 << 30)).astype(np.uint32)


@pytest.mark.parametrize(("rgb", "codes"), BARS.items())
def test_colour_bars_have_their_code_values(rgb: tuple[int, int, int], codes: tuple[int, int, int]) -> None:
    picture = np.broadcast_to(_packed(np.array(rgb)), (2, 4)).copy()
    out = np.zeros((4, 4), np.uint16)
    planes.p216_from_rgb10a2(picture, out, "bt709")
    y, cb, cr = codes
    assert (out[:2] == y << 6).all()
    assert (out[2:, 0::2] == cb << 6).all()
    assert (out[2:, 1::2] == cr << 6).all()


@pytest.mark.parametrize("matrix", sorted(planes.LUMA))
def test_ten_bits_come_back(matrix: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 1024, (20, 16, 3)).repeat(2, axis=1)
    picture = _packed(rgb)
    between, back = np.zeros((40, 32), np.uint16), np.zeros((20, 32), np.uint32)
    planes.p216_from_rgb10a2(picture, between, matrix)
    planes.rgb10a2_from_p216(between, back, matrix)
    assert (back >> 30 == 3).all()
    assert np.abs(unpack_rgb10a2(back).astype(int) - rgb).max() <= 2


def test_uyvy_is_what_ffmpeg_makes() -> None:
    rgb = np.random.default_rng(6).integers(0, 256, (9, 8, 4)).astype(np.uint8).repeat(8, axis=1)
    out = np.zeros((9, 32), np.uint32)
    planes.uyvy_from_rgba8(rgb, out, "bt709")
    frame = av.VideoFrame.from_ndarray(rgb, format="rgba").reformat(
        format="uyvy422", src_colorspace="ITU709", dst_colorspace="ITU709"
    )
    theirs = np.frombuffer(frame.planes[0], np.uint8).reshape(9, -1)[:, :128].reshape(9, 32, 4)
    middle = np.s_[:, 1::4]
    assert np.abs(out.view(np.uint8).reshape(9, 32, 4)[middle].astype(int) - theirs[middle]).max() <= 2


def test_values_outside_rgb_are_clipped() -> None:
    hostile = np.random.default_rng(2).integers(0, 65536, (16, 8)).astype(np.uint16)
    back = np.zeros((8, 8), np.uint32)
    planes.rgb10a2_from_p216(hostile, back, "bt709")
    assert (back >> 30 == 3).all()
    planes.rgb10a2_from_p216(np.full((16, 8), 65535, np.uint16), back, "bt709")
    assert unpack_rgb10a2(back)[..., 0].max() == 1023


def test_the_upper_eight_of_ten_bits() -> None:
    rgb = np.random.default_rng(3).integers(0, 1024, (5, 7, 3))
    out = np.zeros((5, 7, 4), np.uint8)
    planes.rgba8_from_rgb10a2(_packed(rgb), out)
    assert (out[..., :3] == rgb >> 2).all()
    assert (out[..., 3] == 255).all()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_shrinking_is_the_mean_of_blocks(factor: int) -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (13, 17, 4)).astype(np.uint8)
    height, width = 13 // factor, 17 // factor
    out = np.zeros((height, width, 4), np.uint8)
    planes.shrink_rgba8(rgb, out, factor)
    blocks = rgb[: height * factor, : width * factor, :3].reshape(height, factor, width, factor, 3)
    assert np.abs(out[..., :3] - blocks.mean((1, 3))).max() <= 0.5
    assert (out[..., 3] == 255).all()
