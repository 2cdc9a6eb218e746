"""Grain: film.py's densities with noise that is stronger where density is, and finer where a pixel covers more.

Selwyn, "A theory of graininess" (1935): standard deviation times the root of the area is constant; and a random-dot
model's variance is proportional to density. On a wall grain stands still and the film camera adds its own, so it is
off unless it is asked for; it is meant for stills and plates that are shown as pictures.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from translight.generation.look.film import Film

_AREA_DEG2 = 0.01
_MOST = 4.0
"""Times the grain of a whole pixel, at the poles where pixels are slivers."""


def grained(
    film: Film, light: Float32[np.ndarray, "h w 3"], amount: float, seed: int, *, focal_px: float | None = None
) -> Float32[np.ndarray, "h w 3"]:
    """Linear light seen by the film with ``amount`` times its stock's grain; the same seed gives the same grain."""
    noise = np.random.default_rng(seed).standard_normal(light.shape, dtype=np.float32)
    deviation = np.sqrt(film.density(light)) * np.float32(amount * film.stock.grain)
    finer = np.sqrt(_AREA_DEG2 / pixel_area_deg2(light.shape[0], focal_px))
    finer = np.minimum(finer, _MOST * finer.min()).astype(np.float32)
    return film(light, noise * deviation * finer)


def pixel_area_deg2(height_px: int, focal_px: float | None) -> Float[np.ndarray, "h 1 1"]:
    """Square degrees that a pixel of each row covers; of a still as in its middle."""
    if focal_px is not None:
        return np.full((height_px, 1, 1), np.degrees(1 / focal_px) ** 2)
    level = np.cos((0.5 - (np.arange(height_px) + 0.5) / height_px) * np.pi)
    return ((180 / height_px) ** 2 * level)[:, None, None]
