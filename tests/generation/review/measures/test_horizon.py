"""Panoramas turned by a known tilt."""

import numpy as np
import pytest
from tests.generation.candidates import EYE

from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.review.measures.horizon import horizon

HEIGHT = 384


def tilted(degrees, toward_deg=30.0):
    """Directions of pixels as the place has them whose zenith leans towards an azimuth."""
    angle, to = np.radians(degrees), np.radians(toward_deg)
    axis = np.array([np.cos(to), -np.sin(to), 0.0])  # turns +Z towards that azimuth
    K = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K
    return directions(HEIGHT) @ turn


def view(image, sky=None, distance_m=None):
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    return View(image.astype(np.float32), None, EYE, distance_m, sky)


@pytest.mark.parametrize(("degrees", "verdict"), [(0.0, "good"), (0.9, "look"), (4.0, "bad")])
@pytest.mark.parametrize("toward_deg", [0.0, -130.0])
def test_a_sea_tells_its_tilt(degrees, verdict, toward_deg):
    sky = tilted(degrees, toward_deg)[..., 2] > 0
    found = horizon(view(np.where(sky, 1.0, 0.1), sky))
    assert found.value == pytest.approx(degrees, abs=0.06)
    assert found.verdict == verdict
    assert "edge of the sky" in found.why


def test_an_island_does_not_matter():
    place = tilted(2.0)
    azimuth = np.degrees(np.arctan2(place[..., 0], place[..., 1]))
    sky = place[..., 2] > np.where(np.abs(azimuth - 50) < 60, 0.25 + 0.1 * np.sin(azimuth / 3), 0.0)
    assert horizon(view(np.where(sky, 1.0, 0.1), sky)).value == pytest.approx(2.0, abs=0.15)
    distance_m = np.where(sky, np.inf, 5.0).astype(np.float32)
    assert horizon(view(np.where(sky, 1.0, 0.1), None, distance_m)).value == pytest.approx(2.0, abs=0.15)


def test_hills_on_half_of_a_level_sea_are_no_tilt():
    place = tilted(0.0)
    azimuth = np.arctan2(place[..., 0], place[..., 1])
    hills = np.maximum(0.0, 0.08 * np.sin(azimuth + 1) + 0.004 * np.sin(23 * azimuth))
    sky = place[..., 2] > hills
    assert horizon(view(np.where(sky, 1.0, 0.1), sky)).value == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 3.0])
def test_columns_of_a_hall_tell_its_tilt(degrees):
    place = tilted(degrees, 110.0)
    azimuth = np.arctan2(place[..., 0], place[..., 1])
    columns = 0.3 + 0.2 * np.tanh(3 * np.sin(7 * azimuth))
    found = horizon(view(columns))
    assert found.value == pytest.approx(degrees, abs=0.12)
    assert "what stands upright" in found.why


def test_a_skyline_or_noise_is_no_horizon():
    place = tilted(0.0)
    azimuth = np.arctan2(place[..., 0], place[..., 1])
    roofs = np.round(3 * np.sin(7 * azimuth) + 2 * np.sin(17 * azimuth)) / 10
    sky = place[..., 2] > 0.3 + roofs * 0.5
    smooth = np.where(sky, 1.0, 1.0)
    assert horizon(view(smooth, sky)).verdict == "none"
    noise = np.random.default_rng(0).random((HEIGHT, 2 * HEIGHT))
    assert horizon(view(noise)).verdict == "none"
    assert horizon(None).why == "measured on panoramas only"
