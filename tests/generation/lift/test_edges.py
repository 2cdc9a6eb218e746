import numpy as np
import pytest

from translight.generation.lift.edges import find_edges, inverse_distance, near_band, snapped
from translight.generation.panorama import directions


def test_ground_is_one_surface_up_to_the_horizon():
    up = directions(64)[..., 2]
    sky = up > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        edges = find_edges(inverse_distance(np.where(sky, np.inf, -1.6 / up).astype(np.float32), sky))
    assert not edges.right.any()
    assert not edges.below.any()


@pytest.mark.parametrize("start", [10, 30, 61], ids=["left", "right", "across the seam"])
def test_a_post_has_an_edge_on_both_sides(start: int):
    inverse = np.full((32, 64), 0.1, np.float32)
    columns = np.arange(start, start + 6) % 64
    inverse[:, columns] = 0.5
    edges = find_edges(inverse)
    assert (edges.right[:, columns[-1]] == 1).all()
    assert (edges.right[:, (start - 1) % 64] == -1).all()
    assert np.count_nonzero(edges.right) == 2 * 32
    assert not edges.below.any()


def test_a_beam_has_an_edge_above_and_below():
    inverse = np.zeros((32, 64), np.float32)
    inverse[10:14] = 0.2
    edges = find_edges(inverse)
    assert (edges.below[9] == -1).all()
    assert (edges.below[13] == 1).all()
    assert np.count_nonzero(edges.below) == 2 * 64


def test_blurred_edges_become_steep_where_asked():
    inverse = np.full((16, 32), 0.1, np.float32)
    inverse[:, :12] = 0.5
    inverse[:, 12:14] = (0.4, 0.2)
    steep, between = snapped(inverse, 3)
    assert between.any(axis=0).nonzero()[0].tolist() == [12, 13]
    np.testing.assert_allclose(steep[0, 11:15], [0.5, 0.5, 0.1, 0.1])
    same, none = snapped(inverse, 0)
    np.testing.assert_array_equal(same, inverse)
    assert not none.any()


def test_a_band_of_the_near_side_but_not_all_of_a_thin_thing():
    inverse = np.full((16, 64), 0.1, np.float32)
    inverse[:, 10:20] = 0.5
    inverse[:, 40:42] = 0.5
    found = near_band(find_edges(inverse), inverse, 2).any(axis=0).nonzero()[0].tolist()
    assert found == [10, 11, 18, 19]
