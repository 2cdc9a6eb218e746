"""Where plants stand: points no nearer to one another than each wants (Poisson-disc by thinning), and their matrices.

Thinning darts in order is Matérn's hard-core process of type III; here every point has a radius of its own.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.spatial import cKDTree

from translight.generation.procedural.scene import Mesh, Placed


def darts(
    inner_m: float, outer_m: float, per_m2: float, rng: np.random.Generator, falloff: float = 0.0
) -> Float64[np.ndarray, "n 2"]:
    """Points of a ring about the origin, ``per_m2`` at its inner edge and thinner as (inner/r)^falloff further out."""
    count = rng.poisson(per_m2 * np.pi * (outer_m**2 - inner_m**2))
    radius = np.sqrt(rng.uniform(inner_m**2, outer_m**2, count))
    azimuth = rng.uniform(0, 2 * np.pi, count)
    kept = rng.random(count) < (max(inner_m, 1e-3) / np.maximum(radius, 1e-3)) ** falloff if falloff else slice(None)
    return np.column_stack([radius * np.sin(azimuth), radius * np.cos(azimuth)])[kept]


def thinned(points: Float[np.ndarray, "n 2"], radius_m: Float[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Which points stay when each, in order, goes if it is nearer to an earlier one that stays than either's radius."""
    kept = np.ones(len(points), bool)
    if len(points) < 2:
        return kept
    pairs = cKDTree(points).query_pairs(float(radius_m.max()), output_type="ndarray")
    first, second = pairs.min(axis=1), pairs.max(axis=1)
    gap = np.linalg.norm(points[first] - points[second], axis=1)
    close = gap < np.maximum(radius_m[first], radius_m[second])
    first, second = first[close], second[close]
    order = np.argsort(second, kind="stable")
    # pairs sorted by the later point: when a point is judged, all before it have been
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if kept[a]:
            kept[b] = False
    return kept


def stand(
    mesh: Mesh,
    foot_m: Float[np.ndarray, "n 3"],
    turn_rad: Float[np.ndarray, "n"],
    scale: Float[np.ndarray, "n"],
    lean: Float[np.ndarray, "n 2"],
    tint: Float[np.ndarray, "n 3"],
) -> Placed:
    """Copies of an upright mesh: turned about Z, scaled, sheared by ``lean`` (metres aside for a metre up)."""
    n = len(foot_m)
    size = np.asarray(scale, np.float64)
    matrix = np.zeros((n, 3, 4))
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1] = c, -s, s, c
    matrix[:, :2, 2] = lean
    matrix[:, 2, 2] = 1.0
    matrix[:, :, :3] *= size[:, None, None]
    matrix[:, :, 3] = foot_m
    return Placed(mesh, matrix, np.ascontiguousarray(tint, np.float32))


def tints(n: int, spread: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Factors on colour: brightness, and a smaller shift between blue-green and yellow-green."""
    value = np.clip(1 + spread * rng.normal(size=n), 0.55, 1.5)[:, None]
    warm = np.clip(0.5 * spread * rng.normal(size=n), -0.3, 0.3)
    return value * np.stack([1 + warm, np.ones(n), 1 - 0.7 * warm], axis=-1)
