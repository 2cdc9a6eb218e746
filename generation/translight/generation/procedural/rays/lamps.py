"""Light from lamps: one of those listed for the place is picked by what it may give, and its shadow is traced."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import (
    L_AXIS,
    L_CONE,
    L_INTENSITY,
    L_POSITION,
    L_RADIUS,
    LAMP_F,
    LAMP_FLOATS,
    LAMPS,
    NEAR_CELL,
    NEAR_COLUMNS,
    NEAR_LAMPS,
    NEAR_LAMPS_I,
    NEAR_ROWS,
    NEAR_X,
    NEAR_Y,
)
from translight.generation.procedural.rays.light import frame

_PI = np.pi


@inlined
def _strength(
    F: Any, w: int, x: float, y: float, z: float, nx: float, ny: float, nz: float
) -> Any:  # fmt: skip
    """Cosine times cone over squared distance, and the way to the lamp."""
    lx, ly, lz = get(F, w + L_POSITION) - x, get(F, w + L_POSITION + 1) - y, get(F, w + L_POSITION + 2) - z
    d2 = max(lx * lx + ly * ly + lz * lz, 1e-6)
    d = np.sqrt(d2)
    nl = (nx * lx + ny * ly + nz * lz) / d
    if nl <= 0.0:
        return 0.0, d, lx, ly, lz
    cone = get(F, w + L_CONE)
    shine = 1.0
    if cone > -1.0:
        along = -(get(F, w + L_AXIS) * lx + get(F, w + L_AXIS + 1) * ly + get(F, w + L_AXIS + 2) * lz) / d
        shine = min(max((along - cone) / (0.2 * (1.0 - cone) + 1e-6), 0.0), 1.0)
        shine = shine * shine * (3.0 - 2.0 * shine)
    return nl * shine / d2, d, lx, ly, lz


@part
def lamp_light(
    F: Any, N: Any, a: float, b: float, x: float, y: float, z: float, nx: float, ny: float, nz: float
) -> Any:  # fmt: skip
    """Chance's lamp (or −1), what the surface receives unshadowed, over π, and the way there, with its length."""
    stays_apart()
    cell = get(F, NEAR_CELL)
    i = min(max(int((x - get(F, NEAR_X)) / cell), 0), get(N, NEAR_COLUMNS) - 1)
    j = min(max(int((y - get(F, NEAR_Y)) / cell), 0), get(N, NEAR_ROWS) - 1)
    listed = get(N, NEAR_LAMPS_I) + (j * get(N, NEAR_COLUMNS) + i) * NEAR_LAMPS
    total, picked, own = 0.0, -1, 0.0
    for n in range(min(get(N, LAMPS), NEAR_LAMPS)):
        lamp = get(N, listed + n)
        w = get(N, LAMP_F) + lamp * LAMP_FLOATS
        s, _, _, _, _ = _strength(F, w, x, y, z, nx, ny, nz)
        s *= get(F, w + L_INTENSITY) + get(F, w + L_INTENSITY + 1) + get(F, w + L_INTENSITY + 2)
        if s <= 0.0:
            continue
        total += s
        p = s / total
        # One number in [0, 1) serves all choices: what is left of it is as even as before.
        if a < p:
            picked, own, a = lamp, s, a / p
        else:
            a = (a - p) / (1.0 - p)
    if picked < 0:
        return picked, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    w = get(N, LAMP_F) + picked * LAMP_FLOATS
    s, d, lx, ly, lz = _strength(F, w, x, y, z, nx, ny, nz)
    k = s * total / own / _PI
    radius = get(F, w + L_RADIUS)
    # To a point of the ball's disc, for soft shadows; not into the ball itself.
    tx, ty, tz, bx, by, bz = frame(lx / d, ly / d, lz / d)
    r, phi = radius * np.sqrt(a), 2.0 * _PI * b
    u, v = r * np.cos(phi), r * np.sin(phi)
    lx, ly, lz = lx + u * tx + v * bx, ly + u * ty + v * by, lz + u * tz + v * bz
    d = np.sqrt(lx * lx + ly * ly + lz * lz)
    return (
        picked,
        k * get(F, w + L_INTENSITY),
        k * get(F, w + L_INTENSITY + 1),
        k * get(F, w + L_INTENSITY + 2),
        lx / d,
        ly / d,
        lz / d,
        max(d - 1.05 * radius, 0.0),
    )
