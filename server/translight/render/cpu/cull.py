"""Culling: which groups of splats (prepare.py) can touch a picture at all, told by their bounds alone.

Nothing is left out that projection would see. A splat whose mean is p reaches at most √(2·ln 255) standard deviations,
and its image's along x is √(|a|²·scale² + dilation) with |a| = fx/z·√(1 + slope²), the slope clamped as in
render/projection.py. Times z, and with √(u + v) ≤ √u + √v, "it reaches the left border" becomes a half-space for p,
moved outwards by a multiple of the scale; the other three borders likewise, and the near plane as it is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float32

from translight.render.contract import ALPHA_CUT, DILATION_PX2
from translight.render.cpu.jit import kernel
from translight.render.cpu.memory import load, store_selected
from translight.render.cpu.prepare import CENTRE, CHUNK, GROUP_FIELDS, HALF, SCALE
from translight.render.cpu.simd import LANES, floats, lane_numbers, magnitude
from translight.render.cpu.viewpoint import FX, HEIGHT, LIMITS, ROTATION, TRANSLATION, WIDTH
from translight.render.cpu.viewpoint import SCALE as VIEW_SCALE

PLANES = 5
PLANE = 5
"""Numbers of a plane: its normal in scene axes (3), its offset, and how far a scale of 1 moves it outwards."""

_REACH = math.sqrt(-2.0 * math.log(ALPHA_CUT))
_SLACK = np.float32(1e-5)
"""Of the numbers that are summed: what float32 may round away."""


def planes(row: Float32[np.ndarray, "51"]) -> Float32[np.ndarray, "25"]:
    """The five half-spaces of a view, by viewpoint.py's numbers: left, right, upper and lower border, near plane."""
    v = row.astype(np.float64)
    fx, fy, cx, cy, near = v[FX:LIMITS]
    low_x, high_x, low_y, high_y = v[LIMITS:WIDTH]
    blur = _REACH * math.sqrt(DILATION_PX2) - 0.5
    across = _REACH * fx * math.hypot(1.0, max(-low_x, high_x))
    down = _REACH * fy * math.hypot(1.0, max(-low_y, high_y))
    # Of a point in camera axes, and of a splat's scale in metres.
    right, bottom = v[WIDTH] - cx, v[HEIGHT] - cy
    normals = np.array(
        [[fx, 0, cx + blur], [-fx, 0, right + blur], [0, fy, cy + blur], [0, -fy, bottom + blur], [0, 0, 1]]
    )
    found = np.empty((PLANES, PLANE))
    found[:, :3] = normals @ v[ROTATION:TRANSLATION].reshape(3, 3) * v[VIEW_SCALE]
    found[:, 3] = normals @ v[TRANSLATION:VIEW_SCALE]
    found[4, 3] -= near
    found[:, 4] = v[VIEW_SCALE] * np.array([across, across, down, down, 0.0])
    return found.astype(np.float32).ravel()


@kernel
def cull(groups: Any, planes: Any, visible: Any) -> int:
    """Write the numbers of the groups that may be seen into ``visible``, ascending; returns how many.

    A vector's room beyond the last is overwritten.
    """
    n = 0
    for first in range(0, len(groups) // GROUP_FIELDS, LANES):
        at = first // CHUNK * CHUNK * GROUP_FIELDS + first % CHUNK
        x, y, z = load(groups, at), load(groups, at + CHUNK), load(groups, at + 2 * CHUNK)
        half = at + HALF * CHUNK
        across, along, up = load(groups, half), load(groups, half + CHUNK), load(groups, half + 2 * CHUNK)
        scale = load(groups, at + SCALE * CHUNK)
        # A group of padding has a half size of −∞, and fails every test.
        seen = across >= np.float32(0.0)
        for plane in range(0, PLANES * PLANE, PLANE):
            nx, ny, nz = planes[plane], planes[plane + 1], planes[plane + 2]
            distance = nx * x + ny * y + nz * z + planes[plane + 3]
            size = abs(nx) * across + abs(ny) * along + abs(nz) * up + planes[plane + 4] * scale
            rounding = abs(nx) * magnitude(x) + abs(ny) * magnitude(y) + abs(nz) * magnitude(z)
            rounding = rounding + size + floats(abs(planes[plane + 3]))
            seen = seen & (distance + size + _SLACK * rounding >= np.float32(0.0))
        n += store_selected(visible, n, lane_numbers() + first, seen)
    return n


assert CENTRE == 0, "the first field of a group"
