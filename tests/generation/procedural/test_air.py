"""The brief's visibility and weather become the air that they name."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.brief.brief import Brief, Place, Weather
from translight.generation.procedural.air import air_for, atmosphere, visibility_km


def brief(weather: Weather = "clear", visible_km: float = 40.0) -> Brief:
    return Brief(name="a", intent="b", place=Place(weather=weather, visibility_km=visible_km))


@pytest.mark.parametrize("visible_km", [0.5, 5.0, 40.0, 200.0])
def test_contrast_falls_to_two_percent_at_the_visibility(visible_km: float) -> None:
    # Koschmieder (1924): visible down to a contrast of 0.02
    green = air_for(brief(visible_km=visible_km)).haze_per_m[1]
    assert np.exp(-green * visible_km * 1000) == pytest.approx(0.02, rel=0.01)


def test_air_never_gets_clearer_than_clean() -> None:
    clean = 13.558e-6
    assert clean < air_for(brief(visible_km=300.0)).haze_per_m[1] < 1.2 * clean


def test_thin_haze_is_blue_and_thick_haze_grey() -> None:
    thin, thick = air_for(brief(visible_km=100.0)).haze_per_m, air_for(brief(visible_km=0.3)).haze_per_m
    assert thin[2] / thin[0] > 2
    assert thick[2] / thick[0] < 1.1


def test_fog_lies_low_and_the_sky_over_it_is_the_haze_of_a_dull_day() -> None:
    air = air_for(brief("fog", 40.0))
    assert air.fog_per_m * 350 == pytest.approx(3.912)
    assert air.fog_top_m < 200
    assert air_for(brief("fog", 0.1)).fog_per_m * 100 == pytest.approx(3.912)
    assert atmosphere(brief("fog")).haze_per_m[1] < 0.1 * air.fog_per_m


def test_rain_and_snow_limit_what_is_seen() -> None:
    assert [visibility_km(brief(w, 40.0)) for w in ("clear", "rain", "snow", "fog")] == [40.0, 8.0, 3.0, 0.35]
    assert visibility_km(brief("rain", 2.0)) == 2.0


def test_the_sky_and_the_air_before_it_hold_the_same_haze() -> None:
    whole, near = atmosphere(brief(visible_km=20.0)), air_for(brief(visible_km=20.0))
    together = np.array(whole.haze_per_m) * (1 + whole.absorbed) + np.array(whole.rayleigh_per_m)
    np.testing.assert_allclose(together, near.haze_per_m)
    assert whole.haze_height_m == near.haze_height_m
