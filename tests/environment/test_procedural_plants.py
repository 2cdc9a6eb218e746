"""Plants: strokes that hang together, are where they grow, and have sound axes."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.procedural_plants import Strokes, grass, joined, palm_crown, palm_trunk
from translight.environment.surfels import cut


def sound(strokes: Strokes) -> None:
    n = len(strokes)
    for array, shape in (
        (strokes.centre, (n, 3)),
        (strokes.along, (n, 3)),
        (strokes.facing, (n, 3)),
        (strokes.width_m, (n,)),
        (strokes.albedo, (n, 3)),
    ):
        assert array.shape == shape
        assert np.isfinite(array).all()
    np.testing.assert_allclose(np.linalg.norm(strokes.facing, axis=1), 1, atol=1e-6)
    assert (np.linalg.norm(strokes.along, axis=1) > strokes.width_m / 2).all()
    assert 0 < strokes.albedo.min() <= strokes.albedo.max() < 0.8


def test_a_crown_surrounds_its_top() -> None:
    top = np.array([3.0, 20.0, 8.0])
    strokes = palm_crown(top, 3.0, 24, 20, np.random.default_rng(2))
    sound(strokes)
    assert len(strokes) == 24 * 20 * 3  # leaflets on both sides, and the rib
    reach = np.linalg.norm(strokes.centre - top, axis=1)
    assert reach.max() < 1.6 * 3.0
    turns = np.arctan2(*(strokes.centre - top)[:, :2].T)
    assert np.histogram(turns, 8, (-np.pi, np.pi))[0].min() > 0.05 * len(strokes)


def test_a_trunk_stands_from_foot_to_top() -> None:
    top = np.array([4.0, 21.0, 8.0])
    eyes = np.array([[0.0, 0.0, 1.7], [8.0, 40.0, 1.7]])
    surfels, _ = cut([palm_trunk((3.0, 20.0), top, 0.2)], eyes, 800, np.random.default_rng(1))
    low, high = surfels.point[:, 2] < 0.4, surfels.point[:, 2] > 7.6
    np.testing.assert_allclose(surfels.point[low, :2].mean(axis=0), [3.0, 20.0], atol=0.15)
    np.testing.assert_allclose(surfels.point[high, :2].mean(axis=0), [4.0, 21.0], atol=0.2)


def test_grass_grows_from_the_ground_to_its_height() -> None:
    foot = np.array([[0.0, 5.0, 0.3], [2.0, 6.0, 0.0]])
    strokes = grass(foot, np.array([0.5, 0.2]), 40, np.random.default_rng(3))
    sound(strokes)
    assert len(strokes) == 2 * 40 * 2
    ends = np.concatenate([strokes.centre - strokes.along, strokes.centre + strokes.along])
    first = np.hypot(*(ends[:, :2] - foot[0, :2]).T) < 0.8
    assert ends[first, 2].min() == pytest.approx(0.3, abs=0.05)
    assert 0.55 < ends[first, 2].max() < 0.95
    assert len(joined([strokes, strokes])) == 2 * len(strokes)
