from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.render.sky import sample_sky, sky_coordinates, sky_picture

WIDTH, HEIGHT = 16, 8


def direction(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


@pytest.mark.parametrize(
    ("seen", "column", "row"),
    [
        ([0, 1, 0], 7.5, 3.5),  # forward: between the two middle columns
        ([1, 0, 0], 11.5, 3.5),  # right: a quarter turn to the right
        ([-1, 0, 0], 3.5, 3.5),
        ([1e-9, -1, 0], 15.5, 3.5),  # behind, on the seam
        ([-1e-9, -1, 0], -0.5, 3.5),
        ([0, 0, 1], 7.5, 0.0),
        ([0, 0, -1], 7.5, 7.0),
        ([0, 3, 3], 7.5, 1.5),  # 45° up, at any length
    ],
)
def test_coordinates(seen, column, row):
    np.testing.assert_allclose(sky_coordinates(seen, WIDTH, HEIGHT), [column, row], atol=1e-6)


def test_texel_centres_are_exact():
    sky = np.random.default_rng(0).random((HEIGHT, WIDTH, 3))
    azimuths = (np.arange(WIDTH) + 0.5) * 360 / WIDTH - 180
    elevations = 90 - (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT
    rays = np.array([[direction(a, e) for a in azimuths] for e in elevations])
    np.testing.assert_allclose(sample_sky(sky, rays), sky, atol=1e-12)


def test_seam_blends_first_and_last_column():
    sky = np.zeros((HEIGHT, WIDTH, 3))
    sky[:, 0], sky[:, -1] = 1.0, 3.0
    np.testing.assert_allclose(sample_sky(sky, direction(180, 0)), [2.0, 2.0, 2.0], atol=1e-9)
    np.testing.assert_allclose(sample_sky(sky, direction(-180, 0)), [2.0, 2.0, 2.0], atol=1e-9)


def test_poles_hold_their_row():
    sky = np.zeros((HEIGHT, WIDTH, 3))
    sky[0], sky[-1] = 1.0, 2.0
    for elevation, value in ((90, 1.0), (80, 1.0), (-80, 2.0), (-90, 2.0)):
        np.testing.assert_allclose(sample_sky(sky, direction(33, elevation)), value, atol=1e-9)


@given(azimuth=st.floats(-180, 180), elevation=st.floats(-90, 90), length=st.floats(1e-3, 1e3))
def test_samples_stay_between_the_texels(azimuth, elevation, length):
    sky = np.linspace(1.0, 2.0, HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3)
    value = sample_sky(sky, direction(azimuth, elevation) * length)
    assert ((value >= 1.0 - 1e-9) & (value <= 2.0 + 1e-9)).all()


def test_one_texel_sky():
    assert sample_sky(np.full((1, 1, 3), 0.25), direction(100, -70)) == pytest.approx(0.25)


def test_picture_follows_pan_and_tilt():
    """Panning left by 90° looks at −X, tilting up looks at +Z; the picture's right is the azimuth's right."""
    sky = np.zeros((90, 180, 3))
    sky[:, :, 0] = np.linspace(-180, 180, 180, endpoint=False)[None, :] + 1.0
    sky[:, :, 1] = np.linspace(90, -90, 90, endpoint=False)[:, None] - 1.0
    camera = Camera.from_fov(31, 21, horizontal_deg=40)
    picture = sky_picture(sky, View(camera_from_pan_tilt_roll(np.radians(90), np.radians(30), 0, (5, 6, 7)), camera))
    np.testing.assert_allclose(picture[10, 15, :2], [-90, 30], atol=0.05)
    assert picture[10, 20, 0] > picture[10, 10, 0]
    assert picture[5, 15, 1] > picture[15, 15, 1]
