"""Resampling filters against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.volume.sampling import Sampling, coefficients, resample, weights


@pytest.mark.parametrize("sampling", list(Sampling))
@given(f=st.floats(0, 1))
def test_weights_add_up_to_one(sampling: Sampling, f: float) -> None:
    assert weights(coefficients(sampling).astype(float), np.array(f)).sum() == pytest.approx(1, abs=1e-6)


@given(f=st.floats(0, 1))
def test_bilinear_is_the_two_nearest(f: float) -> None:
    np.testing.assert_allclose(weights(coefficients(Sampling.BILINEAR), np.array(f)), [0, 1 - f, f, 0], atol=1e-12)


def test_published_values_at_the_pixel_and_half_way() -> None:
    # Keys (1981), a = −1/2: (−1, 9, 9, −1)/16 half way; Mitchell–Netravali at 0: (1/18, 16/18, 1/18)
    cubic, mitchell = (coefficients(s).astype(float) for s in (Sampling.CATMULL_ROM, Sampling.MITCHELL))
    np.testing.assert_allclose(weights(cubic, np.array(0.5)), np.array([-1, 9, 9, -1]) / 16)
    np.testing.assert_allclose(weights(cubic, np.array(0.0)), [0, 1, 0, 0])
    np.testing.assert_allclose(weights(mitchell, np.array(0.0)), np.array([1, 16, 1, 0]) / 18, atol=1e-7)


@pytest.mark.parametrize("sampling", list(Sampling))
def test_a_plane_of_brightness_is_read_exactly(sampling: Sampling) -> None:
    y, x = np.mgrid[:12, :17] + 0.5
    picture = (2 * x - 3 * y)[..., None]
    rng = np.random.default_rng(0)
    u, v = rng.uniform(2.5, 14, 50), rng.uniform(2.5, 9, 50)
    np.testing.assert_allclose(resample(picture, u, v, sampling)[:, 0], 2 * u - 3 * v, atol=1e-5)


def test_beyond_the_edge_the_edge_goes_on() -> None:
    picture = np.arange(12.0).reshape(3, 4, 1)
    assert resample(picture, np.array([-5.0, 99]), np.array([0.5, 99]), Sampling.BILINEAR).ravel().tolist() == [0, 11]
