"""Air weakens light as tables of it say."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.atmosphere import Atmosphere, extinction_per_m, henyey_greenstein, sun_transmittance

NO_HAZE = Atmosphere(haze_per_m=(0.0, 0.0, 0.0), ozone_per_m=(0.0, 0.0, 0.0))


def depth(elevation_deg: float, air: Atmosphere) -> np.ndarray:
    sine = np.array([np.sin(np.radians(elevation_deg))])
    return -np.log(sun_transmittance(np.zeros(1), sine, air, steps=40)[0])


@pytest.mark.parametrize(("elevation_deg", "within"), [(60.0, 0.01), (30.0, 0.01), (10.0, 0.02), (3.0, 0.05)])
def test_the_air_mass_is_kasten_and_youngs(elevation_deg: float, within: float) -> None:
    # Kasten and Young 1989: "Revised optical air mass tables and approximation formula"
    h = elevation_deg
    mass = 1 / (np.sin(np.radians(h)) + 0.50572 * (h + 6.07995) ** -1.6364)
    np.testing.assert_allclose(depth(h, NO_HAZE) / depth(90.0, NO_HAZE), mass, rtol=within)


def test_clean_air_overhead_is_as_deep_as_measured() -> None:
    # Bodhaine et al. (1999), "On Rayleigh optical depth calculations": 0.0973 at 550 nm, sea level, 45° N
    assert depth(90.0, NO_HAZE)[1] == pytest.approx(0.0973, rel=0.13)


def test_ozone_overhead_is_a_few_hundredths() -> None:
    # 300 Dobson units take about 0.03 in the middle of Chappuis' band
    ozone = depth(90.0, Atmosphere(haze_per_m=(0.0, 0.0, 0.0))) - depth(90.0, NO_HAZE)
    assert 0.02 < ozone[1] < 0.04
    assert ozone[2] < 0.1 * ozone[1]


def test_haze_adds_its_scale_height() -> None:
    hazy = Atmosphere(haze_per_m=(1e-4, 1e-4, 1e-4), absorbed=0.05, haze_height_m=1000.0)
    lost = depth(90.0, hazy) - depth(90.0, Atmosphere(haze_per_m=(0.0, 0.0, 0.0)))
    np.testing.assert_allclose(lost, 0.105, rtol=0.02)


def test_the_sun_sets() -> None:
    sines = np.sin(np.radians([-3.0, 3.0]))
    below, above = sun_transmittance(np.zeros(2), sines)
    assert (below == 0).all()
    assert (above > 0).all()


def test_extinction_falls_with_altitude() -> None:
    floor, high = extinction_per_m(np.array([0.0, 8000.0]), NO_HAZE)
    np.testing.assert_allclose(high / floor, np.exp(-1))


@pytest.mark.parametrize("g", [-0.3, 0.0, 0.7])
def test_the_phase_function_is_one_over_the_sphere_and_has_its_mean(g: float) -> None:
    cosine = np.linspace(-1, 1, 20_001)
    p = 2 * np.pi * henyey_greenstein(cosine, g)
    assert np.trapezoid(p, cosine) == pytest.approx(1, abs=1e-4)
    assert np.trapezoid(p * cosine, cosine) == pytest.approx(g, abs=1e-4)
