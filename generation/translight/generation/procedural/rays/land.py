"""Rays against the land: nested height grids, walked through maxima over ever larger squares.

Within a cell the ground is the bilinear patch of its corners, which a ray meets at a quadratic's root, so there are no
steps to miss anything. The skipping is that of Tevs, Ihrke and Seidel, "Maximum mipmaps for fast, accurate, and
scalable dynamic height field rendering" (2008). Only what comes from above hits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import (
    G_COLUMNS,
    G_FLOATS,
    G_HEIGHT_F,
    G_LEVEL_COLUMNS,
    G_LEVEL_F,
    G_LEVEL_ROWS,
    G_LEVELS,
    GCELL,
    GRID_I,
    GRID_INTS,
    GRIDS,
    GTOP,
    GX0,
    GX1,
    GY0,
    GY1,
)

_NUDGE = 1e-6
"""How far, in cells, a ray steps over a border; what lies in the gap is found below ground right after it."""


@inlined
def _span(F: Any, at: int, ox: float, oy: float, dx: float, dy: float, near: float, far: float) -> Any:
    """Where a ray is over a grid."""
    if dx != 0.0:
        a, b = (get(F, at + GX0) - ox) / dx, (get(F, at + GX1) - ox) / dx
        near, far = max(near, min(a, b)), min(far, max(a, b))
    elif ox < get(F, at + GX0) or ox > get(F, at + GX1):
        far = -1.0
    if dy != 0.0:
        a, b = (get(F, at + GY0) - oy) / dy, (get(F, at + GY1) - oy) / dy
        near, far = max(near, min(a, b)), min(far, max(a, b))
    elif oy < get(F, at + GY0) or oy > get(F, at + GY1):
        far = -1.0
    return near, far


@part
def land_hit(
    F: Any, N: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float
) -> Any:  # fmt: skip
    """The distance to the first hit within (0, far), or infinity, and its grid."""
    stays_apart()
    count = get(N, GRIDS)
    for k in range(count - 1, -1, -1):
        at = get(N, get(N, GRID_I) + k * GRID_INTS + G_FLOATS)
        a, b = _span(F, at, ox, oy, dx, dy, 0.0, far)
        if a >= b:
            break
        if k > 0:
            inner = get(N, get(N, GRID_I) + (k - 1) * GRID_INTS + G_FLOATS)
            c, d = _span(F, inner, ox, oy, dx, dy, a, b)
            if c < d:
                b = c
        if a < b:
            t = _walk(F, N, k, ox, oy, oz, dx, dy, dz, a, b, a <= 0.0)
            if t < np.inf:
                return t, k
    for k in range(1, count):
        inner = get(N, get(N, GRID_I) + (k - 1) * GRID_INTS + G_FLOATS)
        c, d = _span(F, inner, ox, oy, dx, dy, 0.0, far)
        if c >= d:
            continue
        at = get(N, get(N, GRID_I) + k * GRID_INTS + G_FLOATS)
        a, b = _span(F, at, ox, oy, dx, dy, 0.0, far)
        if d < b:
            t = _walk(F, N, k, ox, oy, oz, dx, dy, dz, d, b, d < 0.0)
            if t < np.inf:
                return t, k
    return np.inf, -1


@part
def _walk(
    F: Any, N: Any, k: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, near: float, far: float,
    start: bool,
) -> float:  # fmt: skip
    stays_apart()
    record = get(N, GRID_I) + k * GRID_INTS
    at = get(N, record + G_FLOATS)
    top = get(F, at + GTOP)
    if dz < 0.0:
        over = (top - oz) / dz
        if over > near:
            near, start = over, False
    elif oz + dz * near > top:
        return np.inf
    elif dz > 0.0:
        far = min(far, (top - oz) / dz)
    per_m = 1.0 / get(F, at + GCELL)
    u0, du = (ox - get(F, at + GX0)) * per_m, dx * per_m
    v0, dv = (oy - get(F, at + GY0)) * per_m, dy * per_m
    quickest = max(abs(du), abs(dv))
    nudge = _NUDGE / quickest if quickest > 0.0 else np.inf
    heights, columns, highest = get(N, record + G_HEIGHT_F), get(N, record + G_COLUMNS), get(N, record + G_LEVELS) - 1
    level = min(3, highest)
    t = near
    while t < far:
        size = 1 << level
        wide, high = get(N, record + G_LEVEL_COLUMNS + level), get(N, record + G_LEVEL_ROWS + level)
        u, v = u0 + du * t, v0 + dv * t
        i = min(max(int(u) >> level, 0), wide - 1)
        j = min(max(int(v) >> level, 0), high - 1)
        out = far
        if du > 0.0:
            out = min(out, ((i + 1) * size - u0) / du)
        elif du < 0.0:
            out = min(out, (i * size - u0) / du)
        if dv > 0.0:
            out = min(out, ((j + 1) * size - v0) / dv)
        elif dv < 0.0:
            out = min(out, (j * size - v0) / dv)
        out = max(out, t)
        lowest = oz + dz * (t if dz > 0.0 else out)
        if lowest > get(F, get(N, record + G_LEVEL_F + level) + j * wide + i):
            t = out + nudge
            start = False
            if level < highest:
                level += 1
        elif level > 0:
            level -= 1
        else:
            corner = heights + j * columns + i
            h = get(F, corner)
            right, up = get(F, corner + 1) - h, get(F, corner + columns) - h
            twist = get(F, corner + columns + 1) - h - right - up
            p, q = u - i, v - j
            c = oz + dz * t - (h + right * p + up * q + twist * p * q)
            b = dz - (right * du + up * dv + twist * (p * dv + q * du))
            a = -twist * du * dv
            if c <= 0.0 and not start:
                return t
            step = _falling_root(a, b, c)
            if step <= out - t:
                return t + step
            t = out + nudge
            start = False
    return np.inf


@inlined
def _falling_root(a: float, b: float, c: float) -> float:
    """The least s > 0 where a·s² + b·s + c falls through 0; infinity where there is none."""
    if abs(a) < 1e-14:
        if b < 0.0 and c > 0.0:
            return -c / b
        return np.inf
    root = b * b - 4.0 * a * c
    if root < 0.0:
        return np.inf
    # The falling root is (−b − √…) / 2a for either sign of a.
    wide = np.sqrt(root)
    s = (-b - wide) / (2.0 * a) if b > 0.0 else 2.0 * c / (-b + wide)
    return s if s > 0.0 else np.inf


@part
def ground(F: Any, N: Any, k: int, x: float, y: float) -> Any:
    """Height and slopes (z, dz/dx, dz/dy) of a grid; slopes are smoothed over neighbouring cells, for shading."""
    stays_apart()
    record = get(N, GRID_I) + k * GRID_INTS
    at = get(N, record + G_FLOATS)
    cell = get(F, at + GCELL)
    heights, columns = get(N, record + G_HEIGHT_F), get(N, record + G_COLUMNS)
    rows = get(N, record)
    u, v = (x - get(F, at + GX0)) / cell, (y - get(F, at + GY0)) / cell
    i, j = min(max(int(u), 0), columns - 2), min(max(int(v), 0), rows - 2)
    p, q = min(max(u - i, 0.0), 1.0), min(max(v - j, 0.0), 1.0)
    z = sx = sy = 0.0
    for n in range(4):
        a, b = i + (n & 1), j + (n >> 1)
        weight = (p if n & 1 else 1.0 - p) * (q if n >> 1 else 1.0 - q)
        left, right = max(a - 1, 0), min(a + 1, columns - 1)
        below, above = max(b - 1, 0), min(b + 1, rows - 1)
        z += weight * get(F, heights + b * columns + a)
        sx += (
            weight
            * (get(F, heights + b * columns + right) - get(F, heights + b * columns + left))
            / ((right - left) * cell)
        )
        sy += (
            weight
            * (get(F, heights + above * columns + a) - get(F, heights + below * columns + a))
            / ((above - below) * cell)
        )
    return z, sx, sy
