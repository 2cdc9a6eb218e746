from pathlib import Path

import numpy as np
import pytest

from translight.core.camera import Camera
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints

CAMERA = Camera(64, 48, 60.0, 60.0, 32.0, 24.0)


def _dataset(count: int) -> Dataset:
    rng = np.random.default_rng(4)
    images = tuple(
        PosedImage(f"{i:03}.jpg", Path(f"{i:03}.jpg"), CAMERA, Pose.exp(rng.normal(size=6)), depth_scale=0.5)
        for i in range(count)
    )
    points = SparsePoints(rng.normal((0, 0, 5), 1, (20, 3)), np.zeros((20, 3), np.uint8))
    return Dataset(images, points, metres_per_unit=2.0)


def test_every_eighth_is_held_out_beginning_with_the_first():
    training, held_out = _dataset(18).split()
    assert [image.name for image in held_out] == ["000.jpg", "008.jpg", "016.jpg"]
    assert len(training) == 15
    assert {image.name for image in training}.isdisjoint(image.name for image in held_out)


def test_of_four_none_is_held_out():
    training, held_out = _dataset(4).split()
    assert len(training) == 4
    assert held_out == ()


def test_in_other_coordinates_cameras_see_and_the_stage_shows_the_same():
    dataset = _dataset(3)
    new_from_scene = Similarity(3.0, Pose.exp([0.3, -2.0, 1.0, 0.5, 0.2, -0.9]))
    moved = dataset.moved(new_from_scene)
    assert dataset.points is not None
    assert moved.points is not None
    for before, after in zip(dataset.images, moved.images, strict=True):
        seen = before.scene_from_camera.inverse().apply(dataset.points.xyz)
        np.testing.assert_allclose(after.scene_from_camera.inverse().apply(moved.points.xyz), seen * 3.0, atol=1e-12)
        assert after.depth_scale == 1.5
    np.testing.assert_allclose(
        moved.stage_from_scene.apply(moved.points.xyz), dataset.stage_from_scene.apply(dataset.points.xyz), atol=1e-12
    )
    assert moved.metres_per_unit == pytest.approx(2.0 / 3.0)


@pytest.mark.parametrize("names", [[], ["b", "a"], ["a", "a"]])
def test_names_are_unique_and_in_order(names: list[str]):
    images = tuple(PosedImage(name, Path(name), CAMERA, Pose.identity()) for name in names)
    with pytest.raises(ValueError, match="a dataset holds pictures of different names, in their order, got"):
        Dataset(images)


def test_a_distortion_has_a_form_that_opencv_knows():
    with pytest.raises(ValueError, match=r"a\.jpg: distortion is 0, 4, 5 or 8 finite numbers, got"):
        PosedImage("a.jpg", Path("a.jpg"), CAMERA, Pose.identity(), (0.1, 0.2))
