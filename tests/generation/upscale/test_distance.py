"""Distances in more pixels, against places whose every distance is known."""

import numpy as np
import pytest

from translight.generation.panorama import directions
from translight.generation.upscale.distance import finer_distance, finer_mask


def floor_and_post(height_px):
    """A floor 1.7 m below the eye, open sky, and a post that stands 2 m before it."""
    rays = directions(height_px).astype(np.float64)
    with np.errstate(divide="ignore"):
        distance_m = np.where(rays[..., 2] < 0, -1.7 / rays[..., 2], np.inf)
    post = (np.abs(rays[..., 0]) < 0.2) & (rays[..., 1] > 0.3) & (rays[..., 2] < 0.5)
    distance_m[post] = 2.0
    return distance_m.astype(np.float32), post


@pytest.mark.parametrize("height_px", [128, 192, 256])
def test_no_distance_lies_between_two_surfaces(height_px):
    small, _ = floor_and_post(64)
    wanted, post = floor_and_post(height_px)
    got = finer_distance(small, height_px)
    assert got.shape == (height_px, 2 * height_px)
    assert got.dtype == np.float32
    side = np.isclose(got, 2.0, rtol=1e-3)
    rays = directions(height_px)
    floor = np.where(rays[..., 2] < -0.02, -1.7 / np.minimum(rays[..., 2], -0.02), 1e6)
    ground = np.abs(got / floor - 1) < 0.06
    near_horizon = np.abs(rays[..., 2]) <= 0.05  # one small pixel
    touching = np.abs(floor - 2) < 0.25  # where the post stands: no edge there
    assert (side | ground | np.isinf(got) | near_horizon | touching).all()
    assert (side != post).mean() < 0.01  # its outline, where it is nearest to
    inside = ~near_horizon & ~post & ~side & ~touching & np.isfinite(wanted) & (rays[..., 2] > -0.99)
    apart = np.abs(got[inside] / wanted[inside] - 1)
    assert np.quantile(apart, 0.999) < 0.01  # inverse metres are straight on a floor
    assert apart.max() < 0.06  # at the post's outline the nearest pixel's


def test_it_turns_with_the_panorama():
    small, _ = floor_and_post(32)
    got = finer_distance(small, 64)
    np.testing.assert_allclose(finer_distance(np.roll(small, 13, axis=1), 64), np.roll(got, 26, axis=1), rtol=1e-5)


def test_a_mask_stays_a_mask():
    mask = np.zeros((8, 16), bool)
    mask[2, 3] = True
    got = finer_mask(mask, 16)
    assert got.sum() == 4
    assert got[4:6, 6:8].all()
    assert finer_mask(mask, 12).shape == (12, 24)
