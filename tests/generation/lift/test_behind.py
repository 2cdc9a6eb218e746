"""Against shells and planes whose hidden parts are known."""

import numpy as np
import pytest

from translight.generation.lift.behind import behind
from translight.generation.lift.edges import find_edges
from translight.generation.panorama import directions

ALL = np.ones((180, 360), bool)


def test_five_metres_before_fifty_open_fifteen_degrees():
    inverse = np.full((180, 360), 1 / 50, np.float32)
    inverse[:, 180:] = 1 / 5
    found = behind(inverse, find_edges(inverse), ALL, 1.5, 0)
    assert found is not None
    hidden = found.hidden[90]
    right_of_the_edge = int(hidden[180:270].sum())
    assert np.degrees(np.arctan(1.5 / 5) - np.arctan(1.5 / 50)) == pytest.approx(15.0, abs=0.1)
    assert right_of_the_edge == pytest.approx(15, abs=1)
    assert not hidden[:180].any(), "nothing is hidden behind the far side"
    np.testing.assert_allclose(found.inverse[found.hidden], 1 / 50, rtol=0.05)  # a plane, not a shell
    assert not found.hidden_sky.any()


def test_a_wall_goes_on_behind_what_stands_before_it():
    rays = directions(180).astype(np.float64)
    wall = np.clip(0.8 * rays[..., 0] + 0.6 * rays[..., 1], 1e-3, None) / 6
    inverse = wall.copy()
    post = (np.abs(np.degrees(np.arctan2(rays[..., 0], rays[..., 1])) - 50) < 6) & (np.abs(rays[..., 2]) < 0.3)
    inverse[post] = 0.45
    inverse = inverse.astype(np.float32)
    found = behind(inverse, find_edges(inverse), post, 1.5, 0)
    assert found is not None
    assert found.hidden[post].mean() > 0.95
    assert not found.hidden[~post].any()
    np.testing.assert_allclose(found.inverse[found.hidden], wall[found.hidden], rtol=0.02)


def test_before_the_sky_it_is_sky_that_is_hidden():
    inverse = np.zeros((180, 360), np.float32)
    inverse[60:120, 100:110] = 0.3
    found = behind(inverse, find_edges(inverse), inverse > 0, 1.5, 0)
    assert found is not None
    assert found.hidden_sky[60:120, 100:110].all()
    assert found.hidden_sky.sum() == 600
    assert not found.hidden.any()


def test_no_edges_hide_nothing():
    inverse = np.full((180, 360), 0.2, np.float32)
    assert behind(inverse, find_edges(inverse), ALL, 1.5, 0) is None
