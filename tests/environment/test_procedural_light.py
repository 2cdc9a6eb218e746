"""Baked light against cases that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from translight.environment import procedural_light as light
from translight.environment.procedural_sky import Sky, make_sky

SUN = np.array([0.0, np.cos(0.3), np.sin(0.3)])


@pytest.fixture(scope="module")
def sky() -> Sky:
    return make_sky(64, sun_azimuth_deg=0, sun_elevation_deg=10, ground=np.full(3, 0.2), exposure=5.0, seed=1)


def test_an_even_sky_lights_every_normal_by_pi(sky: Sky) -> None:
    even = replace(sky, picture=np.ones_like(sky.picture))
    normals = np.random.default_rng(1).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(light.irradiance(light.sky_light(even), normals), np.pi, rtol=0.01)


def test_light_from_above_lights_what_faces_up(sky: Sky) -> None:
    picture = np.zeros_like(sky.picture)
    picture[:32] = 1.0
    ambient = light.sky_light(replace(sky, picture=picture))
    up, side, down = light.irradiance(ambient, np.array([[0, 0, 1.0], [1.0, 0, 0], [0, 0, -1.0]]))[:, 0]
    assert up == pytest.approx(np.pi, rel=0.05)
    assert side == pytest.approx(np.pi / 2, rel=0.05)
    assert down < 0.2


def test_a_wall_shadows_the_ground_behind_it_as_far_as_the_sun_is_low() -> None:
    x, z = np.meshgrid(np.arange(-2, 2, 0.05), np.arange(0, 2, 0.05))
    wall = np.column_stack([x.ravel(), np.full(x.size, 20.0), z.ravel()])
    shadows = light.cast_shadows(wall, np.full(len(wall), 0.04), SUN)
    reach = 2.0 / np.tan(0.3)
    ground = np.array([[0, 20 - 0.5 * reach, 0], [0, 20 - 1.2 * reach, 0], [0, 21, 0], [3, 17, 0], [0, 17, 3.0]])
    np.testing.assert_allclose(light.sunlit(shadows, ground.astype(float)), [0, 1, 1, 1, 1])


def test_the_wall_does_not_shadow_its_own_sunny_side() -> None:
    x, z = np.meshgrid(np.arange(-2, 2, 0.05), np.arange(0, 2, 0.05))
    wall = np.column_stack([x.ravel(), np.full(x.size, 20.0), z.ravel()])
    shadows = light.cast_shadows(wall, np.full(len(wall), 0.04), SUN)
    assert light.sunlit(shadows, wall).min() == 1.0


def test_open_ground_sees_the_sky_and_corners_less() -> None:
    x, y, z = np.meshgrid(np.arange(-6, 6, 0.1), np.arange(20, 21, 0.1), np.arange(0, 5, 0.1))
    shelter = light.shelters(np.column_stack([x.ravel(), y.ravel(), z.ravel()]))
    points = np.array([[0, 19.5, 0], [0, 18.0, 0], [0, 5, 0], [0, 20.5, 5.1]])
    up = np.tile([0.0, 0.0, 1.0], (4, 1))
    near, nearby, far, on_top = light.openness(shelter, points, up)
    assert far == pytest.approx(1.0)
    assert on_top == pytest.approx(1.0)
    assert near == pytest.approx(0.55, abs=0.15)  # a long wall at arm's length hides nearly half of the sky
    assert near < nearby < 0.98
    front = light.openness(shelter, np.array([[0, 19.95, 2.0]]), np.array([[0, -1.0, 0]]))
    assert front == pytest.approx(1.0, abs=0.02)  # a face is not darkened by its own wall


def test_haze_hides_what_is_far_and_nothing_near(sky: Sky) -> None:
    points = np.array([[0, 10.0, 0], [0, 300.0, 0], [0, 30_000.0, 0]])
    seen = light.hazy(np.zeros((3, 3)), points, np.zeros(3), sky)
    np.testing.assert_array_equal(seen[0], 0)
    assert (seen[1] > 0).all()
    assert (seen[1] < seen[2]).all()
