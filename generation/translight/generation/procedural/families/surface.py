"""A smooth surface through coarse heights on a square grid, for families that simulate before they add detail."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float, Float32, Float64


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Heights at corners of a square about the origin, rows along Y, seen through a cubic B-spline.

    The spline averages, so no slope of it is steeper than the grid's, and it has no edge at a cell's border.
    """

    height_m: Float32[np.ndarray, "n n"]
    half_m: float

    @property
    def cell_m(self) -> float:
        """Between corners."""
        return 2 * self.half_m / (len(self.height_m) - 1)

    def axis(self) -> Float64[np.ndarray, "n"]:
        """Where the corners are, along x and along y."""
        return np.linspace(-self.half_m, self.half_m, len(self.height_m))

    def at(self, x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
        """Heights at points; beyond the border, that of the nearest corner."""
        out = np.empty(len(x))
        _spline(self.height_m, self.half_m, 1.0 / self.cell_m, np.asarray(x, float), np.asarray(y, float), out)
        return out


@numba.njit(cache=True, nogil=True)
def _spline(grid, half, per_m, xs, ys, out):  # type: ignore[no-untyped-def]
    last = len(grid) - 1
    for i in range(len(xs)):
        x = min(max((xs[i] + half) * per_m, 0.0), float(last))
        y = min(max((ys[i] + half) * per_m, 0.0), float(last))
        column, row = int(x), int(y)
        u, v = x - column, y - row
        total = 0.0
        for j in range(4):
            r = min(max(row + j - 1, 0), last)
            line = 0.0
            for k in range(4):
                c = min(max(column + k - 1, 0), last)
                line += _weight(k, u) * grid[r, c]
            total += _weight(j, v) * line
        out[i] = total


@numba.njit(cache=True, nogil=True, inline="always")
def _weight(k: int, t: float) -> float:
    """The uniform cubic B-spline's four weights."""
    if k == 0:
        return (1.0 - t) ** 3 / 6.0
    if k == 1:
        return (3.0 * t**3 - 6.0 * t**2 + 4.0) / 6.0
    if k == 2:
        return (-3.0 * t**3 + 3.0 * t**2 + 3.0 * t + 1.0) / 6.0
    return t**3 / 6.0
