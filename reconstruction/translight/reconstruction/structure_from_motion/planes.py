"""Planes among a model's points: the floors and walls that ``upright.py`` stands it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from translight.reconstruction.plane_fit import planes_through, refined_plane

_TRIPLES = 4000
_COUNTED = 500
_POINTS = 4000
_THICKNESS = 0.012
"""Of the median distance from the cameras to the points: how far from a plane a point of it may lie."""
_LEAST_SHARE = 0.08
"""Of all points, the part that makes a plane worth to be called a floor or a wall."""
_LEAST_POINTS = 40

Allowed = Callable[[Float64[np.ndarray, "k 3"]], "Bool[np.ndarray, 'k']"]
"""Which of some unit normals may be a plane's; their signs mean nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """normal · x = offset, and which of the points lie in it."""

    normal: Float64[np.ndarray, "3"]
    offset: float
    inliers: Bool[np.ndarray, "m"]


def find_plane(
    xyz: Float64[np.ndarray, "m 3"],
    centres: Float64[np.ndarray, "n 3"],
    allowed: Allowed,
    among: Bool[np.ndarray, "m"] | None = None,
) -> Plane | None:
    """The plane with an allowed normal that holds most points, of those ``among``; None where it holds too few.

    RANSAC over triples, then least squares twice over what lies in it (plane_fit.py).
    """
    among = np.ones(len(xyz), bool) if among is None else among
    chance = np.random.default_rng(0)
    places = np.flatnonzero(among)
    if len(places) < _LEAST_POINTS:
        return None
    thickness = _THICKNESS * float(np.median(np.linalg.norm(xyz - np.median(centres, axis=0), axis=1)))
    points = xyz[chance.permutation(places)[:_POINTS]]
    triples = points[chance.integers(0, len(points), (_TRIPLES, 3))]
    normals, offsets = planes_through(triples)
    chosen = np.flatnonzero(allowed(normals))[:_COUNTED]
    if not len(chosen):
        return None
    normals, offsets = normals[chosen], offsets[chosen]
    counts = (np.abs(normals @ points.T - offsets[:, None]) <= thickness).sum(axis=1)
    normal, offset = normals[counts.argmax()], float(offsets[counts.argmax()])
    normal, offset, _ = refined_plane(xyz[among], normal, offset, thickness, rounds=2)
    inside = among & (np.abs(xyz @ normal - offset) <= thickness)
    if inside.sum() < max(_LEAST_POINTS, _LEAST_SHARE * len(xyz)) or not allowed(normal[None])[0]:
        return None
    return Plane(normal, offset, inside)
