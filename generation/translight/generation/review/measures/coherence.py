"""Whether a candidate's views show one place: each laid over the others by its distances, light and depth compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.generation.candidate import Candidate, View
from translight.generation.panorama import directions, pixels, sample
from translight.generation.review.measures.measure import Measure, graded, luminance, unknown

GOOD, BAD = 0.10, 0.25
"""Half of the pixels that two views share differ by less, in light or distance (ours)."""

_ACROSS_PX = 256
"""Rays of each view are taken so many to its width: thousands of comparisons tell as much as millions."""
_HIDDEN = 1.25
"""Behind something by that much in the other view: hidden there, unless it is most of the picture."""
_LEAST_SHARED = 100


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one view's pixels, as another sees them."""

    shared: int
    light: float
    """Median difference of luminance, relative."""
    depth: float | None
    """Median difference of distance, relative; None where the other has none."""


def coherence(candidate: Candidate) -> Measure:
    """The worst median disagreement of two views, relative: of their light, or of their distances."""
    views = candidate.views
    if len(views) < 2:
        return unknown("coherence", "%", "one view" if views else "no picture")
    found = [
        agreement
        for i, view in enumerate(views)
        for j, other in enumerate(views)
        if i != j and view.distance_m is not None and (agreement := agree(view, other)) is not None
    ]
    if not found:
        why = "no view has distances" if all(v.distance_m is None for v in views) else "no two views see the same"
        return unknown("coherence", "%", why)
    light = max(a.light for a in found)
    depth = max((a.depth for a in found if a.depth is not None), default=0.0)
    value = max(light, depth)
    verdict = graded(value, GOOD, BAD)
    words = {"good": "the views agree", "look": "the views differ", "bad": "the views contradict", "none": ""}[verdict]
    why = (
        f"{words}: half of what two share is within {light:.0%} in light, {depth:.0%} in distance ({GOOD:.0%} is good)"
    )
    details = {"light": round(light, 5), "depth": round(depth, 5), "pairs": len(found)}
    return Measure("coherence", round(100 * value, 3), "%", verdict, why, details)


def agree(view: View, other: View) -> Agreement | None:
    """How what ``view`` sees, at its distances, looks to ``other``; None where they share nearly nothing."""
    assert view.distance_m is not None, "only a view with distances is laid over another"
    step = max(1, view.image.shape[1] // _ACROSS_PX)
    at = np.s_[step // 2 :: step, step // 2 :: step]
    distance = view.distance_m[at].astype(np.float64)
    rays = _rays(view)[at]
    known = np.isfinite(distance) & (distance > 0)
    points = rays[known] * distance[known][:, None] + view.stage_from_camera.position_m
    toward = points - other.stage_from_camera.position_m
    expected = np.linalg.norm(toward, axis=1)
    where, seen = _seen(other, toward)
    if seen.sum() < _LEAST_SHARED:
        return None
    own, theirs = luminance(view.image)[at][known][seen], _light(other, where[seen])
    expected, depth = expected[seen], None
    if other.distance_m is not None:
        found = _nearest(other.distance_m, where[seen])
        both = np.isfinite(found) & (found > 0)
        hidden = both & (expected > _HIDDEN * found)
        if hidden.mean() < 0.5:  # else it is not hidden: it stands elsewhere
            own, theirs, expected, found, both = (x[~hidden] for x in (own, theirs, expected, found, both))
        if both.sum() >= _LEAST_SHARED:
            depth = float(np.median(np.abs(found[both] - expected[both]) / expected[both]))
    if len(own) < _LEAST_SHARED:
        return None
    middle = float(np.median(own)) + 1e-6
    light = float(np.median(np.abs(own - theirs) / (own + 0.1 * middle)))
    return Agreement(len(own), light, depth)


def _rays(view: View) -> Float64[np.ndarray, "h w 3"]:
    """Unit directions of its pixels, in stage axes."""
    height, width = view.image.shape[:2]
    if view.camera is None:
        return directions(height).astype(np.float64)
    rays = view.camera.ray(np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    turned: Float64[np.ndarray, "h w 3"] = rays @ view.stage_from_camera.rotation().T
    return turned


def _seen(view: View, toward: Float64[np.ndarray, "n 3"]) -> tuple[Float64[np.ndarray, "n 2"], np.ndarray]:
    """Columns and rows where directions in stage axes are seen, and which lie within the picture."""
    height, width = view.image.shape[:2]
    if view.camera is None:
        return pixels(toward, height), np.ones(len(toward), bool)
    at = view.camera.project(toward @ view.stage_from_camera.rotation())
    inside = np.isfinite(at).all(axis=1)
    at = np.where(inside[:, None], at, 0.0)
    inside &= (at[:, 0] >= 0.5) & (at[:, 0] < width - 0.5) & (at[:, 1] >= 0.5) & (at[:, 1] < height - 0.5)
    return at, inside


def _light(view: View, at: Float64[np.ndarray, "n 2"]) -> np.ndarray:
    light = luminance(view.image)
    if view.camera is None:
        return np.asarray(sample(light, at))
    left, top = (np.floor(at[:, i] - 0.5).astype(np.int64) for i in (0, 1))
    u, v = at[:, 0] - 0.5 - left, at[:, 1] - 0.5 - top
    right, below = np.minimum(left + 1, light.shape[1] - 1), np.minimum(top + 1, light.shape[0] - 1)
    upper = light[top, left] * (1 - u) + light[top, right] * u
    return np.asarray(upper * (1 - v) + (light[below, left] * (1 - u) + light[below, right] * u) * v)


def _nearest(values: np.ndarray, at: Float64[np.ndarray, "n 2"]) -> np.ndarray:
    height, width = values.shape
    column, row = np.floor(at).astype(np.int64).T
    return values[np.clip(row, 0, height - 1), column % width].astype(np.float64)
