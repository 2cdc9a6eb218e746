"""Where a panorama shows the sky: the engine's own mask, or a rule over distance and light; layers.py cuts along it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from translight.generation.candidate import View

FAR_SHARE = 0.9
"""Estimated depth saturates in the sky: what lies beyond this share of the farthest distance may be sky."""
SMOOTH = 0.12
"""Largest local deviation of the logarithm of luminance within 5×5 pixels that still counts as smooth."""
_LEAST_LIGHT = 1e-4


def sky_mask(view: View, limit_m: float | None = None) -> Bool[np.ndarray, "h w"]:
    """The sky's pixels of a panorama with distances. Raises ValueError where it has none.

    In this order: the view's own mask; else the pixels at infinite distance, where there are any; else, by a rule for
    estimated depth, what is all of: beyond ``limit_m`` (``FAR_SHARE`` of the farthest distance, when None), joined to
    the top row by such pixels, and smooth or brighter than the picture's median (clouds are not smooth, and bright).
    """
    distance = view.distance_m
    if distance is None:
        raise ValueError("a sky mask takes a panorama with distances")
    if view.sky is not None:
        return np.ascontiguousarray(view.sky)
    endless = ~np.isfinite(distance)
    if endless.any():
        return endless
    beyond = distance > (FAR_SHARE * float(distance.max()) if limit_m is None else limit_m)
    light = np.log(np.maximum(view.image.mean(axis=2), _LEAST_LIGHT))
    smooth = _deviation(light) < SMOOTH
    return _from_the_top(beyond & (smooth | (light > np.median(light))))


def _deviation(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    modes = ("nearest", "wrap")
    mean = ndimage.uniform_filter(values, 5, mode=modes)
    return np.sqrt(np.maximum(ndimage.uniform_filter(values * values, 5, mode=modes) - mean * mean, 0))


def _from_the_top(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The parts of a mask that reach the top row, around the seam too."""
    width = mask.shape[1]
    parts, count = ndimage.label(np.concatenate([mask, mask], axis=1))  # twice around: what crosses the seam is one
    reaching = np.zeros(count + 1, dtype=bool)
    reaching[np.unique(parts[0])] = True
    reaching[0] = False
    found = reaching[parts]
    return found[:, :width] | found[:, width:]
