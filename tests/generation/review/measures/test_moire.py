"""The grid on the sensor by hand, and gratings of a known frequency and contrast."""

import math

import numpy as np
import pytest
from scipy import integrate
from tests.generation.candidates import EYE

from translight.generation.brief.brief import Block, Brief, Lens
from translight.generation.candidate import View
from translight.generation.review.measures.measure import Wall
from translight.generation.review.measures.moire import blur_mm, disc_mtf, grating, grid_contrast, moire, sensor_pixels

LENS = Lens(focal_length_mm=50.0, sensor_mm=(36.0, 24.0), t_stop=2.8, aspect=1.5)
WALL = Wall(pitch_mm=2.6, distance_m=5.0, camera_width_px=4096)


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


def test_focus_on_the_wall_is_worst():
    assert grid_contrast(LENS, WALL, 5.0) > 0.4 > 0.05 > grid_contrast(LENS, WALL, 2.0)
    at_wall = moire(None, Brief(name="b", intent="x", lens=LENS, blocking=(_actor(5.0),)), WALL)
    assert at_wall.verdict == "bad"
    assert at_wall.why.startswith("the sensor sees single LEDs (3 pixels each)")
    near = moire(None, Brief(name="b", intent="x", lens=LENS, blocking=(_actor(1.5),)), WALL)
    assert near.verdict in ("good", "look")
    assert near.details["focus_m"] == 1.5
    far = Wall(pitch_mm=1.5, distance_m=8.0, camera_width_px=4096)
    beats = moire(None, Brief(name="b", intent="x", lens=LENS, blocking=(_actor(8.0),)), far)
    pixels = 1.5 * 50 / 7950 * 4096 / 36
    assert beats.why.startswith(f"beats about {1 / abs(1 / pixels - 1):.0f} pixels wide")


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
    wall = Wall(pitch_mm=1000 * math.pi / height * 5, distance_m=5.0)
    brief = Brief(name="b", intent="x", lens=LENS, blocking=(_actor(1.0),))
    striped = moire(View(image.astype(np.float32), None, EYE), brief, wall)
    assert striped.why.startswith("the picture holds a fine grating of ")
    assert striped.verdict == "bad"
    chance = np.random.default_rng(0).random((height, 2 * height, 1)) + 1
    plain = moire(View(np.repeat(chance, 3, axis=2).astype(np.float32), None, EYE), brief, wall)
    assert plain.details["grating_contrast"] == 0.0


def _actor(distance_m):
    return Block(name="mia", position_m=(0.0, distance_m))
