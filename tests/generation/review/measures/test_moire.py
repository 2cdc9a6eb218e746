"""The grid on the sensor by hand, and gratings of a known frequency and contrast."""

import math

import numpy as np
import pytest
from scipy import integrate
from tests.generation.candidates import EYE

from translight.generation.brief.brief import Block, Brief, Lens
from translight.generation.candidate import View
from translight.generation.review.measures.measure import PlacedWall, Wall, wall_distance_m
from translight.generation.review.measures.moire import (
    GOOD,
    blur_mm,
    clear_focus_m,
    defocus_mtf,
    disc_mtf,
    grating,
    grid_contrast,
    moire,
    sensor_pixels,
)  # fmt: skip

LENS = Lens(focal_length_mm=50.0, sensor_mm=(36.0, 24.0), t_stop=2.8, aspect=1.5)
WALL = PlacedWall(pitch_mm=2.6, distance_m=5.0, camera_width_px=4096)


def test_an_led_pixel_on_the_sensor():
    on_sensor_mm = 2.6 * 50 / (5000 - 50)
    assert sensor_pixels(LENS, WALL) == pytest.approx(on_sensor_mm * 4096 / 36)


def test_defocus_is_the_transform_of_a_disc():
    def of_disc(diameter, frequency):
        def chord(x):
            return 2 * math.sqrt(max(0.0, diameter**2 / 4 - x * x)) * math.cos(2 * math.pi * frequency * x)

        return abs(integrate.quad(chord, -diameter / 2, diameter / 2)[0]) / (math.pi * diameter**2 / 4)

    for diameter, frequency in ((0.02, 30.0), (0.05, 50.0), (0.01, 10.0)):
        assert disc_mtf(diameter, frequency) == pytest.approx(of_disc(diameter, frequency), abs=1e-6)
    assert disc_mtf(0.0, 50.0) == 1.0
    assert blur_mm(LENS, 5.0, 5.0) == 0.0
    assert blur_mm(LENS, 5.0, 2.0) == pytest.approx(50**2 / (2.8 * 1950) * 3 / 5)


def test_more_blur_is_never_more_contrast():
    """Unlike a perfect disc, whose zeros are luck: an actor a step nearer may not read as worse."""
    diameters = np.linspace(0.0, 3.0, 400)
    found = [defocus_mtf(d, 30.0) for d in diameters]
    assert max(np.diff(found)) < 1e-5
    assert all(f >= disc_mtf(d, 30.0) - 1e-12 for f, d in zip(found, diameters, strict=True))
    assert (found[0], defocus_mtf(math.inf, 30.0)) == (1.0, 0.0)
    assert defocus_mtf(5.1356 / math.pi, 1.0) == pytest.approx(disc_mtf(5.1356 / math.pi, 1.0), rel=1e-6)


def test_focus_near_the_wall_is_worst():
    assert grid_contrast(LENS, WALL, 5.0) > 0.4 > 0.05 > grid_contrast(LENS, WALL, 2.0)
    at_wall = moire(None, brief(4.9), WALL)
    assert at_wall.verdict == "bad"
    assert at_wall.why.startswith("the sensor sees single LEDs (3 pixels each)")
    clear_m = clear_focus_m(LENS, WALL)
    assert grid_contrast(LENS, WALL, clear_m) <= GOOD < grid_contrast(LENS, WALL, clear_m + 0.01)
    assert at_wall.why.endswith(f"wall at 5 m: good when focused at {math.floor(10 * clear_m) / 10:g} m or nearer")
    near = moire(None, brief(1.5), WALL)
    assert near.verdict == "good"
    assert near.details["focus_m"] == 1.5
    far = PlacedWall(pitch_mm=1.5, distance_m=8.0, camera_width_px=4096)
    beats = moire(None, brief(7.9), far)
    pixels = 1.5 * 50 / 7950 * 4096 / 36
    assert beats.why.startswith(f"beats about {1 / abs(1 / pixels - 1):.0f} pixels wide")
    shut = Lens(focal_length_mm=50.0, t_stop=64.0)
    assert clear_focus_m(shut, WALL) is None
    said = moire(None, Brief(name="b", intent="x", lens=shut, blocking=(_actor(4.0),)), WALL).why
    assert said.endswith(": open the lens or stand the wall farther away")


def test_a_wall_that_nobody_placed_stands_behind_the_actors():
    assert wall_distance_m(Brief(name="b", intent="x")) == 5.0
    assert wall_distance_m(brief(5.0)) == pytest.approx(5.2 + 3.0)
    turned = Block(name="car", kind="hero", size_m=(4.0, 1.8, 1.4), position_m=(1.0, 6.0), turn_deg=90.0)
    figure = Block(name="far", position_m=(0.0, 40.0), in_picture=True)
    house = Block(name="house", kind="wall", position_m=(0.0, 30.0))
    staged = Brief(name="b", intent="x", lens=LENS, blocking=(_actor(5.0), turned, figure, house))
    assert wall_distance_m(staged) == pytest.approx(8.0 + 3.0)
    assert Wall().placed(staged) == PlacedWall(2.6, 11.0, 4096)
    assert Wall(distance_m=4.0).placed(staged).distance_m == 4.0
    assert moire(None, brief(5.0), Wall().placed(brief(5.0))).verdict in ("good", "look")


@pytest.mark.parametrize(
    ("blocks", "who"),
    [((), "nobody stands before the wall"), ((5.0,), "mia at 5 m is not before the wall")],
)
def test_an_unknown_focus_is_no_verdict(blocks, who):
    unknown = moire(None, Brief(name="b", intent="x", lens=LENS, blocking=tuple(map(_actor, blocks))), WALL)
    assert (unknown.value, unknown.verdict) == (None, "none")
    assert unknown.why.startswith(f"{who} at 5 m, so the focus is not known: good when focused at ")
    assert "focus_m" not in unknown.details
    fine = PlacedWall(pitch_mm=0.4, distance_m=20.0, camera_width_px=1024)
    even_so = moire(None, Brief(name="b", intent="x", lens=LENS), fine)
    assert even_so.verdict == "good"
    assert even_so.why.endswith("focused at the wall itself (2% is good)")


@pytest.mark.parametrize(("u", "v"), [(0.37, 0.0), (0.28, 0.31), (0.5, 0.5), (0.0, 0.5)])
def test_a_grating_is_found_and_its_contrast_known(u, v):
    y, x = np.mgrid[:128, :128]
    light = 1 + 0.2 * np.cos(2 * np.pi * (u * x + v * y))
    share, contrast = grating(light.astype(np.float32))
    assert share > 0.95
    assert contrast == pytest.approx(0.2, rel=0.1)


def test_texture_is_no_grating():
    chance = np.random.default_rng(0)
    share, _ = grating((1 + 0.2 * chance.standard_normal((128, 128))).astype(np.float32))
    assert share < 0.02
    assert grating(np.ones((64, 64), np.float32)) == (0.0, 0.0)


def test_a_grating_in_the_panorama_is_a_risk_at_the_wall_s_pixels():
    height = 512
    column = np.arange(2 * height)
    image = np.broadcast_to((1 + 0.9 * np.cos(2 * np.pi * 0.4 * column))[None, :, None], (height, 2 * height, 3))
    wall = PlacedWall(1000 * math.pi / height * 5, 5.0, 4096)
    striped = moire(View(image.astype(np.float32), None, EYE), brief(1.0), wall)
    assert striped.why.startswith("the picture holds a fine grating of ")
    assert striped.verdict == "bad"
    chance = np.random.default_rng(0).random((height, 2 * height, 1)) + 1
    plain = moire(View(np.repeat(chance, 3, axis=2).astype(np.float32), None, EYE), brief(1.0), wall)
    assert plain.details["grating_contrast"] == 0.0


def brief(actor_m):
    return Brief(name="b", intent="x", lens=LENS, blocking=(_actor(actor_m),))


def _actor(distance_m):
    return Block(name="mia", position_m=(0.0, distance_m))
