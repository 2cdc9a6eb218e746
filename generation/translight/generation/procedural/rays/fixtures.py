"""Lamps, packed: their records, who is near which square of the stage, and balls that can be seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int32

from translight.generation.procedural.rays import layout as at
from translight.generation.procedural.scene import Lamps, Placed
from translight.generation.procedural.shapes import sphere

_CELLS = 64
_SMALLEST_CELL_M = 2.0
_AROUND_M = 30.0


def lamp_records(lamps: Lamps) -> Float32[np.ndarray, "n 12"]:
    """A row for each lamp."""
    rows = np.zeros((len(lamps.position_m), at.LAMP_FLOATS), np.float32)
    rows[:, at.L_POSITION : at.L_POSITION + 3] = lamps.position_m
    rows[:, at.L_RADIUS] = lamps.radius_m
    rows[:, at.L_INTENSITY : at.L_INTENSITY + 3] = lamps.intensity
    rows[:, at.L_AXIS : at.L_AXIS + 3] = lamps.axis
    rows[:, at.L_CONE] = lamps.cone_cos
    return rows


def near_lamps(lamps: Lamps) -> tuple[Float64[np.ndarray, "2"], float, tuple[int, int], Int32[np.ndarray, "c k"]]:
    """A grid over all lamps: its corner, cell, rows and columns, and each cell's strongest lamps by I/d²."""
    place = lamps.position_m[:, :2]
    low, high = place.min(axis=0) - _AROUND_M, place.max(axis=0) + _AROUND_M
    cell = max(float((high - low).max()) / _CELLS, _SMALLEST_CELL_M)
    columns, rows = (int(n) for n in np.maximum(np.ceil((high - low) / cell), 1).astype(int))
    j, i = np.divmod(np.arange(rows * columns), columns)
    middle = low + (np.column_stack([i, j]) + 0.5) * cell
    power = lamps.intensity.sum(axis=1)
    found = np.zeros((rows * columns, at.NEAR_LAMPS), np.int32)
    listed = min(at.NEAR_LAMPS, len(power))
    for begin in range(0, len(middle), 256):
        d2 = ((middle[begin : begin + 256, None] - place[None]) ** 2).sum(axis=2) + 4.0 + (0.5 * cell) ** 2
        found[begin : begin + 256, :listed] = np.argsort(-power / d2, axis=1, kind="stable")[:, :listed]
    return low, cell, (rows, columns), found


def balls(lamps: Lamps) -> Placed:
    """What is seen of the lamps: a ball each, whose tint is its radiance."""
    radius = np.maximum(lamps.radius_m, 1e-4)
    matrices = np.zeros((len(radius), 3, 4))
    matrices[:, range(3), range(3)] = radius[:, None]
    matrices[:, :, 3] = lamps.position_m
    return Placed(sphere(1.0, 0), matrices, (lamps.intensity / (np.pi * radius**2)[:, None]).astype(np.float32))
