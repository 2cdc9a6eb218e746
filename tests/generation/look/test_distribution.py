"""Iterative distribution transfer: it comes closer in sliced Wasserstein distance, to where a linear map cannot."""

import numpy as np
import pytest
from scipy import stats
from tests.generation.look.test_transfer import gaussian

from translight.generation.look.distribution import distribution_transfer, random_turn
from translight.generation.look.encoding import CODE_OF_A_STOP, decode, encode
from translight.generation.look.palette import Palette
from translight.generation.look.transfer import SLOPES, linear_transfer


def moved(source, colour_map):
    return source.moved(encode(colour_map(decode(source.codes, "log")), "log"))


def sliced_distance(a, b, *, turns):
    """Sliced Wasserstein-1 distance in stops, by SciPy along each axis of random turns (Rabin et al. 2011)."""
    chance = np.random.default_rng(1)
    axes = [axis for _ in range(turns) for axis in random_turn(chance).T]
    far = [stats.wasserstein_distance(a.codes @ axis, b.codes @ axis, a.weights, b.weights) for axis in axes]
    return float(np.mean(far)) / CODE_OF_A_STOP


def test_it_meets_a_distribution_of_two_clouds():
    source, target = gaussian(1), gaussian(2, spread=0.01)
    target = target.moved(target.codes + np.where(np.arange(4000) < 1200, 0.15, 0.0)[:, None] * [1.0, 0.5, -0.5])
    free = {"softness_stops": 0, "steepest": np.inf}
    maps = [distribution_transfer(source, target, iterations=count, **free) for count in (1, 4, 16)]
    apart = [
        sliced_distance(source, target, turns=8),
        *(sliced_distance(moved(source, found), target, turns=8) for found in maps),
    ]
    assert apart == sorted(apart, reverse=True)
    linear = sliced_distance(moved(source, linear_transfer(source, target)), target, turns=8)
    assert apart[-1] < 0.25 * linear
    assert apart[-1] < 0.05  # stops


def test_a_seed_gives_the_same_map_and_equal_pictures_stay():
    source, target = gaussian(5), gaussian(6)
    light = decode(source.codes[:50], "log")
    one, again, other = (distribution_transfer(source, target, seed=s)(light) for s in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-4
    same = encode(distribution_transfer(source, source, softness_stops=0)(light), "log")
    np.testing.assert_allclose(same, source.codes[:50], atol=0.02 * CODE_OF_A_STOP)
    turn = random_turn(np.random.default_rng(0))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_softness_keeps_a_plain_surface_plain_and_forgets_the_order_of_points():
    target, broad = gaussian(7, spread=0.06), gaussian(8, spread=0.06)
    grain = 0.05 * CODE_OF_A_STOP
    plain = np.arange(4000) < 2000
    source = broad.moved(np.where(plain[:, None], 0.45 + (broad.codes - 0.45) * grain / 0.06, broad.codes))
    stretched = []
    for softness_stops in (0.0, 0.5):
        found = distribution_transfer(source, target, softness_stops=softness_stops, steepest=np.inf)
        stretched.append(moved(source, found).codes[plain].std() / source.codes[plain].std())
    assert stretched[1] < 8
    assert stretched[1] < 0.5 * stretched[0]
    mixed = np.random.default_rng(0).permutation(4000)
    other = distribution_transfer(Palette(source.codes[mixed], source.weights, 1.0), target, steepest=np.inf)
    light = decode(broad.codes[:50], "log")
    np.testing.assert_allclose(other(light), found(light), rtol=1e-6)


def test_a_smooth_sky_gets_no_ring_where_the_reference_has_a_gap():
    along = np.linspace(0.35, 0.55, 4000)[:, None] * [1.0, 1.1, 1.3]
    sky, broad = gaussian(9).moved(along), gaussian(9, spread=0.008)
    two = broad.moved(broad.codes + np.where(np.arange(4000) % 2, 0.25, -0.05)[:, None] * [1.0, 0.8, 0.2])
    steepest, apart = [], []
    for limit in (np.inf, SLOPES[1]):
        found = moved(sky, distribution_transfer(sky, two, steepest=limit))
        steps, before = (np.linalg.norm(np.diff(codes, axis=0), axis=1) for codes in (found.codes, sky.codes))
        steepest.append((steps / before).max())
        apart.append(sliced_distance(found, two, turns=8) / sliced_distance(sky, two, turns=8))
    assert steepest[0] > 4 * SLOPES[1], "it has something to guard"
    assert steepest[1] < SLOPES[1] * 3**0.5, "each of three axes is bounded"
    assert apart[1] < 0.5, "and still the reference's colours come"
