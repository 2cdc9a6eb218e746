"""The filter of diffuse light: equal all round, and as thorough at a picture's borders as within it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from translight.generation.procedural.rays.filter import filtered
from translight.generation.procedural.rays.pixels import DISTANCE, FLOATS_A_PIXEL, LIGHT, NORMAL

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
