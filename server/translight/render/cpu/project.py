"""Projection: which splats can touch the picture, and the record that blending wants of each (render/projection.py)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, DILATION_PX2
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.prepare import AXES, CHUNK, LOG2_OPACITY
from translight.render.cpu.viewpoint import CX, CY, EYE, FX, FY, HEIGHT, LIMITS, NEAR, SCALE, TRANSLATION, WIDTH
from translight.render.sh import SH_0, SH_1, SH_2, SH_3, SH_OFFSET

RECORD = 16
"""Floats of a splat's record: one cache line."""
P, Q, X, R, Y, LOG2_ALPHA, RED, GREEN, BLUE, DEPTH, REACH_X, REACH_Y = range(12)
"""Of a record: centre in pixels; alpha = 2^(LOG2_ALPHA − (P·dx + Q·dy)² − (R·dy)²); colour; z; extent in pixels."""

_LOG2_E = np.float32(math.log2(math.e))
_LOG2_CUT = np.float32(math.log2(ALPHA_CUT))
_DILATION = np.float32(DILATION_PX2)


@parallel_kernel
def project(geometry: Any, sh: Any, view: Any, records: Any, keys: Any, counts: Any) -> None:
    """Fill ``records`` and ``keys`` (bits of z) of the splats seen: worker w's from its first chunk's place on.

    ``counts[w]`` is how many worker w found. Order within a worker is the scene's.
    """
    workers = len(counts)
    for w in numba.prange(workers):
        first, end = len(geometry) * w // workers, len(geometry) * (w + 1) // workers
        counts[w] = _project_chunks(geometry, sh, view, records, keys, first, end)


@kernel
def _project_chunks(geometry: Any, sh: Any, view: Any, records: Any, keys: Any, first: int, end: int) -> int:
    slot = first * CHUNK
    for c in range(first, end):
        for lane in range(CHUNK):
            if _project_one(geometry[c], sh[c], lane, view, records[slot * RECORD : slot * RECORD + RECORD]):
                keys[slot] = np.float32(records[slot * RECORD + DEPTH]).view(np.uint32)
                slot += 1
    return slot - first * CHUNK


@inlined
def _project_one(g: Any, sh: Any, i: int, v: Any, record: Any) -> bool:
    mx, my, mz = g[0, i], g[1, i], g[2, i]
    s = v[SCALE]
    x = s * (v[0] * mx + v[1] * my + v[2] * mz) + v[TRANSLATION]
    y = s * (v[3] * mx + v[4] * my + v[5] * mz) + v[TRANSLATION + 1]
    z = s * (v[6] * mx + v[7] * my + v[8] * mz) + v[TRANSLATION + 2]
    log2_alpha = g[LOG2_OPACITY, i]
    reach = log2_alpha - _LOG2_CUT
    if not (z >= v[NEAR] and reach >= np.float32(0.0)):
        return False
    inverse_z = np.float32(1.0) / z
    slope_x = min(max(x * inverse_z, v[LIMITS]), v[LIMITS + 1])
    slope_y = min(max(y * inverse_z, v[LIMITS + 2]), v[LIMITS + 3])
    fx, fy = s * v[FX] * inverse_z, s * v[FY] * inverse_z
    a0, a1, a2 = fx * (v[0] - slope_x * v[6]), fx * (v[1] - slope_x * v[7]), fx * (v[2] - slope_x * v[8])
    b0, b1, b2 = fy * (v[3] - slope_y * v[6]), fy * (v[4] - slope_y * v[7]), fy * (v[5] - slope_y * v[8])
    g0 = a0 * g[AXES, i] + a1 * g[AXES + 3, i] + a2 * g[AXES + 6, i]
    g1 = a0 * g[AXES + 1, i] + a1 * g[AXES + 4, i] + a2 * g[AXES + 7, i]
    g2 = a0 * g[AXES + 2, i] + a1 * g[AXES + 5, i] + a2 * g[AXES + 8, i]
    h0 = b0 * g[AXES, i] + b1 * g[AXES + 3, i] + b2 * g[AXES + 6, i]
    h1 = b0 * g[AXES + 1, i] + b1 * g[AXES + 4, i] + b2 * g[AXES + 7, i]
    h2 = b0 * g[AXES + 2, i] + b1 * g[AXES + 5, i] + b2 * g[AXES + 8, i]
    gg, gh, hh = g0 * g0 + g1 * g1 + g2 * g2, g0 * h0 + g1 * h1 + g2 * h2, h0 * h0 + h1 * h1 + h2 * h2
    xx, yy = gg + _DILATION, hh + _DILATION
    # The determinant as a sum of squares (Cauchy-Binet): xx·yy − xy² would cancel for long thin splats.
    m01, m02, m12 = g0 * h1 - g1 * h0, g0 * h2 - g2 * h0, g1 * h2 - g2 * h1
    determinant = m01 * m01 + m02 * m02 + m12 * m12 + _DILATION * (gg + hh + _DILATION)

    centre_x = v[FX] * (x * inverse_z) + v[CX]
    centre_y = v[FY] * (y * inverse_z) + v[CY]
    reach_x = math.sqrt(np.float32(2.0) / _LOG2_E * reach * xx)
    reach_y = math.sqrt(np.float32(2.0) / _LOG2_E * reach * yy)
    half = np.float32(0.5)
    first_x = max(math.ceil(centre_x - reach_x - half), np.float32(0.0))
    end_x = min(math.floor(centre_x + reach_x - half) + np.float32(1.0), v[WIDTH])
    first_y = max(math.ceil(centre_y - reach_y - half), np.float32(0.0))
    end_y = min(math.floor(centre_y + reach_y - half) + np.float32(1.0), v[HEIGHT])
    if not (first_x < end_x and first_y < end_y):
        return False

    p = math.sqrt(half * _LOG2_E * yy / determinant)
    record[X], record[Y] = centre_x, centre_y
    record[P], record[Q], record[R] = p, -p * gh / yy, math.sqrt(half * _LOG2_E / yy)
    record[LOG2_ALPHA] = log2_alpha
    record[DEPTH] = z
    record[REACH_X], record[REACH_Y] = reach_x, reach_y

    dx, dy, dz = mx - v[EYE], my - v[EYE + 1], mz - v[EYE + 2]
    inverse = np.float32(1.0) / math.sqrt(dx * dx + dy * dy + dz * dz)
    _colour(sh, i, dx * inverse, dy * inverse, dz * inverse, record)
    return True


@inlined
def _colour(sh: Any, i: int, x: float, y: float, z: float, record: Any) -> None:
    for c in range(3):
        value = np.float32(SH_OFFSET) + np.float32(SH_0) * sh[c, i]
        if len(sh) > 3:
            one = np.float32(SH_1)
            value += one * (z * sh[6 + c, i] - y * sh[3 + c, i] - x * sh[9 + c, i])
        if len(sh) > 12:
            a, b, d = np.float32(SH_2[0]), np.float32(SH_2[1]), np.float32(SH_2[2])
            value += a * (x * y * sh[12 + c, i] - y * z * sh[15 + c, i] - x * z * sh[21 + c, i])
            value += b * (np.float32(2) * z * z - x * x - y * y) * sh[18 + c, i] + d * (x * x - y * y) * sh[24 + c, i]
        if len(sh) > 27:
            a3, b3, c3 = np.float32(SH_3[0]), np.float32(SH_3[1]), np.float32(SH_3[2])
            d3, e3 = np.float32(SH_3[3]), np.float32(SH_3[4])
            ring = np.float32(4) * z * z - x * x - y * y
            value += a3 * -y * (np.float32(3) * x * x - y * y) * sh[27 + c, i] + b3 * x * y * z * sh[30 + c, i]
            value -= c3 * ring * (y * sh[33 + c, i] + x * sh[39 + c, i])
            value += d3 * z * (np.float32(2) * z * z - np.float32(3) * (x * x + y * y)) * sh[36 + c, i]
            value += e3 * z * (x * x - y * y) * sh[42 + c, i]
            value -= a3 * x * (x * x - np.float32(3) * y * y) * sh[45 + c, i]
        record[RED + c] = max(value, np.float32(0.0))
