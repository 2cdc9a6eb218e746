"""Against the yard's and a room's true distances, whose views are given scales, shifts and noise of their own."""

import numpy as np
import pytest

from benchmarks.lift_scenes import room
from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.core.pose import Pose
from translight.generation.lift.depth_merge import DepthView, merged, ring_of_views, scaled_to_floor
from translight.generation.panorama import directions, pixels

SIZE = 48


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    distance = room().panorama(96).distance_m
    assert distance is not None
    return distance


@pytest.fixture(scope="module")
def views() -> list[tuple[Camera, Pose, np.ndarray]]:
    """Each view with its true inverse depth along z."""
    found = []
    for camera, pose in ring_of_views(SIZE):
        u, v = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
        rays = camera.ray(np.stack([u, v], axis=-1)).reshape(-1, 3)
        slant = np.linalg.norm(rays, axis=1)
        unit = (rays / slant[:, None]) @ pose.rotation().T
        distance = room().cast(np.array([0.0, 0.0, 1.6]), unit)[1]
        found.append((camera, pose, (slant / distance).reshape(SIZE, SIZE).astype(np.float32)))
    return found


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """Median relative error."""
    return float(np.median(np.abs(found / truth - 1)))


def test_the_views_see_every_direction_and_most_of_them_twice():
    rays = directions(64)
    seen = np.zeros(rays.shape[:2], int)
    for camera, pose in ring_of_views(SIZE):
        local = rays @ pose.rotation()
        uv = camera.project(local)
        seen += (np.nan_to_num(uv, nan=-1) > 0).all(axis=-1) & (np.nan_to_num(uv, nan=1e9) < SIZE).all(axis=-1)
    assert seen.min() >= 1
    assert (seen >= 2).mean() > 0.8


def test_metric_maps_are_kept(views, truth):
    found = merged([DepthView(camera, pose, inverse, metric=True) for camera, pose, inverse in views], 96)
    assert error(found, truth) < 0.01


def test_scales_and_shifts_are_found_through_noise(views, truth):
    rng = np.random.default_rng(4)
    given = []
    for camera, pose, inverse in views:
        noisy = inverse * (1 + rng.normal(0, 0.02, inverse.shape))
        scale, shift = rng.uniform(0.4, 2.5), rng.uniform(-0.15, 0.15)
        given.append(DepthView(camera, pose, ((noisy - shift) / scale).astype(np.float32)))
    found = scaled_to_floor(merged(given, 96), 1.6)
    assert error(found, truth) < 0.03
    raw = [DepthView(v.camera, v.stage_from_camera, np.maximum(v.inverse, 0.01), metric=True) for v in given]
    raw = merged(raw, 96)
    assert error(found, truth) < 0.3 * error(scaled_to_floor(raw, 1.6), truth)


def test_there_is_no_seam(views):
    """Turned by any angle, the same views give the same distances, turned: the picture's border is no place apart."""
    quarter = Pose.from_wxyz([np.cos(np.pi / 4), 0, 0, -np.sin(np.pi / 4)])
    given = [DepthView(camera, pose, inverse) for camera, pose, inverse in views]
    turned = [DepthView(camera, quarter @ pose, inverse) for camera, pose, inverse in views]
    a, b = merged(given, 48), merged(turned, 48)
    np.testing.assert_allclose(b, np.roll(a, 24, axis=1), rtol=2e-2)
    column, _ = pixels(np.array([1.0, 0.0, 0.0]), 48)
    assert column == pytest.approx(72)


def test_the_floor_gives_the_scale(truth):
    np.testing.assert_allclose(scaled_to_floor(truth * 7.3, 1.6), truth, rtol=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[:6], r"^the views leave \d+\.\d% of all directions unseen$"),
        (lambda v: [v[0], v[3]], "^the views do not overlap: their depths cannot be brought together$"),
        (
            lambda v: [DepthView(v[0].camera, v[0].stage_from_camera, v[0].inverse * np.nan)],
            "^depth of view 0: finite values of the camera's size are wanted$",
        ),
        (
            lambda v: [DepthView(v[0].camera, v[0].stage_from_camera, v[0].inverse[:9])],
            "^depth of view 0: finite values of the camera's size are wanted$",
        ),
        (
            lambda v: [*v[:3], DepthView(v[3].camera, v[3].stage_from_camera, -v[3].inverse), *v[4:]],
            "^depth of view 3 contradicts its neighbours'$",
        ),
    ],
    ids=["unseen", "apart", "nan", "size", "upside down"],
)
def test_what_cannot_be_merged(views, change, message: str):
    given = change([DepthView(camera, pose, inverse) for camera, pose, inverse in views])
    with pytest.raises(GenerationError, match=message):
        merged(given, 16)
