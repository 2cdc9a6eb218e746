"""Panoramas whose border and poles meet, and the same with a step of a known size."""

import numpy as np
import pytest
from tests.generation.candidates import EYE

from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.review.measures.measure import encoded
from translight.generation.review.measures.seam import border_step, pole_step, seam

HEIGHT = 96


def place(rough=0.02):
    """A smooth function of the direction, which has neither seam nor pole, with grain all over."""
    x, y, z = np.moveaxis(directions(HEIGHT), -1, 0)
    light = 1.5 + np.sin(3 * x + 1) * np.cos(2 * y) + 0.4 * z
    light = light + rough * np.random.default_rng(2).standard_normal(light.shape)
    return np.repeat(np.maximum(light, 0.01)[..., None], 3, axis=2).astype(np.float32)


def view(image):
    return View(image, None, EYE)


def test_a_place_has_no_seam_wherever_it_is_cut():
    for turn in (0, 17, 96):
        found = seam(view(np.roll(place(), turn, axis=1)))
        assert found.verdict == "good", found
        assert found.why.startswith("no seam: ")


@pytest.mark.parametrize(("step", "verdict"), [(1.6, "bad"), (1.13, "look")])
def test_a_step_at_the_border_is_found_and_its_size_known(step, verdict):
    image = place()
    drift = np.linspace(1.0, step, image.shape[1])[None] - 1  # that ends in a step, and is none at the poles
    level = np.cos((0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT) * np.pi)[:, None]
    ramp = (1 + drift * level**2)[..., None].astype(np.float32)
    found = seam(view(image * ramp))
    assert found.verdict == verdict, found
    assert "the left and right edge" in found.why
    light = encoded(image * ramp)
    jump = 0.75 * (np.cbrt(step) - 1)
    usual = np.quantile(np.abs(np.diff(encoded(image), axis=1)).mean(axis=0), 0.99)
    assert border_step(light) == pytest.approx(jump * float(light.mean()) / usual, rel=0.5)
    turned = np.roll(image * ramp, 40, axis=1)
    assert seam(view(turned)).verdict == "good", "a step elsewhere is the picture's own"


def test_a_picture_that_does_not_meet_at_the_pole_is_found():
    image = place()
    flat = image.copy()
    wave = np.sin(np.linspace(0, 2 * np.pi, image.shape[1], endpoint=False)).astype(np.float32)
    rows = np.exp(-np.arange(HEIGHT) / 6).astype(np.float32)
    flat *= np.exp(0.8 * rows[:, None] * wave[None])[..., None]
    found = seam(view(flat))
    assert found.verdict == "bad"
    assert "a pole" in found.why
    assert pole_step(encoded(flat)) > 5 * pole_step(encoded(image))
    assert seam(view(flat[::-1])).verdict == "bad"


def test_one_colour_has_no_seam():
    assert seam(view(np.full((16, 32, 3), 0.4, np.float32))).value == 0.0
    assert seam(None).verdict == "none"
