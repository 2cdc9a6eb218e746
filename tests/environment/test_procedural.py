"""The demo environment: exact count, same from the same seed, clear of the stage, and without holes."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.environment import Environment
from translight.environment.files import load_environment, save_environment
from translight.environment.procedural import MIN_SPLATS, demo_environment

COUNT = 40_000


@pytest.fixture(scope="module")
def environment() -> Environment:
    return demo_environment(seed=3, splats=COUNT, sky_height_px=128)


def stage_points(environment: Environment) -> np.ndarray:
    return environment.stage_from_scene.apply(environment.splats.means)


def test_the_count_is_exact_and_every_value_is_sound(environment: Environment) -> None:
    cloud = environment.splats
    assert len(cloud) == COUNT
    assert cloud.sh_degree == 0
    for array in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh):
        assert np.isfinite(array).all()
    np.testing.assert_allclose(np.linalg.norm(cloud.wxyz, axis=1), 1, atol=1e-5)
    assert (cloud.scales > 0).all()
    assert 0.9 < cloud.opacities.min() <= cloud.opacities.max() <= 1
    colour = 0.5 + 0.28209479 * cloud.sh[:, 0]
    assert colour.min() > -0.01
    assert 0.15 < np.median(colour) < 0.7
    assert environment.sky is not None
    assert environment.sky.shape == (128, 256, 3)
    assert np.isfinite(environment.sky).all()
    assert (environment.encoding, environment.metres_per_unit) == ("srgb", 1.0)


def test_the_same_seed_gives_the_same_environment_and_another_does_not(environment: Environment) -> None:
    again = demo_environment(seed=3, splats=COUNT, sky_height_px=128)
    for name in ("means", "scales", "wxyz", "opacities", "sh"):
        np.testing.assert_array_equal(getattr(again.splats, name), getattr(environment.splats, name))
    np.testing.assert_array_equal(again.sky, environment.sky)
    other = demo_environment(seed=4, splats=COUNT, sky_height_px=128)
    assert not np.array_equal(other.splats.means, environment.splats.means)


def test_the_stage_is_clear_and_the_floor_is_level(environment: Environment) -> None:
    points = stage_points(environment)
    assert points[:, 1].min() > 2.8
    assert 280 < points[:, 1].max() < 330
    assert np.abs(points[:, 0]).max() < 400
    low = points[(points[:, 1] < 5) & (np.abs(points[:, 0]) < 2.5)]
    assert np.percentile(low[:, 2], 20) == pytest.approx(0, abs=0.03)
    assert (points[:, 2] > -8).all()


def test_few_splats() -> None:
    with pytest.raises(ValueError, match=f"at least {MIN_SPLATS} splats, got 100"):
        demo_environment(splats=100)
    assert len(demo_environment(splats=MIN_SPLATS, sky_height_px=32).splats) == MIN_SPLATS


def transmittance(environment: Environment, eye: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """What all Gaussians together let through on each ray: exact integrals' peaks, no pixel's blur to help them."""
    cloud = environment.splats
    w, x, y, z = cloud.wxyz.T
    rotation = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1),
        ],
        axis=1,
    )
    whiten = (rotation / cloud.scales[:, None, :]).transpose(0, 2, 1)  # rows: local axes over their sigmas
    scene = environment.stage_from_scene.inverse()
    origin = scene.apply(eye).astype(np.float32)
    start = np.einsum("nij,nj->ni", whiten, origin - cloud.means)
    square = np.einsum("ni,ni->n", start, start)
    through = []
    for target in targets:
        direction = (scene.apply(target) - origin).astype(np.float32)
        local = whiten @ (direction / np.linalg.norm(direction))
        along = -np.einsum("ni,ni->n", local, start)
        nearest = square - along**2 / np.einsum("ni,ni->n", local, local)
        alpha = np.where(along > 0, cloud.opacities * np.exp(-0.5 * np.maximum(nearest, 0)), 0)
        through.append(np.prod(1 - alpha[alpha > 1 / 255], dtype=np.float64))
    return np.array(through)


@pytest.mark.parametrize("eye", [(0.0, -4.0, 1.6), (-3.0, -2.0, 1.0), (3.0, -6.0, 3.0)])
def test_no_ray_to_the_land_finds_a_hole(environment: Environment, eye: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(11)
    azimuth, reach = rng.uniform(-1.0, 1.0, 120), np.exp(rng.uniform(np.log(9), np.log(60), 120))
    targets = np.column_stack([reach * np.sin(azimuth), reach * np.cos(azimuth) - 4.0, np.zeros(120)])
    left = transmittance(environment, np.array(eye), targets[targets[:, 1] > 4.0])
    assert len(left) > 60
    assert left.mean() < 0.03
    assert (left < 0.25).mean() > 0.97


def test_above_the_land_the_sky_is_open(environment: Environment) -> None:
    up = np.array([[0.0, 60.0, 60.0], [-3.0, 30.0, 80.0], [10.0, -30.0, 20.0]])
    assert transmittance(environment, np.array([0.0, -4.0, 1.6]), up).min() > 0.99


def test_it_survives_being_saved(environment: Environment, tmp_path) -> None:
    save_environment(environment, tmp_path / "demo.tlenv", zipped=True)
    read = load_environment(tmp_path / "demo.tlenv")
    np.testing.assert_array_equal(read.splats.means, environment.splats.means)
    np.testing.assert_array_equal(read.sky, environment.sky)
