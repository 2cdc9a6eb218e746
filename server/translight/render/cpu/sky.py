"""The sky behind the splats, added to a blended frame by its transmittance (render/sky.py says what a pixel sees)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from jaxtyping import Float32

from translight.render.contract import Scene
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.memory import add_bilinear, get, store
from translight.render.cpu.simd import (
    LANES,
    floats,
    ints,
    lane_numbers,
    larger,
    magnitude,
    round_down,
    select,
    smaller,
    square_root,
)
from translight.render.cpu.viewpoint import CX, CY, FX, FY, STAGE_ROTATION
from translight.render.tint import tint_curve

CORNERS = 4
"""Integers of a pixel's scratch: where its four texels begin."""
FRACTIONS = 2
"""Floats of a pixel's scratch: how far it lies between them, across and down."""

OPAQUE = np.float32(1.0 - 2e-5)
"""Coverage that hides the sky: what is left of one 20 times as bright as white is under 0.1/255."""
_PI, _HALF_PI = np.float32(math.pi), np.float32(math.pi / 2)
_ATAN = tuple(np.float32(c) for c in (0.99997723, -0.33262283, 0.19354038, -0.11642648, 0.052647348, -0.011719134))
"""Of arctan x / x in x², with the least absolute error of arctan over 0 … 1 (1.7e-6)."""


def sky_tint(scene: Scene) -> Float32[np.ndarray, "16"]:
    """The curve of a scene's sky tint as ``add_sky`` takes it: sign, slope, gain and lift, each with a fourth of 0."""
    curve = np.zeros((4, 4), np.float32)
    curve[:, :3] = tint_curve(scene.sky_tint, scene.encoding).reshape(4, 3)
    return curve.ravel()


@parallel_kernel
def add_sky(
    sky: Any, width: int, height: int, view: Any, tint: Any, rgba: Any, columns: int, floats_: Any, ints_: Any
) -> None:
    """Add transmittance · sky to every pixel's RGB.

    ``sky`` (h w 4), its fourth channel 0, and ``rgba`` are flat; ``columns`` is the frame's width. ``tint`` is
    ``sky_tint``'s. ``floats_`` and ``ints_`` hold a row of scratch for each worker, ``FRACTIONS`` and ``CORNERS`` a
    lane.
    """
    workers = len(floats_)
    for w in numba.prange(workers):
        for row in range(w, len(rgba) // (4 * columns), workers):
            _add_row(sky, width, height, view, tint, row, rgba, columns, floats_[w], ints_[w])


@kernel
def _add_row(
    sky: Any, width: int, height: int, v: Any, tint: Any, row: int, rgba: Any, columns: int, fractions: Any,
    corners: Any,
) -> None:  # fmt: skip
    down = (np.float32(row) + np.float32(0.5) - v[CY]) / v[FY]
    r = STAGE_ROTATION
    for first in range(0, columns, LANES):
        at, count = (row * columns + first) * 4, min(LANES, columns - first)
        seen = False
        for lane in range(count):
            seen |= get(rgba, at + 4 * lane + 3) < OPAQUE
        if not seen:
            continue
        across = (floats(lane_numbers() + first) + (np.float32(0.5) - v[CX])) * (np.float32(1.0) / v[FX])
        x = v[r] * across + floats(v[r + 1] * down + v[r + 2])
        y = v[r + 3] * across + floats(v[r + 4] * down + v[r + 5])
        z = v[r + 6] * across + floats(v[r + 7] * down + v[r + 8])
        _place(x, y, z, width, height, fractions, corners)
        for lane in range(count):
            transmittance = np.float32(1.0) - get(rgba, at + 4 * lane + 3)
            add_bilinear(
                rgba, at + 4 * lane, transmittance, sky, get(corners, lane), get(corners, LANES + lane),
                get(corners, 2 * LANES + lane), get(corners, 3 * LANES + lane), get(fractions, lane),
                get(fractions, LANES + lane), tint,
            )  # fmt: skip


@inlined
def _place(x: Any, y: Any, z: Any, width: int, height: int, fractions: Any, corners: Any) -> None:
    """The texels around stage directions, and where between them the directions fall."""
    turn, half = np.float32(0.5 / math.pi), np.float32(0.5)
    u = (_arctangent(x, y) * turn + half) * np.float32(width) - half
    v = (_arctangent(z, square_root(x * x + y * y)) * np.float32(-1.0 / math.pi) + half) * np.float32(height) - half
    v = smaller(larger(v, np.float32(0.0)), np.float32(height - 1))
    left, top = round_down(u), round_down(v)
    store(fractions, 0, u - left)
    store(fractions, LANES, v - top)
    x0, y0 = ints(left), ints(top)
    x0 = select(x0 < 0, x0 + width, x0)
    x1, y1 = x0 + 1, y0 + 1
    x1, y1 = select(x1 >= width, x1 - width, x1), select(y1 >= height, y0, y1)
    store(corners, 0, (y0 * width + x0) << 2)
    store(corners, LANES, (y0 * width + x1) << 2)
    store(corners, 2 * LANES, (y1 * width + x0) << 2)
    store(corners, 3 * LANES, (y1 * width + x1) << 2)


@inlined
def _arctangent(y: Any, x: Any) -> Any:
    """atan2(y, x) within 2e-6, and 0 for two zeros: of the smaller over the larger, then mirrored into its octant."""
    wide, high = magnitude(x), magnitude(y)
    ratio = smaller(wide, high) / larger(larger(wide, high), np.float32(1e-30))
    square = ratio * ratio
    angle = ((_ATAN[5] * square + _ATAN[4]) * square + _ATAN[3]) * square + _ATAN[2]
    angle = ((angle * square + _ATAN[1]) * square + _ATAN[0]) * ratio
    angle = select(high > wide, _HALF_PI - angle, angle)
    angle = select(x < np.float32(0.0), _PI - angle, angle)
    return select(y < np.float32(0.0), np.float32(-1.0) * angle, angle)
