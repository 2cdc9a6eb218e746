"""The Monge-Kantorovich map against what optimal transport between Gaussians must be."""

import numpy as np
import pytest
from scipy import linalg

from translight.core.errors import GenerationError
from translight.generation.look.encoding import decode, encode
from translight.generation.look.palette import Palette, palette, palette_of
from translight.generation.look.transfer import SLOPES, linear_transfer, monge_kantorovich


def gaussian(seed, spread=0.02, count=4000):
    """A palette whose sample mean and covariance are what they are, and log codes around grey."""
    chance = np.random.default_rng(seed)
    mix = np.eye(3) + 0.4 * chance.normal(size=(3, 3))
    codes = 0.45 + 0.03 * chance.normal(size=3) + spread * chance.normal(size=(count, 3)) @ mix.T
    return Palette(codes, np.full(count, 1 / count), 1.0)


def test_mean_and_covariance_become_the_targets():
    source, target = gaussian(1), gaussian(2)
    moved = source.moved(encode(linear_transfer(source, target)(decode(source.codes, "log")), "log"))
    np.testing.assert_allclose(moved.mean(), target.mean(), atol=1e-6)
    np.testing.assert_allclose(moved.covariance(), target.covariance(), atol=1e-6)


def test_it_is_the_optimal_map_of_gaussians():
    source, target = gaussian(3).covariance(), gaussian(4).covariance()
    gain = monge_kantorovich(source, target)
    # Olkin and Pukelsheim (1982): a symmetric positive map is the one that moves least
    np.testing.assert_allclose(gain, gain.T, atol=1e-12)
    assert np.linalg.eigvalsh(gain).min() > 0
    cost = np.trace(source) + np.trace(target) - 2 * np.trace(gain @ source)
    root = linalg.sqrtm(source)
    least = np.trace(source) + np.trace(target) - 2 * np.trace(linalg.sqrtm(root @ target @ root).real)
    assert cost == pytest.approx(least, rel=1e-9)


def test_equal_pictures_are_left_alone_and_grey_ones_stay_finite():
    source = gaussian(5)
    np.testing.assert_allclose(linear_transfer(source, source).gain, np.eye(3), atol=1e-9)
    grey = source.moved(np.repeat(source.codes[:, :1], 3, axis=1))
    for one, other in ((grey, source), (source, grey), (source.moved(np.full((4000, 3), 0.4)), source)):
        slopes = np.linalg.eigvalsh(linear_transfer(one, other).gain)
        assert SLOPES[0] - 1e-9 <= slopes.min() <= slopes.max() <= SLOPES[1] + 1e-9


def test_a_palette_weighs_by_solid_angle_and_leaves_out_the_sun():
    light = np.full((64, 128, 3), 0.1, np.float32)
    light[:32] = 0.4
    light[5, 7] = 60_000.0
    found = palette_of(light, "x", panorama=True)
    assert found.knee == pytest.approx(0.4)
    assert len(found.codes) == 64 * 128 - 1
    light[32:] = 0.4
    light[:8] = 0.1  # 8 of 64 rows from the pole down: (1 − cos 22.5°) / 2 of the sphere
    found = palette_of(light, "x", panorama=True)
    dark = found.codes[:, 0] < 0.4
    assert found.weights[dark].sum() == pytest.approx((1 - np.cos(np.radians(22.5))) / 2, rel=2e-3)


def test_a_palette_refuses_what_is_no_picture():
    with pytest.raises(GenerationError, match=r"^x: holds values that are not numbers$"):
        palette_of(np.full((8, 8, 3), np.nan, np.float32), "x", panorama=False)
    with pytest.raises(GenerationError, match=r"^x: 9 colours, at least 16 are wanted$"):
        palette(np.ones((9, 3), np.float32), np.ones(9), "x")
    assert palette_of(np.zeros((8, 8, 3), np.float32), "x", panorama=False).knee == 1e-3
