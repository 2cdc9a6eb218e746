"""Film stocks: what a characteristic curve promises, glow that keeps energy on the sphere, grain that follows Selwyn."""

import numpy as np
import pytest
from scipy import ndimage

from translight.core.errors import GenerationError
from translight.generation.look.film import GREY, STOCKS, film
from translight.generation.look.grain import grained, pixel_area_deg2
from translight.generation.look.halation import glowing, spread_on_sphere


def greys(stops):
    return np.repeat(GREY * 2.0 ** np.asarray(stops, float)[:, None], 3, axis=1)


@pytest.mark.parametrize("name", STOCKS)
def test_a_stock_keeps_grey_and_black_and_every_stop_above_its_shoulder(name):
    whole, display = film(name), film(name, 0.0)
    np.testing.assert_allclose(whole(greys([0])), GREY, rtol=1e-6)
    assert whole(np.zeros((1, 3))).max() < 1e-6
    stops = np.arange(-6, 14.01, 0.05)
    seen = whole(greys(stops)).mean(axis=1)
    slope = np.diff(np.log2(seen)) / np.diff(stops)
    assert slope.min() > 0.99, "toes only deepen once the base is taken off"
    at_grey = float(np.interp(0, stops[1:], slope))
    assert at_grey == pytest.approx(STOCKS[name].contrast, abs=0.06)
    assert np.abs(np.diff(slope)).max() < 0.15, "no kink, at the knee neither"
    np.testing.assert_allclose(slope[stops[1:] > np.log2(whole.knee / GREY) + 0.1], 1.0, atol=1e-6)
    ended = display(greys(stops)).mean(axis=1)
    assert (np.diff(ended) >= 0).all()
    assert np.log2(ended[-1] / ended[-60]) < 0.35, "the film's own end is flat"
    np.testing.assert_allclose(ended[seen < whole.knee / 2], seen[seen < whole.knee / 2], rtol=1e-6)


@pytest.mark.parametrize("name", STOCKS)
def test_layers_that_inhibit_each_other_make_colours_purer(name):
    stock = STOCKS[name]
    np.testing.assert_allclose(np.sum(stock.interlayer, axis=1), 1.0)
    colour = np.array([[0.24, 0.18, 0.14]])
    ratio = np.log2(film(name)(colour)[0, 0] / film(name)(colour)[0, 2])
    assert ratio > 1.1 * np.log2(0.24 / 0.14)


def test_what_is_no_stock_is_refused():
    with pytest.raises(
        GenerationError, match=r"^no film stock 'gold': daylight negative 250, tungsten negative 500, rev"
    ):
        film("gold")
    with pytest.raises(GenerationError, match=r"^--highlights must lie within 0 and 1, got 1.5$"):
        film("print", 1.5)


@pytest.mark.parametrize("row", [0, 5, 31])
def test_light_spreads_on_the_sphere_without_loss(row):
    height = 64
    area = -np.diff(np.sin((0.5 - np.arange(height + 1) / height) * np.pi))[:, None]
    light = np.zeros((height, 2 * height), np.float32)
    light[row, 1] = 1000
    spread = spread_on_sphere(light, np.radians(8))
    assert (spread * area).sum() == pytest.approx((light * area).sum(), rel=1e-5)
    np.testing.assert_allclose(spread_on_sphere(np.roll(light, 9, 1), np.radians(8)), np.roll(spread, 9, 1), atol=1e-4)
    # mean square distance along a great circle and across it: two variances
    elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    azimuth = (np.arange(2 * height) + 0.5) / height * np.pi
    cosine = np.sin(elevation[row]) * np.sin(elevation)[:, None] + np.cos(elevation[row]) * np.cos(elevation)[
        :, None
    ] * np.cos(azimuth - azimuth[1])
    apart = np.arccos(np.clip(cosine, -1, 1))
    variance = (spread * area * apart**2).sum() / (spread * area).sum() / 2
    assert np.degrees(np.sqrt(variance)) == pytest.approx(8, rel=0.08)


def test_a_constant_picture_does_not_glow_and_a_lamp_glows_red():
    flat = np.full((32, 64, 3), 0.7, np.float32)
    np.testing.assert_allclose(glowing(flat, (0.5, 0.3, 0.1), 5), flat, rtol=1e-5)
    lamp = np.zeros((33, 49, 3), np.float32)
    lamp[16, 20] = 100
    glow = glowing(lamp, (0.2, 0.1, 0.0), 2, focal_px=60.0)
    np.testing.assert_allclose(glow.sum(axis=(0, 1)), 100, rtol=1e-4)
    wanted = 0.2 * ndimage.gaussian_filter(lamp[..., 0], np.radians(2) * 60, mode="reflect")
    np.testing.assert_allclose(glow[14, 20], [wanted[14, 20], wanted[14, 20] / 2, 0], rtol=1e-5)


def test_grain_is_of_the_seed_follows_density_and_area():
    stock = film("daylight negative 250")
    grey = np.full((64, 64, 3), GREY, np.float32)
    one, again, other = (grained(stock, grey, 1.0, seed, focal_px=570.0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.005
    coarser, stronger = grained(stock, grey, 1.0, 1, focal_px=285.0), grained(stock, grey, 2.0, 1, focal_px=570.0)
    rms = one.std()
    assert coarser.std() == pytest.approx(rms / 2, rel=0.05)
    assert stronger.std() == pytest.approx(rms * 2, rel=0.05)
    bright = grained(stock, grey * 8, 1.0, 1, focal_px=570.0)
    measured = [np.log10(x / x.mean()).std() for x in (one[..., 1], bright[..., 1])]
    density = [float(stock.density(x)[0, 0, 1]) for x in (grey, grey * 8)]
    assert measured[1] / measured[0] == pytest.approx(np.sqrt(density[1] / density[0]), rel=0.1)
    assert pixel_area_deg2(64, None).sum() * 128 == pytest.approx(41_253, rel=1e-3)
