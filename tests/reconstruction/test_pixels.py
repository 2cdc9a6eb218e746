"""Pictures as trainers want them: undistorted, sized, masked, with depth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.exr import save_exr
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.pixels import load_photograph

CAMERA = Camera(160, 120, 130.0, 128.0, 79.0, 61.5)
DISTORTION = (-0.25, 0.08, 0.004, -0.003)


def _waves(rays: np.ndarray) -> np.ndarray:
    """A picture that is smooth in direction: (…, 3)."""
    x, y = rays[..., 0], rays[..., 1]
    return np.stack([0.5 + 0.4 * np.sin(9 * x), 0.5 + 0.4 * np.cos(8 * y), 0.5 + 0.4 * np.sin(6 * x + 5 * y)], axis=-1)


def _undistorted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brown's model inverted by fixed-point iteration, as OpenCV's undistortPoints does it."""
    k1, k2, p1, p2 = DISTORTION
    u, v = x.copy(), y.copy()
    for _ in range(60):
        r2 = u * u + v * v
        radial = 1 + k1 * r2 + k2 * r2 * r2
        u, v = (
            (x - 2 * p1 * u * v - p2 * (r2 + 2 * u * u)) / radial,
            (y - p1 * (r2 + 2 * v * v) - 2 * p2 * u * v) / radial,
        )
    return u, v


def _grid(camera: Camera) -> np.ndarray:
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    return np.stack([u, v], axis=-1)


@pytest.fixture
def image(tmp_path: Path) -> PosedImage:
    file = tmp_path / "waves.png"
    save_image(file, to_u8(_waves(CAMERA.ray(_grid(CAMERA)))))
    return PosedImage("waves.png", file, CAMERA, Pose.identity())


def test_a_picture_keeps_its_frustum_in_fewer_pixels(image: PosedImage):
    found = load_photograph(image, 80)
    assert (found.camera.width_px, found.camera.height_px) == (80, 60)
    expected = _waves(found.camera.ray(_grid(found.camera)))
    np.testing.assert_allclose(found.rgb[3:-3, 3:-3], expected[3:-3, 3:-3], atol=0.01)
    assert bool(found.weight.all())
    assert found.depth is None


def test_it_is_never_made_larger(image: PosedImage):
    assert load_photograph(image, 1000).camera == CAMERA
    assert load_photograph(image).rgb.shape == (120, 160, 3)


@pytest.mark.parametrize("width", [160, 60])
def test_what_a_lens_bent_is_straight_again(tmp_path: Path, width: int):
    rays = CAMERA.ray(_grid(CAMERA))
    u, v = _undistorted(rays[..., 0], rays[..., 1])
    file = tmp_path / "bent.png"
    save_image(file, to_u8(_waves(np.stack([u, v], axis=-1))))
    found = load_photograph(PosedImage("bent.png", file, CAMERA, Pose.identity(), DISTORTION), width)
    expected = _waves(found.camera.ray(_grid(found.camera)))
    counts = found.weight > 0
    counts[[0, -1]], counts[:, [0, -1]] = False, False
    assert counts.mean() > 0.9
    np.testing.assert_allclose(found.rgb[counts], expected[counts], atol=0.02)


def test_what_the_lens_did_not_see_has_no_weight(tmp_path: Path):
    file = tmp_path / "grey.png"
    save_image(file, np.full((120, 160, 3), 128, np.uint8))
    barrel = PosedImage("grey.png", file, CAMERA, Pose.identity(), (0.3, 0.0, 0.0, 0.0))
    weight = load_photograph(barrel).weight
    assert weight[60, 80] == 1
    assert weight[0, 0] == 0, "with a pincushion's corners drawn in, the pinhole's corner lies outside the picture"


def test_masks_and_depths_come_along(tmp_path: Path, image: PosedImage):
    mask = np.full((120, 160), 255, np.uint8)
    mask[:, :80] = 0
    save_image(tmp_path / "mask.png", mask)
    depth = np.full((120, 160), 2000, np.uint16)
    depth[:60] = 0
    Image.fromarray(depth).save(tmp_path / "depth.png")
    found = load_photograph(
        replace(image, mask=tmp_path / "mask.png", depth=tmp_path / "depth.png", depth_scale=1e-3), 80
    )
    np.testing.assert_array_equal(found.weight[:, :39], 0)
    np.testing.assert_array_equal(found.weight[:, 43:], 1)
    assert found.depth is not None
    np.testing.assert_array_equal(found.depth[:30], 0)
    np.testing.assert_allclose(found.depth[30:], 2.0, rtol=1e-6)
    plane = np.full((120, 160), 3.0, np.float32)
    plane[5, 5] = np.nan
    save_exr(tmp_path / "depth.exr", plane)
    found = load_photograph(replace(image, depth=tmp_path / "depth.exr"))
    assert found.depth is not None
    assert found.depth[5, 5] == 0
    assert found.depth[6, 6] == 3


def test_files_that_do_not_fit_are_named(tmp_path: Path, image: PosedImage):
    small = tmp_path / "small.png"
    save_image(small, np.zeros((10, 20, 3), np.uint8))
    line = "20x10 pixels, the camera of waves.png says 160x120"
    for wrong in (replace(image, file=small), replace(image, mask=small)):
        with pytest.raises(FormatError) as refused:
            load_photograph(wrong)
        assert str(refused.value) == f"{small}: {line}"
    with pytest.raises(FormatError) as refused:
        load_photograph(replace(image, depth=image.file))
    assert str(refused.value) == f"{image.file}: a depth picture has one channel, got the shape (120, 160, 3)"
