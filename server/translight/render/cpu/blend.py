"""Blending: each tile's splats, front to back, into the frame (Kerbl et al. 2023, eq. 3)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, ALPHA_MAX, TRANSMITTANCE_STOP
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.project import (
    BLUE,
    DEPTH,
    GREEN,
    LOG2_ALPHA,
    REACH_X,
    REACH_Y,
    RED,
    P,
    Q,
    R,
    X,
    Y,
)
from translight.render.cpu.tiles import TILE_PX

_CUT, _MAX, _STOP = np.float32(ALPHA_CUT), np.float32(ALPHA_MAX), np.float32(TRANSMITTANCE_STOP)
_EXP2 = tuple(np.float32(math.log(2.0) ** i / math.factorial(i)) for i in range(6))


@inlined
def _exp2(x: Any) -> Any:
    """2^x for x within −126 … 0: a Taylor polynomial of degree 5 on ±½, and the exponent's bits."""
    whole = math.floor(x + np.float32(0.5))
    f = x - whole
    value = _EXP2[5]
    for i in range(5):
        value = value * f + _EXP2[4 - i]
    return value * np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)


@parallel_kernel
def blend(records: Any, pairs: Any, starts: Any, rgba: Any, depth: Any, workers: int) -> None:
    """Draw every tile. Worker w takes each ``workers``-th tile."""
    height, width = depth.shape
    columns, rows = -(-width // TILE_PX), -(-height // TILE_PX)
    for w in numba.prange(workers):
        _blend_tiles(records, pairs, starts, rgba, depth, columns, rows, w, workers)


@kernel
def _blend_tiles(
    records: Any, pairs: Any, starts: Any, rgba: Any, depth: Any, columns: int, rows: int, first: int, step: int
) -> None:
    state = np.empty((6, TILE_PX, TILE_PX), np.float32)
    for tile in range(first, columns * rows, step):
        _blend_tile(records, pairs[starts[tile] : starts[tile + 1]], tile % columns, tile // columns, state)
        _store(state, tile % columns * TILE_PX, tile // columns * TILE_PX, rgba, depth)


@kernel
def _blend_tile(records: Any, slots: Any, tx: int, ty: int, state: Any) -> None:
    transmittance, weight, red, green, blue, depth = state[0], state[1], state[2], state[3], state[4], state[5]
    state[:] = np.float32(0.0)
    transmittance[:] = np.float32(1.0)
    half, zero, one = np.float32(0.5), np.float32(0.0), np.float32(1.0)
    for j in range(len(slots)):
        record = records[slots[j]]
        if j & 63 == 63 and transmittance.max() == zero:
            break
        cx, cy = record[X] - np.float32(tx * TILE_PX) - half, record[Y] - np.float32(ty * TILE_PX) - half
        x0, x1 = max(math.ceil(cx - record[REACH_X]), zero), min(math.floor(cx + record[REACH_X]), np.float32(31))
        y0, y1 = max(math.ceil(cy - record[REACH_Y]), zero), min(math.floor(cy + record[REACH_Y]), np.float32(31))
        p, q, r, log2_alpha = record[P], record[Q], record[R], record[LOG2_ALPHA]
        z, cr, cg, cb = record[DEPTH], record[RED], record[GREEN], record[BLUE]
        for y in range(int(y0), int(y1) + 1):
            dy = np.float32(y) - cy
            v = r * dy
            k = log2_alpha - v * v
            for x in range(int(x0), int(x1) + 1):
                u = p * (np.float32(x) - cx) + q * dy
                alpha = min(_exp2(max(k - u * u, np.float32(-100.0))), _MAX)
                t = transmittance[y, x]
                left = t - t * alpha
                cut = alpha < _CUT
                drawn = (not cut) and left > _STOP
                w = t * alpha if drawn else zero
                transmittance[y, x] = left if drawn else (t if cut else zero)
                weight[y, x] += w
                red[y, x] += w * cr
                green[y, x] += w * cg
                blue[y, x] += w * cb
                depth[y, x] += w * z
    transmittance[:] = one - weight


@inlined
def _store(state: Any, x0: int, y0: int, rgba: Any, depth: Any) -> None:
    height, width = depth.shape
    for y in range(min(TILE_PX, height - y0)):
        for x in range(min(TILE_PX, width - x0)):
            weight = state[1, y, x]
            rgba[y0 + y, x0 + x, 0] = state[2, y, x]
            rgba[y0 + y, x0 + x, 1] = state[3, y, x]
            rgba[y0 + y, x0 + x, 2] = state[4, y, x]
            rgba[y0 + y, x0 + x, 3] = weight
            depth[y0 + y, x0 + x] = state[5, y, x] / weight if weight > np.float32(0.0) else np.float32(np.inf)
