"""The sun of a sky: painted ones whose truth is known, the demo's own, and skies that have none."""

import numpy as np
import pytest

from translight.environment.procedural_sky import make_sky
from translight.ue_bridge.sun import find_sun


def towards(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    a, e = np.radians([azimuth_deg, elevation_deg])
    return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


def painted(azimuth_deg: float, elevation_deg: float, radius_deg: float, height: int = 512) -> np.ndarray:
    """A grey sky of 0.5 with a disc of (100, 80, 50)."""
    rows, columns = np.mgrid[0:height, 0 : 2 * height] + 0.5
    azimuth, elevation = (columns / (2 * height) - 0.5) * 2 * np.pi, (0.5 - rows / height) * np.pi
    directions = np.stack(
        [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
    )
    sky = np.full((height, 2 * height, 3), 0.5, np.float32)
    sky[directions @ towards(azimuth_deg, elevation_deg) > np.cos(np.radians(radius_deg))] = (100, 80, 50)
    return sky


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 30), (-27, 8), (179.7, 45), (-120, 80)])
def test_where_it_stands_and_what_it_gives(azimuth, elevation):
    sun = find_sun(painted(azimuth, elevation, 2.0))
    assert sun is not None
    assert np.degrees(np.arccos(min(sun.direction @ towards(azimuth, elevation), 1.0))) < 0.2
    np.testing.assert_allclose(sun.colour, np.array([99.5, 79.5, 49.5]) / 99.5, atol=1e-3)
    solid_angle = 2 * np.pi * (1 - np.cos(np.radians(2.0)))
    luminance = np.array([99.5, 79.5, 49.5]) @ [0.2126, 0.7152, 0.0722]
    assert sun.illuminance == pytest.approx(luminance * solid_angle, rel=0.03)


def test_the_demos_sky():
    sky = make_sky(
        128, sun_azimuth_deg=-27.0, sun_elevation_deg=8.0, ground=np.array([0.3, 0.2, 0.1]), exposure=1.0, seed=1
    )
    sun = find_sun(sky.picture)
    assert sun is not None
    assert np.degrees(np.arccos(min(sun.direction @ sky.sun_direction, 1.0))) < 0.5
    assert sun.colour[0] == 1.0  # a setting sun is red
    assert sun.colour[2] < 0.9


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_an_overcast_sky_has_none(level):
    assert find_sun(np.full((64, 128, 3), level, np.float32)) is None


def test_what_no_camera_measured_is_passed_over():
    sky = painted(0, 30, 2.0, 128)
    sky[5, 5] = np.nan
    sky[6, 6] = -np.inf
    sun = find_sun(sky)
    assert sun is not None
    assert sun.direction @ towards(0, 30) > np.cos(np.radians(1))


def test_the_floor_is_not_looked_at():
    sky = np.full((64, 128, 3), 0.1, np.float32)
    sky[60] = 1000.0
    assert find_sun(sky) is None
