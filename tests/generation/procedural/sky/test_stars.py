"""Stars are as many and as bright as the sky's."""

from __future__ import annotations

import numpy as np
import pytest

from translight.generation.procedural.sky.stars import ZERO_MAGNITUDE, _catalogue, _spread, add_stars

RNG = np.random.default_rng(3)
DIRECTION, MAGNITUDE, COLOUR = _catalogue(RNG, np.array([0.0, 0.0, 1.0]))


@pytest.mark.parametrize(("brighter", "count"), [(2.0, 48), (4.0, 513), (6.0, 5000)])
def test_as_many_as_in_the_bright_star_catalogue(brighter: float, count: int) -> None:
    # Allen's Astrophysical Quantities: stars brighter than a magnitude, whole sky
    assert count / 1.5 < (brighter > MAGNITUDE).sum() < 1.5 * count


def test_faint_ones_crowd_towards_the_plane() -> None:
    low = np.abs(DIRECTION[:, 2]) < 0.25
    assert low[MAGNITUDE > 7].mean() > 1.5 * low[MAGNITUDE < 3].mean()


@pytest.mark.parametrize("row", [40.3, 8.0, 1.2, 0.1])
def test_a_stars_image_holds_its_light_at_every_elevation(row: float) -> None:
    height = 128
    picture = np.zeros((height, 2 * height, 3), np.float32)
    flux = np.array([[1.0, 2.0, 3.0]])
    _spread(picture, np.array([[0.2, row + 0.5]]), flux, np.pi / height, 0.62, np.ones(height))
    solid = np.sin((np.arange(height) + 0.5) * np.pi / height) * (np.pi / height) ** 2
    whole = (picture * solid[:, None, None]).sum(axis=(0, 1))
    np.testing.assert_allclose(whole / flux[0], whole[0], rtol=1e-5)
    assert whole[0] == pytest.approx(1, rel=0.5 if row < 2 else 0.08)


@pytest.mark.slow
def test_the_whole_sky_holds_all_of_its_stars() -> None:
    picture = np.zeros((256, 512, 3), np.float32)
    add_stars(picture, 256, 3, np.ones(3))
    solid = np.sin((np.arange(256) + 0.5) * np.pi / 256) * (np.pi / 256) ** 2
    light = (picture[..., 1] * solid[:, None]).sum()
    stars = (COLOUR[:, 1] * ZERO_MAGNITUDE * 10 ** (-0.4 * MAGNITUDE)).sum()
    assert stars / 2 < light < 6 * stars, "the Milky Way adds about as much as the stars that are seen"
    assert np.isfinite(picture).all()
