"""The land: level where the stage and the ruins stand, dunes beyond, never nearer than it says."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.procedural_terrain import FARTHEST_M, NEAREST_M, ground_colour, height, land, rippled


def test_level_at_the_stage_and_between_the_ruins() -> None:
    rng = np.random.default_rng(1)
    near = np.column_stack([rng.uniform(-3, 3, 2000), rng.uniform(3, 4, 2000)])
    assert np.abs(height(near, 5)).max() < 0.02
    between = np.column_stack([rng.uniform(-7, 8, 2000), rng.uniform(5, 60, 2000)])
    assert np.abs(height(between, 5)).max() < 0.15


def test_dunes_beside_and_beyond() -> None:
    rng = np.random.default_rng(1)
    beyond = np.column_stack([rng.uniform(-150, 150, 5000), rng.uniform(140, 290, 5000)])
    heights = height(beyond, 5)
    assert 2.0 < heights.max() < 8.0
    assert heights.min() > -3.0


@pytest.mark.parametrize("v", [0.0, 0.2, 0.5, 1.0])
def test_it_begins_in_a_straight_line_and_never_comes_nearer(v: float) -> None:
    u = np.linspace(-1, 1, 401)
    points = land(5, lambda p: np.ones(len(p))).point(np.zeros(401, int), u, np.full(401, v))
    assert points[:, 1].min() >= NEAREST_M - 1e-9
    if v == 0.0:
        np.testing.assert_allclose(points[:, 1], NEAREST_M)
    if v == 1.0:
        assert np.hypot(*points[200, :2]) == pytest.approx(FARTHEST_M, abs=10)


def test_ripples_tilt_flat_sand_near_and_leave_slopes_and_distance() -> None:
    rng = np.random.default_rng(2)
    near = np.column_stack([rng.uniform(-3, 3, 2000), rng.uniform(3, 9, 2000), np.zeros(2000)])
    up = np.tile([0.0, 0.0, 1.0], (2000, 1))
    turned = rippled(near, up, 3)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1)
    assert 0.03 < np.hypot(turned[:, 0], turned[:, 1]).mean() < 0.3
    wall = np.tile([0.0, -1.0, 0.0], (2000, 1))
    np.testing.assert_allclose(rippled(near, wall, 3), wall)


def test_sand_is_a_warm_albedo() -> None:
    rng = np.random.default_rng(2)
    colour = ground_colour(rng.uniform(-50, 50, (3000, 3)), 3)
    assert colour.min() > 0
    assert colour.max() < 1
    assert (colour[:, 0] > colour[:, 2]).all()
