"""Planes through points against planes that are known."""

import numpy as np
import pytest

from translight.reconstruction.plane_fit import planes_through, refined_plane

NORMAL = np.array([2.0, -1.0, 2.0]) / 3


def _points(count: int, noise: float) -> np.ndarray:
    rng = np.random.default_rng(count)
    free = rng.uniform(-5, 5, (count, 3))
    on = free - np.outer(free @ NORMAL - 1.5, NORMAL)
    return on + np.outer(rng.normal(0, noise, count), NORMAL)


def test_three_points_give_their_plane_and_a_line_gives_none():
    triples = _points(30, 0.0).reshape(10, 3, 3)
    triples[4] = np.outer([0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
    normals, offsets = planes_through(triples)
    sides = np.sign(normals @ NORMAL)
    assert len(normals) == 9
    np.testing.assert_allclose(normals * sides[:, None], np.tile(NORMAL, (9, 1)), atol=1e-9)
    np.testing.assert_allclose(offsets * sides, 1.5, atol=1e-9)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_refining_finds_the_plane_of_its_own_points_on_the_same_side(side: float):
    points = np.concatenate([_points(500, 0.02), np.random.default_rng(1).uniform(-5, 5, (100, 3))])
    begun = side * (NORMAL + np.array([0.01, 0.0, 0.0]))
    normal, offset, near = refined_plane(points, begun / np.linalg.norm(begun), side * 1.52, 0.1, rounds=5)
    np.testing.assert_allclose(side * normal, NORMAL, atol=2e-3)
    assert side * offset == pytest.approx(1.5, abs=5e-3)
    assert near[:500].all()
    assert near[500:].mean() < 0.1


def test_with_too_few_points_a_plane_stays():
    normal, offset, near = refined_plane(np.ones((2, 3)), NORMAL, 0.5, 0.01, rounds=3)
    np.testing.assert_array_equal(normal, NORMAL)
    assert offset == 0.5
    assert not near.any()
