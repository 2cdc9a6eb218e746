"""The clear sky sends as much light, and as much of each colour, as is measured."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.atmosphere import henyey_greenstein, sun_transmittance
from translight.generation.brief.brief import Brief
from translight.generation.procedural.air import atmosphere
from translight.generation.procedural.sky.scattering import AZIMUTHS, ELEVATIONS, EYE_M, scattered

AIR = atmosphere(Brief(name="a", intent="b"))
SUN_LUX = 128_000.0


def sky_irradiance(elevation_deg: float) -> np.ndarray:
    """Of the sky alone on level ground, for a sun of irradiance 1, by the trapezoidal rule."""
    elevation = np.radians(elevation_deg)
    glow = scattered(float(np.sin(elevation)), AIR)
    e, a = 0.5 * np.pi * np.linspace(0, 1, ELEVATIONS) ** 2, np.linspace(0, np.pi, AZIMUTHS)
    cosine = np.cos(e)[:, None] * np.cos(a) * np.cos(elevation) + np.sin(e)[:, None] * np.sin(elevation)
    rayleigh = 3 / (16 * np.pi) * (1 + cosine * cosine)
    mie = 0.86 * henyey_greenstein(cosine, 0.74) + 0.14 * henyey_greenstein(cosine, 0.93)
    radiance = glow.air * rayleigh[..., None] + glow.haze * mie[..., None] + glow.again
    rows = 2 * np.trapezoid(radiance, a, axis=1) * (np.sin(e) * np.cos(e))[:, None]
    return np.asarray(np.trapezoid(rows, e, axis=0))


def test_a_clear_sky_gives_a_tenth_to_a_quarter_of_the_light_at_a_high_sun() -> None:
    # diffuse share of global illuminance under clear skies: CIE 108 (1994), 0.1 to 0.25 above 50 degrees
    sky = sky_irradiance(60.0)[1]
    sun = sun_transmittance(np.array([EYE_M]), np.array([np.sin(np.radians(60))]), AIR)[0, 1] * np.sin(np.radians(60))
    assert 0.10 < sky / (sky + sun) < 0.25


def test_light_falls_with_the_sun_from_noon_to_night() -> None:
    green = [sky_irradiance(elevation)[1] for elevation in (70.0, 20.0, 3.0, -4.0, -10.0)]
    assert (np.diff(green) < 0).all()


@pytest.mark.parametrize(("elevation_deg", "lux"), [(0.0, 750.0), (-6.0, 3.4)])
def test_twilight_is_as_bright_as_published(elevation_deg: float, lux: float) -> None:
    # Seidelmann, Explanatory Supplement to the Astronomical Almanac (1992), p. 491: horizontal illuminance
    assert lux / 2.5 < sky_irradiance(elevation_deg)[1] * SUN_LUX < 2.5 * lux


def test_after_sunset_earths_shadow_stands_opposite_under_a_brighter_band() -> None:
    opposite = scattered(float(np.sin(np.radians(-3.0))), AIR)
    # red light straight away from the sun, by elevation: dark low down, a maximum at a few degrees, darker above
    red = (opposite.air[:, -1, 0] * 3 / (8 * np.pi)) + opposite.again[:, -1, 0]
    elevation = 90 * np.linspace(0, 1, ELEVATIONS) ** 2
    top = elevation[np.argmax(red)]
    assert 1.0 < top < 20.0
    assert red[-1] < 0.7 * red.max()


def test_nothing_is_negative() -> None:
    glow = scattered(0.3, AIR)
    assert min(glow.air.min(), glow.haze.min(), glow.again.min()) >= 0
