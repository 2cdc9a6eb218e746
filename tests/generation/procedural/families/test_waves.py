"""Waves: published heights, slopes and foam, and sines that hold the spectrum's variance."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.procedural.families.waves import (
    GRAVITY,
    Swell,
    sampled,
    slope_variances,
    variance_m2,
    whitecap_share,
    wind_sea,
)


@pytest.mark.parametrize("wind_m_s", [3.0, 8.0, 15.0])
def test_a_full_sea_has_pierson_and_moskowitz_height_and_peak(wind_m_s: float) -> None:
    at_19_5 = 1.026 * wind_m_s
    assert 4 * np.sqrt(variance_m2(wind_m_s)) == pytest.approx(0.21 * at_19_5**2 / GRAVITY, rel=0.02)
    omega = np.geomspace(0.1, 20, 20_000)
    assert omega[np.argmax(wind_sea(omega, wind_m_s))] == pytest.approx(0.877 * GRAVITY / at_19_5, rel=0.01)


def test_a_short_fetch_is_jonswaps_and_a_long_one_full() -> None:
    """Hasselmann et al. (1973): m0 = 1.6e-7 · gF/U² · U⁴/g²."""
    published = 1.6e-7 * GRAVITY * 50e3 / 15**2 * 15**4 / GRAVITY**2
    assert variance_m2(15.0, 50e3) == pytest.approx(published, rel=0.15)
    assert variance_m2(5.0, 1e6) == variance_m2(5.0)
    assert variance_m2(15.0, 50e3) < 0.4 * variance_m2(15.0)


@pytest.mark.parametrize("wind_m_s", [2.0, 6.0, 14.0])
def test_sines_hold_the_variance_and_the_slopes(wind_m_s: float) -> None:
    waves = sampled(wind_m_s, 0.7, 5)
    amplitude, kx, ky, _ = waves.T
    assert 0.5 * np.sum(amplitude**2) == pytest.approx(variance_m2(wind_m_s), rel=0.02)
    assert 0.5 * np.sum(amplitude**2 * (kx**2 + ky**2)) == pytest.approx(sum(slope_variances(wind_m_s)), rel=1e-6)
    along = kx * np.sin(0.7) + ky * np.cos(0.7)
    assert 0.5 * np.sum((amplitude * along) ** 2) == pytest.approx(slope_variances(wind_m_s)[0], rel=0.25)


def test_the_surface_that_they_draw_has_that_height_and_runs_with_the_wind() -> None:
    waves = sampled(8.0, np.radians(270.0), 2, fetch_m=60e3)
    x, y = np.random.default_rng(1).uniform(-4000, 4000, (2, 20_000))
    surface = sum(a * np.sin(kx * x + ky * y + phase) for a, kx, ky, phase in waves)
    assert 4 * np.std(surface) == pytest.approx(4 * np.sqrt(variance_m2(8.0, 60e3)), rel=0.05)
    long_ = waves[:72]
    assert np.average(long_[:, 1], weights=long_[:, 0] ** 2) > 0  # from the west, towards +X


def test_swell_adds_its_own_variance() -> None:
    calm = sampled(2.0, 0.0, 3)
    swelling = sampled(2.0, 0.0, 3, swell=Swell(1.2, 10.0, np.pi))
    added = 0.5 * np.sum(swelling[len(calm) :, 0] ** 2)
    assert 4 * np.sqrt(added) == pytest.approx(1.2)
    k = np.hypot(*swelling[len(calm) :, 1:3].T)
    assert np.average(np.sqrt(GRAVITY * k), weights=swelling[len(calm) :, 0] ** 2) == pytest.approx(
        2 * np.pi / 10, rel=0.1
    )
    assert np.average(swelling[len(calm) :, 2], weights=swelling[len(calm) :, 0] ** 2) > 0  # from behind, towards +Y


def test_whitecaps_are_as_measured_and_bounded() -> None:
    assert whitecap_share(0.0) == 0.0
    assert whitecap_share(10.0) == pytest.approx(0.0099, rel=0.01)
    assert whitecap_share(60.0) == 0.3


def test_equal_seeds_give_equal_seas_and_no_wind_is_no_error() -> None:
    np.testing.assert_array_equal(sampled(7.0, 1.0, 9), sampled(7.0, 1.0, 9))
    assert not np.array_equal(sampled(7.0, 1.0, 9), sampled(7.0, 1.0, 10))
    still = sampled(0.0, 1.0, 9)
    assert np.isfinite(still).all()
    assert 0.5 * np.sum(still[:, 0] ** 2) < 1e-3
