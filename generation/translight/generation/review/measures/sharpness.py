"""How fine a panorama really is, against the LED pixels that show it: by the blur of its sharpest edges.

Zhuo and Sim, "Defocus map estimation from a single image" (Pattern Recognition 44, 2011): an edge of blur σ that is
blurred by σ₀ more loses gradient by R = √((σ² + σ₀²) / σ²), whatever its contrast.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from translight.generation.candidate import View
from translight.generation.review.measures.measure import Measure, PlacedWall, graded, luminance, unknown

GOOD, BAD = 1.0, 0.5
"""Texels to an LED pixel: the wall shows all that it can from one on (ours)."""
OWN_PX, BLURRED_PX = 1.5, 3.0
"""A texel of so many pixels: up to the first the picture uses what it has and only more rows can show more, beyond the
second it is blurred whatever it is for (ours)."""

_AGAIN_PX = 1.0
_DIFFERENCE = 1 / 12
"""Variance of the box that a difference of neighbours averages over, in px²: no part of the picture's blur."""
_FINEST_PX = math.sqrt(2 * math.log(10)) / math.pi
"""The σ whose MTF is 10 % at half a cycle a pixel: edges as sharp as that use every pixel, 0.683."""
_BAND_DEG = 20.0
_STRONGEST = 0.02
_LEAST_CONTRAST = 0.02
_LEAST_EDGES = 12
_ROWS = 1024
"""Of rows around the horizon at most: the middle of an 8K panorama tells as much as all of it."""


def sharpness(view: View | None, wall: PlacedWall) -> Measure:
    """Effective texels for each LED pixel; a texel is as wide as the finest detail that keeps 10 % of its contrast."""
    unit = "texels per LED pixel"
    if view is None:
        return unknown("sharpness", unit, "measured on panoramas only")
    height = view.image.shape[0]
    rows = min(_ROWS, height, max(24, int(height * 2 * _BAND_DEG / 180)))
    band = view.image[(height - rows) // 2 : (height + rows) // 2]
    sigma = edge_blur_px(luminance(band))
    led = f"{wall.pitch_mm:g} mm at {wall.distance_m:g} m"
    if sigma is None:
        return unknown("sharpness", unit, "no edges to measure by")
    texel_px = max(1.0, sigma / _FINEST_PX)
    texel_rad = texel_px * math.pi / height
    value = wall.pixel_rad() / texel_rad
    verdict = graded(value, GOOD, BAD)
    needed = 64 * math.ceil(GOOD * math.pi / wall.pixel_rad() / 64)
    told = f"{value:.2g} texels for each LED pixel of {led}"
    if verdict == "good":
        why = f"sharp enough: {told} (1 is good)"
    elif texel_px <= OWN_PX:  # too few rows are no fault of the picture's: every preview has them
        verdict, why = "look", f"its edges use every pixel, fine to choose by: {told}, {needed} rows make it one"
    else:
        verdict = "bad" if verdict == "bad" and texel_px > BLURRED_PX else "look"
        words = "blurred" if verdict == "bad" else "a little blurred"
        why = f"{words}, a texel is {texel_px:.2g} pixels wide: {told} (1 is good; {needed} rows of sharp pixels do)"
    details = {"edge_blur_px": round(sigma, 3), "effective_height_px": round(height / texel_px)}
    return Measure("sharpness", round(value, 4), unit, verdict, why, details)


def edge_blur_px(light: Float32[np.ndarray, "h w"]) -> float | None:
    """σ in pixels of the sharper edges (their lower quartile), or None without edges. Columns are a ring."""
    modes = ("nearest", "wrap")
    again = ndimage.gaussian_filter(light, _AGAIN_PX, mode=modes, truncate=5.0)
    mean = ndimage.gaussian_filter(light, 4.0, mode=modes) + 1e-6
    found: list[Float64[np.ndarray, "n"]] = []
    for axis in (0, 1):
        before, after, across = (_slope(light, axis), _slope(again, axis), _slope(light, 1 - axis))
        size = np.abs(before)
        contrast = size / mean
        inside = np.zeros(light.shape, bool)
        inside[4:-4] = True
        crest = (size >= np.roll(size, 1, axis)) & (size > np.roll(size, -1, axis))
        straight = size > 3 * np.abs(across)
        strong = contrast > max(float(np.quantile(contrast, 1 - _STRONGEST)), _LEAST_CONTRAST)
        at = inside & crest & straight & strong & (before * after > 0)
        ratio = size[at] / np.abs(after[at])
        known = ratio > 1.001
        found.append(_AGAIN_PX**2 / (ratio[known].astype(np.float64) ** 2 - 1) - _DIFFERENCE)
    variance = np.concatenate(found)
    if len(variance) < _LEAST_EDGES:
        return None
    return math.sqrt(max(0.0, float(np.quantile(variance, 0.25))))


def _slope(light: Float32[np.ndarray, "h w"], axis: int) -> Float32[np.ndarray, "h w"]:
    return np.roll(light, -1, axis) - light
