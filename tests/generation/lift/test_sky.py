from dataclasses import replace

import numpy as np
import pytest

from translight.generation.candidate import View
from translight.generation.lift.sky import whole_sky
from translight.generation.lift.sky_mask import sky_mask


def test_the_engines_own_mask_goes_first_then_what_is_endless(panorama: View):
    own = np.zeros(panorama.image.shape[:2], bool)
    own[:3] = True
    np.testing.assert_array_equal(sky_mask(replace(panorama, sky=own)), own)
    np.testing.assert_array_equal(sky_mask(replace(panorama, sky=None)), panorama.sky)


def test_estimated_depth_has_a_sky_by_the_rule(panorama: View):
    """Far, joined to the top, and smooth or bright: nearly all of the true sky, and nearly nothing else."""
    estimated = np.minimum(np.nan_to_num(panorama.distance_m, posinf=90.0), 90.0).astype(np.float32)
    found = sky_mask(replace(panorama, sky=None, distance_m=estimated), 85.0)
    assert found[panorama.sky].mean() > 0.95
    assert found[~panorama.sky].mean() < 0.03


def test_a_bright_window_that_is_not_joined_to_the_top_is_no_sky():
    distance = np.full((32, 64), 3.0, np.float32)
    distance[10:20, 5:15] = 80.0
    view = View(np.full((32, 64, 3), 0.5, np.float32), None, None, distance)  # type: ignore[arg-type]
    assert not sky_mask(view).any()
    distance[:20, 5:15] = 80.0
    assert sky_mask(view).sum() == 200


def test_without_distances_there_is_no_telling(panorama: View):
    with pytest.raises(ValueError, match=r"^a sky mask takes a panorama with distances$"):
        sky_mask(replace(panorama, distance_m=None))


def test_the_sky_is_whole_with_the_sun_in_it(panorama: View):
    sky = whole_sky(panorama.image, panorama.sky)
    np.testing.assert_array_equal(sky[panorama.sky], panorama.image[panorama.sky])
    assert sky.max() == panorama.image.max() > 10
    covered = ~panorama.sky & (np.arange(96) < 48)[:, None]  # boxes before the sky
    assert covered.any()
    up = np.sin((0.5 - (np.arange(96) + 0.5) / 96) * np.pi)[:, None]
    truth = np.broadcast_to(((1 - up) * (0.9, 0.8, 0.7) + up * (0.2, 0.35, 0.7))[:, None], sky.shape)
    assert np.abs(sky - truth)[covered].max() < 0.1, "filled with sky, not with what stood before it"
    assert np.median(np.abs(sky - truth)[covered]) < 0.01


def test_a_known_sky_is_taken_as_it_is(panorama: View):
    known = np.random.default_rng(0).uniform(size=(16, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(whole_sky(panorama.image, panorama.sky, known), known)
    with pytest.raises(ValueError, match=r"^a sky is \(h 2·h 3\), got \(16, 16, 3\)$"):
        whole_sky(panorama.image, panorama.sky, known[:, :16])


def test_a_room_has_a_backdrop_of_its_own_colours():
    image = np.full((32, 64, 3), 0.3, np.float32)
    np.testing.assert_allclose(whole_sky(image, np.zeros((32, 64), bool)), 0.3, rtol=1e-4)


def test_a_low_sun_is_not_smeared_behind_the_hill_beside_it():
    image = np.full((32, 64, 3), 0.5, np.float32)
    image[14, 20] = 5000.0
    sky = np.zeros((32, 64), bool)
    sky[:17] = True
    filled = whole_sky(image, sky)
    assert filled[14, 20, 0] == 5000.0
    assert filled[17:].max() <= 1.5


@pytest.mark.parametrize("height", [64, 512])
def test_below_the_horizon_the_dark_ground_goes_on(height: int):
    """A gap in it, or a cover that a lift leaks through, must not show white."""
    half = height // 2
    image = np.full((height, 2 * height, 3), 1.0, np.float32)
    image[half:] = 0.02
    image[: half + height // 32, : height // 8] = 0.05  # trees before the sky
    sky = np.zeros(image.shape[:2], bool)
    sky[:half] = True
    sky[:half, : height // 8] = False
    filled = whole_sky(image, sky)
    assert filled[height * 3 // 4 :].max() < 0.05, "45° down and more"
    assert filled[:half].min() > 0.9, "above it is sky, trees or not"
