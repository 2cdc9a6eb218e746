"""Whether a panorama stands level: by the edge of its sky where that is a horizon, else by what is upright in it.

A panorama that is turned by a small tilt shows its horizon as one wave around: tan(elevation) = a sin + b cos of the
azimuth, with nothing added, for the eye's own level is the horizon's; a level skyline higher up is none. What is
upright leans by the same a and b, over the cosine of its elevation.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float32, Float64

from translight.generation.candidate import View
from translight.generation.preview import shrunk
from translight.generation.review.measures.measure import Measure, graded, luminance, unknown

GOOD_DEG, BAD_DEG = 0.5, 1.5
"""Half a degree is about what an eye finds on a level horizon in a wide shot (ours)."""

_ROUGH_DEG = 0.5
_SUPPORT, _SUPPORT_TILTED = 0.3, 0.5
"""Share of azimuths that must lie on one horizon; more where it is tilted, for a false alarm costs one (ours)."""
_LEVEL_DEG = 0.5
_BAND_DEG = 25.0
_LEAN_DEG = 18.0
_UPRIGHT_DEG = 2.0
_UPRIGHT_SUPPORT = 0.3
"""By chance a share of 2 in 18 leans within 2 degrees of anything."""
_WIDTH_PX = 1024
_SECTORS = 12
_ROUNDS = 20


def horizon(view: View | None) -> Measure:
    """Tilt of a panorama in degrees; ``none`` where it shows neither horizon nor enough that is upright."""
    if view is None:
        return unknown("horizon", "degrees", "measured on panoramas only")
    found, by = None, "the edge of the sky"
    sky = view.sky
    if sky is None and view.distance_m is not None:
        sky = np.isinf(view.distance_m)
    if sky is not None:
        found = by_sky(sky)
    if found is None:
        found, by = by_uprights(view.image), "what stands upright"
    if found is None:
        return unknown("horizon", "degrees", "no level horizon and too little that is upright to tell")
    verdict = graded(found, GOOD_DEG, BAD_DEG)
    words = {"good": "level", "look": "slightly tilted", "bad": "tilted", "none": ""}[verdict]
    return Measure(
        "horizon", round(found, 3), "degrees", verdict, f"{words}: {found:.2f}° by {by} ({GOOD_DEG:g}° is good)"
    )


def by_sky(sky: Bool[np.ndarray, "h w"]) -> float | None:
    """Tilt in degrees by where the sky ends below, or None where that is no horizon."""
    height = sky.shape[0]
    end = np.where(sky.all(axis=0), height, np.argmin(sky, axis=0))
    seen = (end > 0) & (end < height)
    if seen.mean() < _SUPPORT:
        return None
    azimuth = ((np.arange(sky.shape[1]) + 0.5) / sky.shape[1] - 0.5) * 2 * np.pi
    rise = np.tan((0.5 - end[seen] / height) * np.pi)
    rough = max(math.radians(_ROUGH_DEG), 1.5 * np.pi / height)
    wave = np.stack([np.sin(azimuth[seen]), np.cos(azimuth[seen])], axis=1)
    level = np.abs(np.arctan(rise)) <= max(math.radians(_LEVEL_DEG), np.pi / height)
    # hills may lie on a wave too: where much of the edge is level already, the horizon is sought from there
    seems_level = level.sum() >= _SUPPORT * sky.shape[1]
    start = np.zeros(2) if seems_level else _through_two(wave, rise, rough)
    fit = _robust(wave, rise, np.ones(len(rise)), rough, start)
    near = np.abs(np.arctan(rise) - np.arctan(wave @ fit)) <= rough
    if near.sum() < (_SUPPORT if seems_level else _SUPPORT_TILTED) * sky.shape[1]:
        return None
    return math.degrees(math.atan(math.hypot(fit[0], fit[1])))


def by_uprights(image: Float32[np.ndarray, "h w 3"]) -> float | None:
    """Tilt in degrees by the lean of edges that are nearly upright, or None where there are too few."""
    light = np.log(luminance(shrunk(image, _WIDTH_PX)) + 1e-3)
    height, width = light.shape
    rows = np.abs((0.5 - (np.arange(height) + 0.5) / height) * 180) <= _BAND_DEG
    elevation = ((0.5 - (np.arange(height) + 0.5) / height) * np.pi)[rows, None]
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    ring = np.pad(light, ((0, 0), (1, 1)), mode="wrap")
    east = _smooth(ring[:, 2:] - ring[:, :-2], axis=0)[rows] / np.cos(elevation)
    up = -_smooth_ring(np.gradient(light, axis=0) * 2)[rows]
    strength = np.hypot(east, up)
    lean = np.arctan2(-up * np.sign(east), np.abs(east))
    chosen = (np.abs(lean) < math.radians(_LEAN_DEG)) & (strength > max(np.quantile(strength, 0.9), 0.05))
    if chosen.sum() < 0.01 * chosen.size:
        return None
    at = np.broadcast_to(azimuth, chosen.shape)[chosen]
    level = np.broadcast_to(np.cos(elevation), chosen.shape)[chosen]
    wave = np.stack([np.cos(at) / level, -np.sin(at) / level], axis=1)
    weight = strength[chosen]
    fit = _robust(wave, np.tan(lean[chosen]), weight, math.radians(_UPRIGHT_DEG))
    near = np.abs(lean[chosen] - np.arctan(wave @ fit)) <= math.radians(_UPRIGHT_DEG)
    sectors = np.bincount((np.arange(width) * _SECTORS // width)[np.nonzero(chosen)[1]][near], minlength=_SECTORS)
    around = (sectors > 0.02 * near.sum()).sum() >= _SECTORS / 3  # one house alone cannot tell a lean from its own
    if not around or float(weight[near].sum()) < _UPRIGHT_SUPPORT * float(weight.sum()):
        return None
    return math.degrees(math.atan(math.hypot(fit[0], fit[1])))


def _through_two(
    wave: Float64[np.ndarray, "n 2"], rise: Float64[np.ndarray, "n"], near: float
) -> Float64[np.ndarray, "2"]:
    """The wave through two azimuths on which most others lie (RANSAC, Fischler and Bolles, 1981, without chance)."""
    count = len(rise)
    best, most = np.zeros(2), -1
    for apart in (count // 4, count // 6, count // 10):
        for first in range(0, count, max(1, count // 60)):
            at = (first + apart * np.arange(2)) % count
            if abs(np.linalg.det(wave[at])) < 1e-3:
                continue
            fit = np.linalg.solve(wave[at], rise[at])
            on = int((np.abs(rise - wave @ fit) <= near).sum())
            if on > most:
                best, most = fit, on
    return best


def _robust(
    terms: Float64[np.ndarray, "n k"],
    values: Float64[np.ndarray, "n"],
    weight: Float64[np.ndarray, "n"],
    scale: float,
    start: Float64[np.ndarray, "k"] | None = None,
) -> Float64[np.ndarray, "k"]:
    """Least squares whose outliers lose their weight (Cauchy's, reweighted), from wide to narrow without a start."""
    fit = np.zeros(terms.shape[1]) if start is None else start
    for round_ in range(_ROUNDS):
        width = scale * (max(1.0, 8.0 * 0.7**round_) if start is None else 1.0)
        w = weight / (1 + ((values - terms @ fit) / width) ** 2)
        fit = np.linalg.lstsq(terms * np.sqrt(w)[:, None], values * np.sqrt(w), rcond=None)[0]
    return fit


def _smooth(values: Float32[np.ndarray, "h w"], axis: int) -> Float32[np.ndarray, "h w"]:
    """1 2 1, so that both slopes are taken over the same pixels (Sobel)."""
    ends = np.pad(values, [(1, 1) if i == axis else (0, 0) for i in range(2)], mode="edge")
    return (ends[:-2] + 2 * ends[1:-1] + ends[2:]) / 4


def _smooth_ring(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    ring = np.pad(values, ((0, 0), (1, 1)), mode="wrap")
    return (ring[:, :-2] + 2 * ring[:, 1:-1] + ring[:, 2:]) / 4
