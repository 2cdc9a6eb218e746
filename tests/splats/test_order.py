"""Clouds in the order of a Morton curve: the same splats, neighbours together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from translight.splats.cloud import SplatCloud
from translight.splats.order import along_curve, morton_codes


def _cloud(means: np.ndarray) -> SplatCloud:
    n = len(means)
    number = np.arange(n, dtype=np.float32)
    return SplatCloud(
        means=np.ascontiguousarray(means, np.float32),
        scales=np.repeat(number[:, None], 3, axis=1),
        wxyz=np.repeat(number[:, None], 4, axis=1),
        opacities=number,
        sh=np.repeat(number[:, None], 3, axis=1)[:, None].copy(),
    )


def test_codes_interleave_the_axes_x_lowest() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    every_third = sum(1 << 3 * bit for bit in range(21))
    assert morton_codes(corners).tolist() == [every_third * k for k in (0, 1, 2, 3, 4, 7)]


@given(arrays(np.float32, st.tuples(st.integers(0, 40), st.just(3)), elements=st.floats(-1e6, 1e6, width=32)))
def test_the_same_splats_each_whole(means: np.ndarray) -> None:
    sorted_ = along_curve(_cloud(means))
    old = sorted_.opacities.astype(int)
    assert sorted(old.tolist()) == list(range(len(means)))
    np.testing.assert_array_equal(sorted_.means, means[old])
    for field in (sorted_.scales[:, 2], sorted_.wxyz[:, 3], sorted_.sh[:, 0, 1]):
        np.testing.assert_array_equal(field, old)
    codes = morton_codes(sorted_.means)
    assert (codes[1:] >= codes[:-1]).all()


def test_equal_places_keep_their_order_and_a_sorted_cloud_is_itself() -> None:
    cloud = _cloud(np.zeros((5, 3)))
    assert along_curve(cloud) is cloud
    assert along_curve(_cloud(np.empty((0, 3)))).means.shape == (0, 3)


def test_what_is_not_finite_comes_last() -> None:
    means = np.array([[np.nan, 0, 0], [1, 1, 1], [0, np.inf, 0], [0, 0, 0]], np.float32)
    assert along_curve(_cloud(means)).opacities.tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_come_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(4000, 3)).astype(np.float32)

    def step(points: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).mean())

    assert step(along_curve(_cloud(means)).means) < 0.2 * step(means)
