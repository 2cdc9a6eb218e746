import numpy as np

from translight.generation.lift.layers import ESTIMATED_DEPTH, Cut, Layers, cut_layers


def test_the_front_is_what_is_seen(panorama, layers: Layers):
    front = layers.sheets[0]
    np.testing.assert_array_equal(front.mask, ~panorama.sky)
    np.testing.assert_array_equal(front.image, panorama.image)
    np.testing.assert_allclose(front.inverse[front.mask], 1 / panorama.distance_m[front.mask])


def test_hidden_layers_lie_behind_the_one_before_and_are_ground(panorama, world, layers: Layers):
    """What the boxes hide is ground, level at Z 0: most of the layer finds it, from the planes beside the boxes."""
    front, hidden = layers.sheets[:2]
    assert hidden.mask.sum() > 100
    assert not (hidden.mask & panorama.sky).any()
    assert (hidden.inverse[hidden.mask] < front.inverse[hidden.mask]).all()
    bare = type(world)(world.boxes[:0], world.colours[:0], True).panorama(96)
    below = hidden.mask & np.isfinite(bare.distance_m)
    off = np.abs(hidden.inverse * np.nan_to_num(bare.distance_m, posinf=1.0) - 1)[below]
    assert np.median(off) < 0.1


def test_sky_behind_boxes_is_known_to_be_sky(panorama, layers: Layers):
    assert (layers.sky & panorama.sky).sum() == panorama.sky.sum()
    beyond = layers.sky & ~panorama.sky
    assert beyond.any()
    rows = np.nonzero(beyond)[0]
    assert np.median(rows) < 48


def test_no_hidden_layers_where_none_are_wanted(panorama):
    found = cut_layers(panorama.image, panorama.distance_m, panorama.sky, 2.1, Cut(hidden=0))
    assert len(found.sheets) == 1


def test_wider_reach_wider_layers(panorama, layers: Layers):
    near = cut_layers(panorama.image, panorama.distance_m, panorama.sky, 0.3)
    assert near.sheets[1].mask.sum() < layers.sheets[1].mask.sum()


def test_estimated_depth_loses_its_blurred_rims_to_what_is_behind(panorama):
    """Every pixel that the front gives up is one of a hidden layer, or sky."""
    found = cut_layers(panorama.image, panorama.distance_m, panorama.sky, 2.1, ESTIMATED_DEPTH)
    lost = ~panorama.sky & ~found.sheets[0].mask
    assert lost.any()
    assert (found.sheets[1].mask | found.sky)[lost].all()


def test_a_model_fills_the_hidden_layers(panorama):
    found = cut_layers(
        panorama.image, panorama.distance_m, panorama.sky, 2.1, inpaint=lambda image, mask: np.full_like(image, 9.0)
    )
    assert (found.sheets[1].image[found.sheets[1].mask] == 9).all()
    np.testing.assert_array_equal(found.sheets[0].image, panorama.image)
