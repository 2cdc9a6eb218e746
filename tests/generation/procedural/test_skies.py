"""Skies are laid out, lit, balanced and exposed as the brief says; those with marched clouds and stars are slow."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.brief.brief import Brief, Light, Place, Weather
from translight.generation.panorama import directions
from translight.generation.procedural.scene import Sky
from translight.generation.procedural.skies import daylight, direction_of, irradiance, sky_for
from translight.generation.procedural.sky.clouds import WEATHERS
from translight.generation.procedural.sky.white import LUMINANCE

HEIGHT = 64


def brief(
    elevation_deg: float = 50.0,
    azimuth_deg: float = 0.0,
    weather: Weather = "clear",
    temperature_k: float = 5600.0,
) -> Brief:
    return Brief(
        name="a",
        intent="b",
        place=Place(weather=weather),
        light=Light(sun_azimuth_deg=azimuth_deg, sun_elevation_deg=elevation_deg, colour_temperature_k=temperature_k),
    )


def test_a_white_that_faces_the_sun_is_one(noon: Sky) -> None:
    assert LUMINANCE @ (irradiance(noon.radiance) + noon.sun_irradiance) / np.pi == pytest.approx(1, abs=0.02)


@pytest.fixture(scope="module")
def noon() -> Sky:
    return sky_for(brief(), 1, HEIGHT)


def test_shape_and_range(noon: Sky) -> None:
    assert noon.radiance.shape == (HEIGHT, 2 * HEIGHT, 3)
    assert noon.radiance.dtype == np.float32
    assert np.isfinite(noon.radiance).all()
    assert noon.radiance.min() >= 0


def test_the_glow_is_where_the_sun_is_and_sky_is_bluest_a_quarter_turn_away(noon: Sky) -> None:
    np.testing.assert_allclose(noon.sun_direction, direction_of(0.0, 50.0))
    upper = noon.radiance[: HEIGHT // 2]
    cosine = directions(HEIGHT)[: HEIGHT // 2] @ noon.sun_direction
    assert cosine.ravel()[np.argmax(upper.sum(axis=2))] > np.cos(np.radians(4))
    blue = upper[..., 2] / upper[..., 0]
    away = np.degrees(np.arccos(np.clip(cosine[: HEIGHT // 4], -1, 1)))
    bluest = away.ravel()[np.argmax(blue[: HEIGHT // 4])]
    assert 70 < bluest < 115
    assert blue.max() > 2.5


def test_at_noon_the_horizon_is_brighter_than_overhead(noon: Sky) -> None:
    luminance = noon.radiance @ LUMINANCE
    assert luminance[HEIGHT // 2 - 2].mean() > 1.2 * luminance[0].mean()


def test_nothing_jumps_at_the_seam_or_overhead(noon: Sky) -> None:
    luminance = (noon.radiance @ LUMINANCE).astype(np.float64)
    inside = np.abs(np.diff(luminance, axis=1)).max()
    assert np.abs(luminance[:, 0] - luminance[:, -1]).max() <= inside
    across = np.abs(luminance[0] - np.roll(luminance[0], HEIGHT)).max()
    assert across < 4 * np.abs(np.diff(luminance[:3], axis=0)).max() + 0.1 * luminance[0].max()


def test_what_lies_under_the_horizon_goes_on_smoothly(noon: Sky) -> None:
    rows = (noon.radiance @ LUMINANCE)[HEIGHT // 2 - 1 : HEIGHT // 2 + 1].mean(axis=1)
    assert abs(rows[1] - rows[0]) < 0.6 * rows[0]
    bottom = noon.radiance[-HEIGHT // 8 :]
    assert np.ptp(bottom, axis=(0, 1)).max() < 0.05


def test_turning_the_sun_rolls_a_clear_sky(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEATHERS, "clear", WEATHERS["clear"].__class__(cirrus=0.0))
    quarter = sky_for(brief(azimuth_deg=90.0), 1, 32).radiance
    ahead = sky_for(brief(azimuth_deg=0.0), 1, 32).radiance
    np.testing.assert_allclose(quarter, np.roll(ahead, 16, axis=1), rtol=2e-4, atol=1e-5)


def test_the_camera_set_to_the_suns_light_shows_it_neutral() -> None:
    # at 50 degrees, through this air, sunlight has about 5000 K
    sun = sky_for(brief(temperature_k=5000.0), 1, 16).sun_irradiance
    np.testing.assert_allclose(sun / sun.mean(), 1, atol=0.04)
    red, _, blue = sky_for(brief(temperature_k=3200.0), 1, 16).sun_irradiance
    assert blue > 2 * red


def test_the_sun_weakens_and_reddens_as_it_sinks() -> None:
    high, low, lowest = (daylight(brief(e), 1, 16).source_irradiance for e in (60.0, 12.0, 2.0))
    assert (high > low).all()
    assert (low > lowest).all()
    assert low[2] / low[0] < 0.75 * high[2] / high[0]
    assert lowest[2] / lowest[0] < 0.4 * low[2] / low[0]


@pytest.mark.parametrize("height_px", [0, 7])
def test_odd_heights_are_refused(height_px: int) -> None:
    with pytest.raises(ValueError, match=rf"^a sky's height is an even number of rows, got {height_px}$"):
        sky_for(brief(), 1, height_px)


def test_fog_hides_the_sun_but_not_its_side(noon: Sky) -> None:
    fog = sky_for(brief(20.0, 40.0, "fog"), 1, 32)
    row, column = np.unravel_index(np.argmax(fog.radiance[:16].sum(axis=2)), (16, 64))
    assert abs((column + 0.5) / 64 * 360 - 180 - 40) < 8
    assert abs(90 - (row + 0.5) / 32 * 180 - 20) < 8
    assert (fog.sun_irradiance < 0.4 * noon.sun_irradiance).all()


@pytest.mark.slow
@pytest.mark.parametrize("weather", ["overcast", "snow"])
def test_a_closed_sky_has_no_sun_and_is_brighter_overhead(weather: Weather) -> None:
    closed = sky_for(brief(50.0, 0.0, weather), 2, 48)
    assert (closed.sun_irradiance == 0).all()
    luminance = closed.radiance @ LUMINANCE
    # CIE 110: the zenith of an overcast sky is three times as bright as its horizon
    assert 1.2 < luminance[:6].mean() / luminance[22:24].mean() < 5
    assert np.ptp(closed.radiance[:12].mean(axis=(0, 1))) < 0.2


@pytest.mark.slow
def test_heaps_follow_the_seed_and_leave_the_sun_free() -> None:
    one, same, other = (sky_for(brief(40.0, 30.0, "broken"), seed, 48).radiance for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other)[:24].mean() > 0.02
    towards = directions(48) @ direction_of(30.0, 40.0)
    clear = sky_for(brief(40.0, 30.0, "clear"), 1, 48).radiance
    near = towards > np.cos(np.radians(4))
    assert one[near].mean() > 0.5 * clear[near].mean()
    seam = np.abs(one[:24, 0] - one[:24, -1]).mean()
    assert seam < 2.0 * np.abs(np.diff(one[:24], axis=1)).mean(axis=(0, 2)).max()


@pytest.mark.slow
def test_at_night_the_moon_is_opposite_the_sun_and_stars_shine() -> None:
    night = sky_for(brief(-35.0, 160.0, temperature_k=4300.0), 1, 64)
    np.testing.assert_allclose(night.sun_direction, direction_of(-20.0, 35.0), atol=1e-12)
    assert 0.05 < LUMINANCE @ night.sun_irradiance / np.pi < 0.3
    upper = night.radiance[:28].max(axis=2)
    assert (upper > 3 * np.median(upper)).sum() > 20
    dusk = daylight(brief(-5.0), 1, 16)
    dark = daylight(brief(-35.0), 1, 16)
    assert irradiance(dusk.radiance)[1] > 100 * irradiance(dark.radiance)[1]
