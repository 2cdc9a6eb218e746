"""Scattering against distances by brute force and matrices by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.generation.procedural.shapes import box
from translight.generation.procedural.vegetation.scatter import darts, stand, thinned, tints


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 150), st.floats(0.1, 3.0))
def test_what_stays_is_apart_and_what_goes_was_too_near(seed, count, apart):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-8, 8, (count, 2))
    radius = apart * rng.uniform(0.5, 1.5, count)
    kept = thinned(points, radius)
    gap = np.linalg.norm(points[:, None] - points[None], axis=-1)
    close = gap < np.maximum(radius[:, None], radius[None])
    for i in range(count):
        assert kept[i] == (not (close[i, :i] & kept[:i]).any())


def test_darts_fill_a_ring_evenly_or_thin_out():
    rng = np.random.default_rng(3)
    radius = np.hypot(*darts(5.0, 20.0, 4.0, rng).T)
    assert radius.min() >= 5
    assert radius.max() <= 20
    assert len(radius) == pytest.approx(4 * np.pi * (400 - 25), rel=0.05)
    assert (radius < 12.5).mean() == pytest.approx((12.5**2 - 25) / 375, abs=0.03)
    thin = np.hypot(*darts(5.0, 20.0, 4.0, rng, falloff=1.0).T)
    assert len(thin) == pytest.approx(4 * 2 * np.pi * 5 * 15, rel=0.08)


def test_a_copy_is_turned_scaled_leant_and_put_down():
    mesh = box((1, 1, 1), 0)
    made = stand(
        mesh, np.array([[5.0, 6, 7]]), np.array([np.pi / 2]), np.array([2.0]), np.array([[0.1, -0.2]]), np.ones((1, 3))
    )
    moved = made.stage_from_mesh[0] @ [1.0, 0, 3, 1]
    np.testing.assert_allclose(moved, [5 + 0.6, 6 + 2 - 1.2, 7 + 6], atol=1e-12)
    assert np.linalg.det(made.stage_from_mesh[0, :, :3]) == pytest.approx(8)


def test_tints_are_around_one():
    made = tints(4000, 0.15, np.random.default_rng(1))
    assert made.min() > 0.3
    assert made.mean(axis=0) == pytest.approx(1, abs=0.02)
