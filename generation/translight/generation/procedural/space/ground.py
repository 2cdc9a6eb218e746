"""A regolith plain around the stage as nested grids, and where rocks lie on it; regolith_kernel.py has its shape."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal, smoothstep, start_of
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.scene import Grid, Land
from translight.generation.procedural.space.regolith_kernel import heights

_HALF_CELLS = 256
_FINEST_M = {1024: 0.10, 2048: 0.06}
"""Cell of the finest grid, by the panorama's height."""
_FINEST_8K_M = 0.035
_GROWTH = 3.2
_FARTHEST_M = 42_000.0
_RELIEF_M = 0.02
"""What remains of relief where actors walk."""


def land(brief: Brief, seed: int, height_px: int, material: int) -> Land:
    """Grids from a hand's breadth to the mountains on the horizon."""
    cell = next((cell for rows, cell in _FINEST_M.items() if height_px <= rows), _FINEST_8K_M)
    grids = []
    while True:
        grids.append(_grid(brief, seed, cell, material))
        if _HALF_CELLS * cell > _FARTHEST_M:
            return Land(tuple(grids))
        cell *= _GROWTH


def height_at(brief: Brief, seed: int, xy: Float64[np.ndarray, "n 2"], cell_m: float) -> Float64[np.ndarray, "n 2"]:
    """Metres over the stage's floor, and how fresh the ground is (0 to 1), in detail down to a cell."""
    xy = np.ascontiguousarray(xy, np.float64)
    # where the grid is coarse only for being far off, detail finer than the eye could part is left out as well
    cell = np.maximum(cell_m, np.hypot(xy[:, 0], xy[:, 1]) * 2e-4)
    points = np.concatenate([np.zeros((1, 2)), xy])
    out = np.empty((len(points), 2))
    heights(points[:, 0], points[:, 1], np.concatenate([cell[:1] * 0 + 0.05, cell]), start_of(seed + 1201), out)
    rough = out[1:, 0] - out[0, 0]
    away = clearance_m(brief, xy)
    free = smoothstep(0.4, 9.0, away)
    small = np.clip(rough, -1.0, 1.0) * _RELIEF_M
    return np.stack([rough * free + small * (1 - free), out[1:, 1] * smoothstep(0.0, 4.0, away)], axis=1)


def _grid(brief: Brief, seed: int, cell: float, material: int) -> Grid:
    side = 2 * _HALF_CELLS + 1
    steps = (np.arange(side) - _HALF_CELLS) * cell
    xy = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    height, fresh = height_at(brief, seed, xy, cell).T
    wide = fractal((xy / 900.0).astype(np.float32), seed + 31, 7)
    fine = fractal((xy / 3.1).astype(np.float32), seed + 32, 4)
    tone = np.clip(1.0 + 0.35 * wide + 0.10 * fine + 0.75 * fresh, 0.5, 2.2)
    warm = 1.0 + 0.03 * wide[:, None] * np.array([1.0, 0.0, -1.0])
    colour = (tone[:, None] * warm).astype(np.float32).reshape(side, side, 3)
    return Grid(
        origin_m=(-_HALF_CELLS * cell, -_HALF_CELLS * cell),
        cell_m=cell,
        height_m=height.astype(np.float32).reshape(side, side),
        colour=colour,
        material=np.full((side, side), material, np.uint16),
    )
