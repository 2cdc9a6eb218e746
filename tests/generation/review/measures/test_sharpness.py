"""Edges of a known blur, and the texels that an LED pixel then gets."""

import math
import re

import numpy as np
import pytest
from scipy import ndimage
from tests.generation.candidates import EYE

from translight.generation.candidate import View
from translight.generation.review.measures.measure import PlacedWall
from translight.generation.review.measures.sharpness import edge_blur_px, sharpness

HEIGHT = 256
WALL = PlacedWall(2.6, 5.0, 4096)


def tiles(sigma):
    """Squares of chance grey, 16 pixels wide, their edges integrated over pixels and blurred."""
    chance = np.random.default_rng(1).random((HEIGHT // 16, HEIGHT // 8)) + 0.2
    sharp = np.kron(chance, np.ones((16, 16)))
    return ndimage.gaussian_filter(sharp, sigma, mode=("nearest", "wrap")).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0, 3.5])
def test_the_blur_of_edges_is_found(sigma):
    assert edge_blur_px(tiles(sigma)) == pytest.approx(sigma, rel=0.12)


def test_contrast_and_exposure_do_not_matter():
    light = tiles(1.5)
    assert edge_blur_px(40 * light) == pytest.approx(edge_blur_px(light), rel=1e-2)
    assert edge_blur_px(0.5 + 0.2 * light) == pytest.approx(edge_blur_px(light), rel=0.1)


def test_texels_for_each_led_pixel():
    view = View(np.repeat(tiles(0.3)[..., None], 3, axis=2), None, EYE)
    texel = math.pi / HEIGHT
    just = PlacedWall(1000 * math.tan(2 * texel), 1.0, 4096)
    found = sharpness(view, just)
    assert found.value == pytest.approx(2.0, rel=1e-3)
    assert (found.verdict, found.details["effective_height_px"]) == ("good", HEIGHT)
    soft = View(np.repeat(tiles(3.0)[..., None], 3, axis=2), None, EYE)  # over 4 texels of a 10 % MTF of 0.683
    found = sharpness(soft, just)
    assert found.value == pytest.approx(2.0 / (3.0 / 0.683), rel=0.12)
    assert found.verdict == "bad"
    assert re.match(r"blurred, a texel is 4(\.\d)? pixels wide: 0\.\d+ texels for each LED pixel of ", found.why)
    assert found.why.endswith("(1 is good; 128 rows of sharp pixels do)")


@pytest.mark.parametrize(
    ("sigma", "verdict", "begins"),
    [
        (
            0.3,
            "look",
            "its edges use every pixel, fine to choose by: 0.21 texels for each LED pixel of 2.6 mm at 1 m, ",
        ),
        (1.5, "look", "a little blurred, a texel is "),
        (3.0, "bad", "blurred, a texel is "),
    ],
)
def test_too_few_rows_are_no_blur(sigma, verdict, begins):
    """A preview wants more rows for the wall; only one that is blurred at its own size is bad."""
    view = View(np.repeat(tiles(sigma)[..., None], 3, axis=2), None, EYE)
    found = sharpness(view, PlacedWall(2.6, 1.0, 4096))
    assert (found.verdict, found.why.startswith(begins)) == (verdict, True), found.why
    assert ("1216 rows make it one" in found.why) == (sigma < 1)


def test_a_fog_cannot_be_measured():
    view = View(np.full((64, 128, 3), 0.5, np.float32), None, EYE)
    found = sharpness(view, WALL)
    assert (found.verdict, found.why) == ("none", "no edges to measure by")
    assert sharpness(None, WALL).verdict == "none"
