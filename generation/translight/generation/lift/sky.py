"""The sky apart: a whole equirectangular picture in HDR, sun and all, what stood before it filled; lift.py uses it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from translight.generation.lift.push_pull import push_pull

_LAND = 1e-6
"""Weight of what is no sky, above the horizon: it tells only of directions far from any sky."""
_LAND_DEG = 20.0
"""Below the horizon, what is no sky tells of directions this far from any sky: gaps there look like the ground."""
_BRIGHTEST = 3.0
"""What is so many times brighter than the usual sky of its elevation lends no more than that."""
_MARGIN_PX = 2
"""Pixels of sky this close to something hold its light too."""


def whole_sky(
    image: Float32[np.ndarray, "h w 3"],
    sky: Bool[np.ndarray, "h w"],
    known: Float32[np.ndarray, "h w 3"] | None = None,
) -> Float32[np.ndarray, "h w 3"]:
    """Radiance from beyond everything: the picture where it shows the sky, ``known`` or a smooth fill elsewhere.

    The fill is of sky alone above the horizon; below, where a camera looks through gaps at more ground, it goes over
    from the sky's colours to the ground's.
    ``known`` is the sky alone, where the engine has it; any size of its own, twice as wide as high. Raises ValueError
    on another shape.
    """
    if known is not None:
        if known.ndim != 3 or known.shape[1] != 2 * known.shape[0] or known.shape[2] != 3:
            raise ValueError(f"a sky is (h 2·h 3), got {known.shape}")
        return np.ascontiguousarray(known, np.float32)
    clean = sky
    if not sky.all():
        wrapped = np.pad(~sky, ((0, 0), (_MARGIN_PX, _MARGIN_PX)), mode="wrap")
        clean = ~ndimage.binary_dilation(wrapped, iterations=_MARGIN_PX)[:, _MARGIN_PX:-_MARGIN_PX]
    usual = _by_elevation(image, clean)
    # The sun is where it is seen and not smeared behind what stands beside it: a hundredth of it would shine through.
    limit = _BRIGHTEST * np.maximum(usual, np.median(usual, axis=0)) if clean.any() else np.float32(np.inf)
    lent = np.minimum(image, limit) - usual
    below = len(image) // 2
    # a pyramid's level has four times the weight of the one before: so much comes to 1 over so many degrees
    land_below = min(1.0, (180 / (_LAND_DEG * len(image))) ** 2)
    filled = np.concatenate(
        [
            push_pull(lent, _weight(sky, clean, _LAND))[:below],
            push_pull(lent, _weight(sky, clean, land_below))[below:],
        ]
    )
    return np.where(sky[..., None], image, np.maximum(usual + filled, 0)).astype(np.float32)


def _weight(sky: Bool[np.ndarray, "h w"], clean: Bool[np.ndarray, "h w"], land: float) -> Float32[np.ndarray, "h w"]:
    """How much each pixel's colour says of its surroundings."""
    return np.where(clean, 1.0, np.where(sky, 1e-3, land)).astype(np.float32)


def _by_elevation(image: Float32[np.ndarray, "h w 3"], clean: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h 1 3"]:
    """Each row's median sky, the nearest row's where it has none: skies change with elevation most of all."""
    rows = np.flatnonzero(clean.any(axis=1))
    if len(rows) == 0:
        return np.zeros((len(image), 1, 3), np.float32)
    median = np.stack([np.median(image[row][clean[row]], axis=0) for row in rows])
    nearest = np.abs(np.arange(len(image))[:, None] - rows).argmin(axis=1)
    return np.ascontiguousarray(median[nearest][:, None], dtype=np.float32)
