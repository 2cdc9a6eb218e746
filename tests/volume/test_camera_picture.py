"""The camera's picture and depth against NumPy: cuts by slices, colours by their formulas, depth by its curve."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from translight.colour.depth_curve import DepthCurve
from translight.colour.output import OutputTransform, unpack
from translight.core.camera import Camera, View
from translight.core.image import PixelFormat
from translight.core.pose import Pose
from translight.volume.camera_picture import CameraPicture, DepthPicture
from translight.volume.frustum import inner_view
from translight.volume.sampling import Sampling, resample

CAMERA = Camera.from_fov(150, 70, horizontal_deg=60)
OVERSCAN = 0.1
X, Y = 8, 4
"""150 · 0.05 and 70 · 0.05, rounded to even."""


def view(scale: float = 1.0) -> View:
    return inner_view(Pose.identity(), CAMERA, overscan=OVERSCAN, scale=scale)


def inner(of: View, seed: int = 1) -> SimpleNamespace:
    """Smooth colours, which resampling keeps, and depths from 0.1 to 300 m with holes of infinity."""
    height, width = of.camera.height_px, of.camera.width_px
    y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None]
    rgba = np.stack([0.5 + 0.5 * np.sin(5 * x), y, 0.5 + 0.5 * np.cos(3 * x * y), np.ones_like(x)], -1)
    depth = 10 ** np.random.default_rng(seed).uniform(-1, 2.5, (height, width))
    depth[height // 2, ::3] = np.inf
    return SimpleNamespace(rgba=rgba.astype(np.float32), depth=depth.astype(np.float32))


def room(pixel_format: PixelFormat) -> np.ndarray:
    return np.zeros(pixel_format.shape(CAMERA.width_px, CAMERA.height_px), pixel_format.dtype)


def codes(picture: np.ndarray, pixel_format: PixelFormat) -> np.ndarray:
    return unpack(picture, pixel_format).astype(np.float64)


OUTPUTS = [
    OutputTransform(),
    OutputTransform(wall="pq", pixel_format=PixelFormat.RGB10A2),
    OutputTransform(wall="linear", pixel_format=PixelFormat.RGBA16F),
]


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda o: o.pixel_format)
def test_the_picture_is_the_inner_one_without_its_overscan(output: OutputTransform) -> None:
    of, out = view(), room(output.pixel_format)
    drawn = inner(of)
    CameraPicture(150, 70, OVERSCAN, output).fill(drawn, of, out)
    wanted = output.codes(drawn.rgba[Y:-Y, X:-X, :3])
    largest = 5e-4 if output.pixel_format is PixelFormat.RGBA16F else 0.51
    assert np.abs(codes(out, output.pixel_format) - wanted).max() <= largest


@pytest.mark.parametrize("scale", [0.85, 0.5])
def test_a_coarser_inner_picture_is_resampled_to_the_cameras_pixels(scale: float) -> None:
    of, out, output = view(scale), room(PixelFormat.RGBA8), OUTPUTS[0]
    drawn = inner(of)
    CameraPicture(150, 70, OVERSCAN, output, threads=1).fill(drawn, of, out)
    y, x = np.mgrid[:70, :150]
    sx, sy = of.camera.width_px / 166, of.camera.height_px / 78
    wanted = resample(drawn.rgba, (x.ravel() + 0.5 + X) * sx, (y.ravel() + 0.5 + Y) * sy, Sampling.CATMULL_ROM).reshape(
        70, 150, 4
    )
    assert np.abs(codes(out, PixelFormat.RGBA8) - output.codes(wanted[..., :3])).max() <= 0.52
    # And it is the picture of full resolution, as far as a coarser one can be
    whole = view()
    whole_out = room(PixelFormat.RGBA8)
    CameraPicture(150, 70, OVERSCAN, output).fill(inner(whole), whole, whole_out)
    assert np.abs(codes(out, PixelFormat.RGBA8) - codes(whole_out, PixelFormat.RGBA8)).max() <= 2


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_depth_is_picked_and_encoded_in_three_equal_channels(pixel_format: PixelFormat, scale: float) -> None:
    curve = DepthCurve(0.5, 80)
    of, out = view(scale), room(pixel_format)
    drawn = inner(of)
    DepthPicture(150, 70, OVERSCAN, curve, pixel_format).fill(drawn.depth, of, out)
    y, x = np.mgrid[:70, :150]
    sx, sy = of.camera.width_px / 166, of.camera.height_px / 78
    wanted = drawn.depth[((y + 0.5 + Y) * sy).astype(int), ((x + 0.5 + X) * sx).astype(int)].astype(np.float64)
    got = codes(out, pixel_format)
    np.testing.assert_array_equal(got[..., 0], got[..., 1])
    np.testing.assert_array_equal(got[..., 0], got[..., 2])
    assert np.isinf(wanted).any()
    if pixel_format is PixelFormat.RGBA16F:
        np.testing.assert_array_equal(got[..., 0], np.minimum(wanted, 65504).astype(np.float16))
        return
    largest = 255 if pixel_format is PixelFormat.RGBA8 else 1023
    assert np.abs(got[..., 0] - curve.signal(wanted) * largest).max() <= 0.51
    assert (got[..., 0][np.isinf(wanted)] == 0).all()
    assert (got[..., 0][wanted < 0.5] == largest).all()


def test_wrong_rooms_and_pictures_are_refused() -> None:
    of = view()
    drawn = inner(of)
    picture = CameraPicture(150, 70, OVERSCAN, OUTPUTS[0])
    depth = DepthPicture(150, 70, OVERSCAN, DepthCurve(), PixelFormat.RGBA8)
    for call, message in (
        (lambda: picture.fill(drawn, of, np.zeros((70, 151, 4), np.uint8)),
         "the camera's picture is C-contiguous uint8 (70, 150, 4), got uint8 (70, 151, 4)"),
        (lambda: picture.fill(drawn, view(0.5), room(PixelFormat.RGBA8)),
         "a view's picture is C-contiguous float32 (39, 83, 4), got float32 (78, 166, 4)"),
        (lambda: depth.fill(drawn.depth, of, room(PixelFormat.RGBA16F)),
         "the camera's depth is C-contiguous uint8 (70, 150, 4), got float16 (70, 150, 4)"),
        (lambda: depth.fill(drawn.depth[:-1], of, room(PixelFormat.RGBA8)),
         "a view's depth is C-contiguous float32 (78, 166), got float32 (77, 166)"),
    ):  # fmt: skip
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == message
