"""Pictures with known light: a share that is cut off, a known range."""

import numpy as np
import pytest
from tests.generation.candidates import EYE, candidate

from translight.core.camera import Camera
from translight.generation.brief.brief import Brief, Light, Place
from translight.generation.candidate import View
from translight.generation.review.measures.light import clipping, stops, sun_expected
from translight.generation.review.measures.measure import solid_angles

BRIEF = Brief(name="b", intent="dunes", light=Light(sun_elevation_deg=20.0))
NIGHT = Brief(name="b", intent="dunes", light=Light(sun_elevation_deg=-20.0))


def made(image, camera=None):
    return candidate(views=(View(image.astype(np.float32), camera, EYE),))


def test_solid_angles_are_the_whole_sphere():
    angles = solid_angles(64)
    assert angles.sum() * 128 == pytest.approx(1.0)
    assert angles[:16].sum() * 128 == pytest.approx((1 - np.cos(np.pi / 4)) / 2)


@pytest.mark.parametrize(("rows", "verdict"), [(0, "good"), (3, "look"), (12, "bad")])
def test_the_share_that_is_cut_off_is_a_solid_angle(rows, verdict):
    chance = np.random.default_rng(0).random((100, 200, 3)) * 0.9
    chance[:rows] = 1.0
    found = clipping(made(chance))
    truth = 0.0 if rows == 0 else (1 - np.cos(np.pi * rows / 100)) / 2
    assert found.details["clipped_share"] == pytest.approx(truth, abs=1e-4)
    assert found.verdict == verdict


def test_a_still_counts_pixels_and_black_is_told():
    image = np.random.default_rng(0).random((10, 10, 3)) * 0.9 + 0.01
    image[0] = 5.0
    image[1, :5] = 0.0
    found = clipping(made(image, Camera(10, 10, 8, 8, 5, 5)))
    assert found.details["clipped_share"] == pytest.approx(0.1)
    assert found.why == "light is cut off: 10.00% at the top (0.1% is good), 5.00% black"


def test_what_is_no_number_is_bad():
    image = np.ones((8, 16, 3))
    image[4, 4, 1] = np.nan
    found = clipping(made(image))
    assert (found.verdict, found.why) == ("bad", "1 pixels hold no numbers")


@pytest.mark.parametrize(("range_stops", "verdict"), [(15.0, "good"), (12.0, "look"), (6.0, "bad")])
def test_stops_with_the_sun(range_stops, verdict):
    image = np.full((32, 64, 3), 0.25)
    image[3, 3] = 0.25 * 2**range_stops
    image[31] = 1e-7  # fewer than 1 % of the sphere
    found = stops(made(image), BRIEF)
    assert found.value == pytest.approx(range_stops, abs=0.01)
    assert found.verdict == verdict
    assert "14 are wanted with the sun in the sky" in found.why


def test_the_sun_is_not_wanted_where_it_is_not():
    image = np.full((32, 64, 3), 0.25)
    image[3, 3] = 0.25 * 2**9
    assert stops(made(image), NIGHT).verdict == "good"
    assert not sun_expected(Brief(name="b", intent="x", place=Place(weather="fog")))
    assert not sun_expected(Brief(name="b", intent="x", place=Place(family="hall")))
    assert stops(made(np.zeros((8, 16, 3))), NIGHT).why == "the picture is black"


def test_a_sun_behind_a_tree_is_not_wanted():
    """A forest of 9.6 stops is not flat because a trunk hides the disc; beside the trunk the sun is missed."""
    image = np.full((64, 128, 3), 0.25, np.float32)
    image[3, 3] = 0.25 * 2**9
    light = Light(sun_elevation_deg=20.0, sun_azimuth_deg=40.0)
    brief = Brief(name="b", intent="a forest", light=light)
    distance = np.full((64, 128), np.inf, np.float32)
    distance[40:] = 9.0
    trunk = distance.copy()
    row, column = int((90 - 20) / 180 * 64), int((180 + 40) / 360 * 128)
    trunk[row - 1 : row + 2, column - 1 : column + 2] = 6.0
    hidden, seen = (stops(candidate(views=(View(image, None, EYE, d),)), brief) for d in (trunk, distance))
    assert (hidden.verdict, seen.verdict) == ("good", "bad")
    assert hidden.why == "wide: 9.0 stops (8 are wanted without the sun)"
    assert not sun_expected(Brief(name="b", intent="an empty cathedral hall", light=light)), "named by its words"
