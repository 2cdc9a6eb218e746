"""Rocks of the regolith: a few shapes, broken and worn, thrown about in sizes as impacts throw them; ground.py."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import sphere
from translight.generation.procedural.space.ground import height_at

_KINDS = 7
_SMALLEST_M, _LARGEST_M, _SLOPE = 0.05, 3.2, 2.2
"""Radii, and by which power the number of those that are larger falls (Golombek and Rapp 1997 find 2 to 3)."""
_NEAREST_M, _FARTHEST_M = 3.0, 420.0
_FREE_M = 0.35
_COUNTS = {1024: 2200, 2048: 3600}
_COUNT_8K = 5200


def rocks(brief: Brief, seed: int, height_px: int, material: int) -> tuple[Placed, ...]:
    """All rocks, those of one shape together."""
    rng = np.random.default_rng([seed, 11])
    count = next((count for rows, count in _COUNTS.items() if height_px <= rows), _COUNT_8K)
    share = rng.uniform(size=count)
    radius = (_SMALLEST_M**-_SLOPE + share * (_LARGEST_M**-_SLOPE - _SMALLEST_M**-_SLOPE)) ** (-1 / _SLOPE)
    # nearer ones may be smaller: what is a pebble there is nothing out here
    far = _NEAREST_M * (_FARTHEST_M / _NEAREST_M) ** (rng.uniform(size=count) ** 0.8)
    radius = np.minimum(np.maximum(radius, 0.0022 * far), _LARGEST_M)
    azimuth = rng.uniform(-np.pi, np.pi, count)
    xy = far[:, None] * np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1)
    # they lie in fields, not evenly
    fields = fractal((xy / 38.0).astype(np.float32), seed + 55, 3)
    kept = (fields + rng.uniform(-0.35, 0.35, count) > -0.05) & (clearance_m(brief, xy) > _FREE_M + 1.3 * radius)
    xy, radius = xy[kept], radius[kept]
    ground = height_at(brief, seed, xy, 0.1)[:, 0]
    kind = rng.integers(0, _KINDS, len(xy))
    tint = (0.8 + 0.5 * rng.uniform(size=(len(xy), 1))) * (1 + rng.uniform(-0.02, 0.02, (len(xy), 3)))
    poses = _poses(rng, xy, ground, radius)
    finer = 4 if height_px <= 1024 else 5
    return tuple(
        Placed(_rock(seed + 100 * k, finer, material), poses[kind == k], tint[kind == k].astype(np.float32))
        for k in range(_KINDS)
        if (kind == k).any()
    )


def _rock(seed: int, subdivisions: int, material: int) -> Mesh:
    """About a unit in radius: a ball cut by planes, then worn and pitted."""
    ball = sphere(1.0, material, subdivisions=subdivisions)
    out = np.asarray(ball.vertices, np.float64)
    rng = np.random.default_rng([seed, 12])
    normal = rng.normal(size=(15, 3))
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    reach = rng.uniform(0.62, 0.95, 15) / np.maximum(out @ normal.T, 1e-3)
    reach[(out @ normal.T) <= 1e-3] = np.inf
    # a soft minimum rounds the edges between the cuts
    length = -np.log(np.exp(-14.0 * np.minimum(reach, 1.4)).sum(axis=1) + np.exp(-14.0)) / 14.0
    points = out * length[:, None]
    lumps = fractal((out * 1.7 + seed % 97).astype(np.float32), seed, 6, gain=0.52)
    cracks = np.abs(fractal((out * 2.6).astype(np.float32), seed + 1, 4))
    points *= (1.0 + 0.14 * lumps - 0.16 * np.maximum(0.12 - cracks, 0.0) / 0.12)[:, None]
    points *= rng.uniform([0.85, 0.85, 0.6], [1.2, 1.2, 0.9])
    return Mesh(points.astype(np.float32), ball.triangles, ball.colour, ball.material, smooth=True)


def _poses(
    rng: np.random.Generator,
    xy: Float64[np.ndarray, "n 2"],
    ground: Float64[np.ndarray, "n"],
    radius: Float64[np.ndarray, "n"],
) -> Float64[np.ndarray, "n 3 4"]:
    """Turned about the vertical, leaned a little, and sunk into the dust by a part of their height."""
    n = len(xy)
    turn, lean = rng.uniform(-np.pi, np.pi, n), rng.normal(0.0, 0.25, n)
    c, s, cl, sl, zero, one = np.cos(turn), np.sin(turn), np.cos(lean), np.sin(lean), np.zeros(n), np.ones(n)
    about = np.stack([c, -s, zero, s, c, zero, zero, zero, one], axis=1).reshape(n, 3, 3)
    leant = np.stack([one, zero, zero, zero, cl, -sl, zero, sl, cl], axis=1).reshape(n, 3, 3)
    sunk = rng.uniform(0.05, 0.45, n) * radius
    at = np.column_stack([xy, ground + sunk * 0.4])
    return np.concatenate([about @ leant * radius[:, None, None], at[..., None]], axis=2)
