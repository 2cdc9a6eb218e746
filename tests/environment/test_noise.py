"""Noise: its range, its smoothness, and that a seed is a seed."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.noise import fractal, hashed, noise, smoothstep


@pytest.mark.parametrize("dimensions", [2, 3])
def test_range_seed_and_spread(dimensions: int) -> None:
    points = np.random.default_rng(1).uniform(-50, 50, (20_000, dimensions))
    one = noise(points, 5)
    assert one.dtype == np.float32
    assert -1 <= one.min() < -0.6
    assert 0.6 < one.max() <= 1
    assert abs(one.mean()) < 0.02
    np.testing.assert_array_equal(one, noise(points, 5))
    assert abs(np.corrcoef(one, noise(points, 6))[0, 1]) < 0.05


def test_points_of_the_lattice_have_the_values_of_their_cells_and_between_is_smooth() -> None:
    x = np.linspace(-3, 3, 6001)
    line = noise(np.column_stack([x, np.full_like(x, 0.3)]), 2)
    steps = np.abs(np.diff(line))
    assert steps.max() < 2 * 1.9 * 0.001  # slope of the fade is at most 1.875 between values 2 apart
    assert np.ptp(line) > 0.3


def test_octaves_add_detail_and_stay_within_one() -> None:
    x = np.linspace(0, 20, 4001)
    points = np.column_stack([x, 0.7 * x])
    rough, smooth = fractal(points, 3, 6), fractal(points, 3, 1)
    assert np.abs(np.diff(rough, n=2)).mean() > 5 * np.abs(np.diff(smooth, n=2)).mean()
    assert np.abs(fractal(np.random.default_rng(2).uniform(-9, 9, (20_000, 3)), 3, 5)).max() <= 1


def test_two_dimensions_are_a_plane_of_three() -> None:
    points = np.random.default_rng(4).uniform(-9, 9, (500, 2))
    solid = np.column_stack([points, np.zeros(500)])
    np.testing.assert_array_equal(noise(points, 9), noise(solid, 9))


def test_hashed_keys_are_even_and_repeatable() -> None:
    values = hashed(np.arange(-5_000, 5_000), 3)
    assert values.min() >= 0
    assert values.max() < 1
    counts, _ = np.histogram(values, 10, (0, 1))
    assert counts.min() > 850
    np.testing.assert_array_equal(values[100:200], hashed(np.arange(-4_900, -4_800), 3))


def test_smoothstep_works_both_ways() -> None:
    x = np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    np.testing.assert_allclose(smoothstep(1.0, 2.0, x), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(smoothstep(2.0, 1.0, x), [1, 1, 0.5, 0, 0])
