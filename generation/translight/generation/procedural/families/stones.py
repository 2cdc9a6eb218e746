"""Loose stones on a family's ground: a few shapes, many copies, half buried; they begin as shapes.py's sphere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.scene import Mesh, Placed
from translight.generation.procedural.shapes import placed, sphere

_SHAPES = 5
_FREE_M = 0.5
"""Beside their own size, between stones and what the brief keeps free."""


def stone(seed: int, material: int, subdivisions: int = 3, facets: int = 9) -> Mesh:
    """A boulder of radius about 1 m: a ball cut by planes, worn by noise."""
    rng = np.random.default_rng(seed)
    ball = sphere(1.0, material, subdivisions=subdivisions)
    points = ball.vertices.astype(np.float64)
    normals = rng.normal(size=(facets, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for normal, depth in zip(normals, rng.uniform(0.62, 0.95, facets), strict=True):
        over = np.maximum(points @ normal - depth, 0.0)
        points -= 0.85 * over[:, None] * normal
    points *= 1.0 + 0.16 * fractal(points * 1.7 + 9.0, seed, 5)[:, None]
    points *= (1.0, rng.uniform(0.7, 1.0), rng.uniform(0.5, 0.85))
    return replace(ball, vertices=points.astype(np.float32))


def scattered_stones(
    brief: Brief,
    seed: int,
    count: int,
    height: Callable[[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"], float], Float64[np.ndarray, "n"]],
    material: int,
    tint: tuple[float, float, float],
    *,
    from_m: float = 2.0,
    reach_m: float = 120.0,
    largest_m: float = 0.6,
    above_m: float = -np.inf,
) -> tuple[Placed, ...]:
    """Stones from pebbles to ``largest_m`` (radius), denser near the eye, in loose groups, on ground above a height."""
    rng = np.random.default_rng(seed)
    distance = from_m * (reach_m / from_m) ** rng.random(count)
    turn = rng.uniform(0, 2 * np.pi, count)
    # groups: stones move towards a third of them
    x, y = distance * np.sin(turn), distance * np.cos(turn)
    to = rng.integers(0, max(1, count // 3), count)
    pull = rng.uniform(0.0, 0.9, count)
    x, y = x + pull * (x[to] - x), y + pull * (y[to] - y)
    radius = np.minimum(largest_m * rng.pareto(2.2, count) * 0.12 + 0.02, largest_m)
    radius *= np.minimum(1.0, 0.3 + np.hypot(x, y) / 25.0)
    z = height(x, y, 0.05)
    kept = (clearance_m(brief, np.stack([x, y], axis=-1)) > _FREE_M + radius) & (z > above_m)
    x, y, z, radius = x[kept], y[kept], z[kept], radius[kept]
    at = np.stack([x, y, z + radius * rng.uniform(-0.1, 0.25, len(x))], axis=-1)
    tints = np.asarray(tint) * rng.uniform(0.7, 1.15, (len(x), 1)) * rng.uniform(0.95, 1.05, (len(x), 3))
    turns = rng.uniform(0, 2 * np.pi, len(x))
    return tuple(
        placed(stone(seed + k, material), at[k::_SHAPES], turns[k::_SHAPES], radius[k::_SHAPES], tints[k::_SHAPES])
        for k in range(min(_SHAPES, len(x)))
    )
