"""The filter of diffuse light: equal all round, and as thorough at a picture's borders as within it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from translight.generation.procedural.rays.filter import filtered
from translight.generation.procedural.rays.pixels import DISTANCE, FLOATS_A_PIXEL, LAMPLIGHT, LIGHT, NORMAL

HEIGHT, WIDTH = 48, 96
WHOLE = slice(0, HEIGHT)


def _noisy(distance_m: np.ndarray) -> Float32[np.ndarray, "h w f"]:
    """A surface at these distances, under light of mean 1 that differs from pixel to pixel."""
    traced = np.zeros((HEIGHT, WIDTH, FLOATS_A_PIXEL), np.float32)
    traced[..., DISTANCE], traced[..., NORMAL] = distance_m, 1.0
    traced[..., LIGHT] = 0.5 + np.random.default_rng(2).random((HEIGHT, WIDTH))
    return traced


def test_a_panorama_that_is_turned_is_filtered_as_before() -> None:
    azimuth = (np.arange(WIDTH) + 0.5) / WIDTH * 2 * np.pi
    traced = _noisy(np.broadcast_to(20.0 + 8.0 * np.sin(azimuth), (HEIGHT, WIDTH)))  # steepest at the seam
    turned = np.roll(traced, WIDTH // 4, axis=1)
    np.testing.assert_array_equal(
        filtered(turned, WHOLE, True, 1), np.roll(filtered(traced, WHOLE, True, 1), WIDTH // 4, axis=1)
    )


def test_a_slope_is_smoothed_at_the_borders_too() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    light = filtered(_noisy(20.0 + 0.4 * rows + 0.3 * columns), WHOLE, False, 1)[..., 0]
    within = light[12:-12, 12:-12].std()
    for border in (light[0], light[-1], light[:, 0], light[:, -1]):
        assert border.std() < 3.0 * within


def test_a_picture_of_a_single_row_or_column_is_filtered() -> None:
    flat = _noisy(np.full((HEIGHT, WIDTH), 9.0))
    for traced in (flat[:1], flat[:, :1]):
        for wraps in (True, False):
            assert np.isfinite(filtered(traced, slice(0, len(traced)), wraps, 1)).all()


def _leaves() -> Float32[np.ndarray, "h w f"]:
    """Slopes of all directions, under light of mean 1 that differs from pixel to pixel."""
    traced = _noisy(np.full((HEIGHT, WIDTH), 9.0))
    slopes = np.random.default_rng(3).normal(size=(HEIGHT, WIDTH, 3))
    traced[..., NORMAL : NORMAL + 3] = slopes / np.linalg.norm(slopes, axis=-1, keepdims=True)
    return traced


def test_leaves_are_smoothed_though_no_neighbour_has_their_slope() -> None:
    light = filtered(_leaves(), WHOLE, False, 1)[..., 0]
    assert light.std() < 0.15 * _leaves()[..., LIGHT].std()
    np.testing.assert_allclose(light.mean(), 1.0, atol=0.01)


def test_lamps_light_among_leaves_keeps_to_its_slopes() -> None:
    traced = _leaves()
    traced[..., LAMPLIGHT], traced[..., LIGHT] = traced[..., LIGHT], 0.0
    light = filtered(traced, WHOLE, False, 1)[..., 0]
    assert light.std() > 0.5 * traced[..., LAMPLIGHT].std()


def test_leaves_take_no_light_from_far_behind_them() -> None:
    traced = _leaves()
    traced[:, WIDTH // 2 :, DISTANCE], traced[:, WIDTH // 2 :, LIGHT] = 90.0, 5.0
    light = filtered(traced, WHOLE, False, 1)[..., 0]
    assert light[:, : WIDTH // 2].max() < 1.5
    np.testing.assert_allclose(light[:, WIDTH // 2 :], 5.0, rtol=1e-5)


def test_two_walls_keep_their_light_to_the_corner() -> None:
    traced = _noisy(np.full((HEIGHT, WIDTH), 9.0))
    traced[..., LIGHT] = 1.0
    traced[..., NORMAL : NORMAL + 3] = 1.0, 0.0, 0.0
    traced[:, WIDTH // 2 :, NORMAL : NORMAL + 3], traced[:, WIDTH // 2 :, LIGHT] = (0.0, 1.0, 0.0), 3.0
    np.testing.assert_allclose(filtered(traced, WHOLE, False, 1)[..., 0], traced[..., LIGHT], rtol=1e-6)
