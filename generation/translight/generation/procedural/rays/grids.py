"""The land's grids, packed: borders joined, and maxima over ever larger squares for land.py to skip by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64

from translight.generation.procedural.rays import layout as at
from translight.generation.procedural.scene import Grid

_Add = Callable[[np.ndarray], int]


def packed_grids(grids: tuple[Grid, ...], add_floats: _Add, add_integers: _Add) -> int:
    """Add all grids, finest first; returns the offset of their records."""
    records = np.zeros((len(grids), at.GRID_INTS), np.int64)
    for k, grid in enumerate(grids):
        height = _joined(grid, grids[k + 1]) if k + 1 < len(grids) else np.asarray(grid.height_m, np.float32)
        rows, columns = height.shape
        if rows < 2 or columns < 2:
            raise ValueError(f"a grid of land has at least 2x2 corners, got {rows}x{columns}")
        record = records[k]
        record[at.G_ROWS], record[at.G_COLUMNS] = rows, columns
        record[at.G_HEIGHT_F], record[at.G_COLOUR_F] = add_floats(height), add_floats(grid.colour)
        record[at.G_MATERIAL_I] = add_integers(grid.material)
        levels = _maxima(height)
        record[at.G_LEVELS] = len(levels)
        for n, level in enumerate(levels):
            record[at.G_LEVEL_F + n] = add_floats(level)
            record[at.G_LEVEL_ROWS + n], record[at.G_LEVEL_COLUMNS + n] = level.shape
        x, y = grid.origin_m
        far = x + grid.cell_m * (columns - 1), y + grid.cell_m * (rows - 1)
        record[at.G_FLOATS] = add_floats(np.array([x, y, grid.cell_m, *far, float(height.max())]))
    return add_integers(records)


def _maxima(height: Float32[np.ndarray, "n m"]) -> list[Float32[np.ndarray, "a b"]]:
    """The highest corner of each cell, of each 2x2 cells, and so on, to a single one or layout's limit."""
    lower = np.maximum(height[:-1, :-1], height[:-1, 1:])
    levels = [np.maximum(lower, np.maximum(height[1:, :-1], height[1:, 1:]))]
    while max(levels[-1].shape) > 1 and len(levels) < at.MAX_LEVELS:
        last = levels[-1]
        last = np.pad(last, ((0, last.shape[0] % 2), (0, last.shape[1] % 2)), mode="edge")
        levels.append(np.maximum.reduce([last[::2, ::2], last[1::2, ::2], last[::2, 1::2], last[1::2, 1::2]]))
    return levels


def _joined(grid: Grid, outer: Grid) -> Float32[np.ndarray, "n m"]:
    """A grid's heights, led over to the next grid's within its outermost sixteenth, so that no crack opens."""
    rows, columns = grid.height_m.shape
    band = max(min(rows, columns) // 16, 1)
    j, i = np.arange(rows), np.arange(columns)
    inward = np.minimum(np.minimum(j, rows - 1 - j)[:, None], np.minimum(i, columns - 1 - i)[None, :])
    own = np.clip(inward / band, 0.0, 1.0)
    own = own * own * (3.0 - 2.0 * own)
    x, y = grid.origin_m[0] + grid.cell_m * i, grid.origin_m[1] + grid.cell_m * j
    u, v = (x - outer.origin_m[0]) / outer.cell_m, (y - outer.origin_m[1]) / outer.cell_m
    if (
        u[0] < -1e-3
        or v[0] < -1e-3
        or u[-1] > outer.height_m.shape[1] - 0.999
        or v[-1] > outer.height_m.shape[0] - 0.999
    ):
        raise ValueError("each grid of land lies within the next")
    return (own * grid.height_m + (1.0 - own) * _bilinear(outer.height_m, u, v)).astype(np.float32)


def _bilinear(
    height: Float32[np.ndarray, "n m"], u: Float64[np.ndarray, "a"], v: Float64[np.ndarray, "b"]
) -> Float64[np.ndarray, "b a"]:
    i = np.clip(u.astype(np.int64), 0, height.shape[1] - 2)
    j = np.clip(v.astype(np.int64), 0, height.shape[0] - 2)
    p, q = u - i, (v - j)[:, None]
    lower = height[np.ix_(j, i)] * (1 - p) + height[np.ix_(j, i + 1)] * p
    upper = height[np.ix_(j + 1, i)] * (1 - p) + height[np.ix_(j + 1, i + 1)] * p
    return lower * (1 - q) + upper * q
