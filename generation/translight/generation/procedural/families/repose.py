"""Slip faces: what loose sand leaves of a surface that is too steep, for dunes.py.

Sand behind an edge slides until no slope exceeds the angle of repose. What is left lies on or below cones of that angle
which stand on the foot of each edge: the solution of |∇z| = tan(repose) from there, by fast sweeping (Zhao, "A fast
sweeping method for eikonal equations", Math. Comp. 74, 2005) with feet found within cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.families.surface import Surface

SLOPE = float(np.tan(np.radians(33.0)))
"""Of dry dune sand: 32 to 34 degrees are measured (Bagnold 1941; Carrigy 1970)."""
FAR_M = 1e6
"""Height of the faces where no edge is near."""
_DOUBTFUL_SLOPE = 0.25
"""Between corners: there may be an edge. Where there is none, a cone stands on the surface and changes nothing."""
_HALVINGS = 7


def slip_faces(
    sheer: Callable[[np.ndarray, np.ndarray], Float64[np.ndarray, "n"]],
    half_m: float,
    corners: int,
    beyond: Surface | None = None,
) -> Surface:
    """Faces that rise from the foot of every steeper place of ``sheer(x, y)`` within ±half_m; FAR_M without any.

    The smaller of both is the sand that lies. Faces come in from outside too, where ``beyond`` reaches farther.
    """
    axis = np.linspace(-half_m, half_m, corners)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    cell = 2 * half_m / (corners - 1)
    z = sheer(x.ravel(), y.ravel()).reshape(corners, corners)
    foot = np.full(corners * corners, FAR_M)
    along_x = _crossings(sheer, z, x, y, cell, foot, axis=1)
    along_y = _crossings(sheer, z, x, y, cell, foot, axis=0)
    # the distance to a straight line that cuts the axes there
    with np.errstate(divide="ignore"):
        away = 1.0 / np.sqrt(1.0 / along_x**2 + 1.0 / along_y**2)
    near = np.isfinite(away)
    faces = np.full(z.shape, FAR_M, np.float32)
    faces.ravel()[near] = foot[near] + SLOPE * away[near]
    if beyond is not None:
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            faces[edge] = np.minimum(faces[edge], beyond.at(x[edge], y[edge]))
    _sweep(faces, SLOPE * cell)
    return Surface(faces, half_m)


def _crossings(
    sheer: Callable[[np.ndarray, np.ndarray], Float64[np.ndarray, "n"]],
    z: Float64[np.ndarray, "n n"],
    x: Float64[np.ndarray, "n n"],
    y: Float64[np.ndarray, "n n"],
    cell: float,
    foot: Float64[np.ndarray, "m"],
    axis: int,
) -> Float64[np.ndarray, "m"]:
    """Distance along one axis from each corner to an edge beside it; lowers ``foot`` to the height below the edge."""
    away = np.full(z.size, np.inf)
    flat = np.arange(z.size).reshape(z.shape)
    first, second = (flat[:, :-1], flat[:, 1:]) if axis == 1 else (flat[:-1], flat[1:])
    steep = np.abs(z.ravel()[second] - z.ravel()[first]) > _DOUBTFUL_SLOPE * cell
    first, second = first[steep], second[steep]
    swap = z.ravel()[first] > z.ravel()[second]
    low, high = np.where(swap, second, first), np.where(swap, first, second)
    low_at, high_at = np.zeros(len(low)), np.ones(len(low))
    low_z, high_z = z.ravel()[low], z.ravel()[high]
    fx, fy = x.ravel()[low], y.ravel()[low]
    dx, dy = x.ravel()[high] - fx, y.ravel()[high] - fy
    for _ in range(_HALVINGS if len(low) else 0):
        middle = 0.5 * (low_at + high_at)
        value = sheer(fx + middle * dx, fy + middle * dy)
        below = high_z - value > value - low_z
        low_at, low_z = np.where(below, middle, low_at), np.where(below, value, low_z)
        high_at, high_z = np.where(below, high_at, middle), np.where(below, high_z, value)
    for corner, distance in ((low, low_at * cell), (high, (1.0 - low_at) * cell)):
        np.minimum.at(away, corner, np.maximum(distance, 1e-3 * cell))
        np.minimum.at(foot, corner, low_z)
    return away


@numba.njit(cache=True, nogil=True)
def _sweep(t, step):  # type: ignore[no-untyped-def]
    """Two rounds of the four orders, which is enough where characteristics are nearly straight."""
    rows, columns = t.shape
    for order in range(8):
        down, right = order & 1, order & 2
        for i in range(rows):
            r = i if down else rows - 1 - i
            for j in range(columns):
                c = j if right else columns - 1 - j
                a = min(t[r, max(c - 1, 0)], t[r, min(c + 1, columns - 1)])
                b = min(t[max(r - 1, 0), c], t[min(r + 1, rows - 1), c])
                if abs(a - b) >= step:
                    new = min(a, b) + step
                else:
                    new = 0.5 * (a + b + np.sqrt(2.0 * step * step - (a - b) ** 2))
                if new < t[r, c]:
                    t[r, c] = new
