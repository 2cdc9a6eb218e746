import numpy as np

from translight.generation.lift.push_pull import push_pull


def test_known_values_stay_and_a_plain_picture_is_filled_plainly():
    rng = np.random.default_rng(0)
    values = np.full((24, 48, 3), (0.2, 5.0, 1.0), np.float32)
    weight = (rng.uniform(size=(24, 48)) < 0.1).astype(np.float32)
    np.testing.assert_allclose(push_pull(values * weight[..., None], weight), values, rtol=1e-5)


def test_a_hole_takes_the_values_of_both_its_sides():
    ramp = np.broadcast_to(np.abs(np.arange(64) - 32.0)[None, :, None], (32, 64, 1)).astype(np.float32)
    weight = np.ones((32, 64), np.float32)
    weight[:, 10:18] = 0
    filled = push_pull(np.where(weight[..., None] > 0, ramp, 0), weight)
    assert np.abs(filled - ramp)[:, 10:18].max() < 3
    np.testing.assert_array_equal(filled[:, 18:], ramp[:, 18:])


def test_it_reaches_around_the_seam():
    values = np.zeros((16, 32, 1), np.float32)
    weight = np.zeros((16, 32), np.float32)
    values[:, 1], weight[:, 1] = 1.0, 1.0
    values[:, 16], weight[:, 16] = 0.0, 1.0
    row = push_pull(values, weight)[8, :, 0]
    assert row[31] > row[26] > row[20]
    assert row[31] > 0.6


def test_a_weak_claim_yields_to_a_strong_one_near_by():
    values = np.zeros((16, 32, 1), np.float32)
    values[:, :16] = 1.0
    weight = np.full((16, 32), 1e-6, np.float32)
    weight[:, 16:] = 1.0
    assert push_pull(values, weight)[8, 12, 0] < 0.01


def test_nothing_known_is_black():
    assert not push_pull(np.ones((7, 14, 3), np.float32), np.zeros((7, 14), np.float32)).any()
