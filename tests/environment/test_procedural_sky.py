"""The computed sky does what skies do."""

from __future__ import annotations

import numpy as np
import pytest

from translight.environment.procedural_sky import Sky, make_sky


@pytest.fixture(scope="module")
def sky() -> Sky:
    return make_sky(128, sun_azimuth_deg=-30.0, sun_elevation_deg=8.0, ground=np.full(3, 0.2), exposure=6.0, seed=1)


def texel(azimuth_deg: float, elevation_deg: float) -> tuple[int, int]:
    return int((0.5 - elevation_deg / 180) * 128), int((azimuth_deg / 360 + 0.5) * 256)


def test_shape_and_range(sky: Sky) -> None:
    assert sky.picture.shape == (128, 256, 3)
    assert sky.picture.dtype == np.float32
    assert np.isfinite(sky.picture).all()
    assert sky.picture.min() > 0


def test_the_sun_is_where_it_was_put(sky: Sky) -> None:
    row, column = np.unravel_index(np.argmax(sky.picture.sum(axis=2)), (128, 256))
    assert abs(row - texel(-30, 8)[0]) <= 1
    assert abs(column - texel(-30, 8)[1]) <= 1
    np.testing.assert_allclose(np.linalg.norm(sky.sun_direction), 1)
    assert sky.sun_direction[0] < 0 < sky.sun_direction[1]


def test_low_sun_is_red_and_overhead_is_blue(sky: Sky) -> None:
    assert sky.sun[0] > sky.sun[1] > sky.sun[2]
    red, _, blue = sky.clear[texel(150, 75)]
    assert blue > 1.5 * red
    red, _, blue = sky.clear[texel(-30, 2)]
    assert red > 1.5 * blue


def test_it_glows_towards_the_sun_and_darkens_upwards(sky: Sky) -> None:
    light = sky.clear.sum(axis=2)
    assert light[texel(-30, 10)] > 1.4 * light[texel(150, 10)]
    assert light[texel(150, 5)] > light[texel(150, 40)]


def test_a_higher_sun_is_whiter_and_stronger() -> None:
    def sun(elevation: float) -> np.ndarray:
        return make_sky(
            16, sun_azimuth_deg=0, sun_elevation_deg=elevation, ground=np.zeros(3), exposure=1.0, seed=1
        ).sun

    low, high = sun(3.0), sun(60.0)
    assert (high > low).all()
    assert high[2] / high[0] > 5 * low[2] / low[0]


def test_azimuth_wraps_without_a_seam(sky: Sky) -> None:
    np.testing.assert_allclose(sky.clear[:64, 0], sky.clear[:64, -1], rtol=0.1)
