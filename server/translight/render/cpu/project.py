"""Projection: which splats of the groups left by cull.py can touch the picture, and the record of each for blending.

render/projection.py has the mathematics.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, DILATION_PX2
from translight.render.cpu.harmonics import colour, squared_distance
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.memory import get, load, store_records, store_selected
from translight.render.cpu.powers import log2
from translight.render.cpu.prepare import AXES, CHUNK, GEOMETRY_FIELDS, GROUP, LOG2_OPACITY
from translight.render.cpu.simd import (
    LANES,
    bits_of,
    floats,
    greatest_lane,
    ints,
    lane_bits,
    larger,
    least_lane,
    round_down,
    round_up,
    select,
    smaller,
    square_root,
)
from translight.render.cpu.viewpoint import (
    ANTIALIASED,
    BY_DISTANCE,
    CX,
    CY,
    FX,
    FY,
    HEIGHT,
    LIMITS,
    NEAR,
    SCALE,
    TINT,
    TINTED,
    TRANSLATION,
    WIDTH,
)
from translight.render.tint import GAIN, LIFT, SIGN, SLOPE

TILE_PX = 32
RECORD = 16
"""Floats of a splat's record: one cache line."""
P, Q, X, R, Y, LOG2_ALPHA, RED, GREEN, BLUE, DEPTH, REACH_X, REACH_Y = range(12)
"""Of a record: centre in pixels; alpha = 2^(LOG2_ALPHA − (P·dx + Q·dy)² − (R·dy)²); colour; z; extent in pixels."""
GAP = 16
"""Unused places after each worker's records: a vector that is stored in part may overwrite the next ones."""

_LOG2_E = np.float32(math.log2(math.e))
_LOG2_CUT = np.float32(math.log2(ALPHA_CUT))
_DILATION = np.float32(DILATION_PX2)
_MOST = np.int32(2**31 - 1)


def room(chunks: int, workers: int) -> int:
    """How many places records, keys and spans need."""
    return -(-chunks * CHUNK // GROUP) * GROUP + workers * GAP


@parallel_kernel
def project(
    geometry: Any, sh: Any, visible: Any, groups: int, view: Any, clips: Any, base: int, records: Any, keys: Any,
    columns: Any, rows: Any, found: Any,
) -> None:  # fmt: skip
    """Fill in a layer's splats that are seen, from place ``base`` on: ``records``, ``keys`` (the bits of what they are
    ordered by), and the tiles touched (``columns``, ``rows``).

    All arrays but ``found`` (workers 4) are flat; ``geometry`` and ``sh`` are prepare.py's, and of its groups the first
    ``groups`` in ``visible`` are looked at. ``clips`` are clip.py's. A span of tiles is its first plus 65536 times its
    last. ``found`` is, for each worker: the place of its first splat, how many it found, and their least and greatest
    key. Within and across workers the order is the cloud's.
    """
    workers = len(found)
    for w in numba.prange(workers):
        first, end = groups * w // workers, groups * (w + 1) // workers
        begin = base + first * GROUP + w * GAP
        _project_groups(geometry, sh, visible, view, clips, records, keys, columns, rows, first, end, begin, found[w])


@kernel
def _project_groups(
    geometry: Any, sh: Any, visible: Any, view: Any, clips: Any, records: Any, keys: Any, columns: Any, rows: Any,
    first: int, end: int, begin: int, found: Any,
) -> None:  # fmt: skip
    v = view
    s = v[SCALE]
    w00, w01, w02, w10, w11, w12, w20, w21, w22 = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]
    zero, half = np.float32(0.0), np.float32(0.5)
    fields = len(sh) * GEOMETRY_FIELDS // max(len(geometry), 1)
    least, most = ints(_MOST), ints(np.int32(0))
    slot = begin
    parts, last = GROUP // LANES, len(geometry) // (GEOMETRY_FIELDS * LANES)
    for turn in range(first * parts, end * parts):
        part = np.int64(get(visible, turn // parts)) * parts + turn % parts
        if part >= last:
            break
        chunk, lane = part // (CHUNK // LANES), part % (CHUNK // LANES) * LANES
        g = chunk * GEOMETRY_FIELDS * CHUNK + lane
        mx, my, mz = load(geometry, g), load(geometry, g + CHUNK), load(geometry, g + 2 * CHUNK)
        z = s * (w20 * mx + w21 * my + w22 * mz) + v[TRANSLATION + 2]
        log2_alpha = load(geometry, g + LOG2_OPACITY * CHUNK)
        reach = log2_alpha - _LOG2_CUT
        seen = (z >= v[NEAR]) & (reach >= zero)
        if len(clips) > 0:
            seen = seen & _kept(mx, my, mz, clips)
        if lane_bits(seen) == 0:
            continue
        x = s * (w00 * mx + w01 * my + w02 * mz) + v[TRANSLATION]
        y = s * (w10 * mx + w11 * my + w12 * mz) + v[TRANSLATION + 1]
        inverse_z = np.float32(1.0) / z
        slope_x, slope_y = x * inverse_z, y * inverse_z
        centre_x, centre_y = v[FX] * slope_x + v[CX], v[FY] * slope_y + v[CY]
        slope_x = smaller(larger(slope_x, v[LIMITS]), v[LIMITS + 1])
        slope_y = smaller(larger(slope_y, v[LIMITS + 2]), v[LIMITS + 3])

        # Rows of the Jacobian times the rotation, then times the splat's scaled axes: 2×3, whose square is the
        # covariance. That is written out as sums of squares, since long thin splats leave no digits to cancel.
        fx, fy = (s * v[FX]) * inverse_z, (s * v[FY]) * inverse_z
        a0, a1, a2 = fx * (w00 - slope_x * w20), fx * (w01 - slope_x * w21), fx * (w02 - slope_x * w22)
        b0, b1, b2 = fy * (w10 - slope_y * w20), fy * (w11 - slope_y * w21), fy * (w12 - slope_y * w22)
        m = g + AXES * CHUNK
        m0, m1, m2 = load(geometry, m), load(geometry, m + CHUNK), load(geometry, m + 2 * CHUNK)
        g0, g1, g2, h0, h1, h2 = a0 * m0, a0 * m1, a0 * m2, b0 * m0, b0 * m1, b0 * m2
        m0, m1, m2 = load(geometry, m + 3 * CHUNK), load(geometry, m + 4 * CHUNK), load(geometry, m + 5 * CHUNK)
        g0, g1, g2, h0, h1, h2 = g0 + a1 * m0, g1 + a1 * m1, g2 + a1 * m2, h0 + b1 * m0, h1 + b1 * m1, h2 + b1 * m2
        m0, m1, m2 = load(geometry, m + 6 * CHUNK), load(geometry, m + 7 * CHUNK), load(geometry, m + 8 * CHUNK)
        g0, g1, g2, h0, h1, h2 = g0 + a2 * m0, g1 + a2 * m1, g2 + a2 * m2, h0 + b2 * m0, h1 + b2 * m1, h2 + b2 * m2
        xx = g0 * g0 + g1 * g1 + g2 * g2 + _DILATION
        xy = g0 * h0 + g1 * h1 + g2 * h2
        yy = h0 * h0 + h1 * h1 + h2 * h2 + _DILATION
        m01, m02, m12 = g0 * h1 - g1 * h0, g0 * h2 - g2 * h0, g1 * h2 - g2 * h1
        before = m01 * m01 + m02 * m02 + m12 * m12
        determinant = before + _DILATION * (xx + yy - _DILATION)
        if v[ANTIALIASED] > zero:
            kept = half * log2(before / determinant)
            log2_alpha, reach = log2_alpha + kept, reach + kept
            seen = seen & (reach >= zero)

        reach = (np.float32(2.0) / _LOG2_E) * reach
        reach_x, reach_y = square_root(reach * xx), square_root(reach * yy)
        left = larger(round_up(centre_x - reach_x - half), zero)
        right = smaller(round_down(centre_x + reach_x - half), v[WIDTH] - np.float32(1.0))
        top = larger(round_up(centre_y - reach_y - half), zero)
        bottom = smaller(round_down(centre_y + reach_y - half), v[HEIGHT] - np.float32(1.0))
        seen = seen & (left <= right) & (top <= bottom)
        if lane_bits(seen) == 0:
            continue

        inverse_yy = np.float32(1.0) / yy
        p = square_root((half * _LOG2_E) * yy / determinant)
        q = (np.float32(-1.0) * p) * (xy * inverse_yy)
        r = square_root((half * _LOG2_E) * inverse_yy)
        red, green, blue = colour(sh, (chunk * CHUNK) * fields + lane, fields, mx, my, mz, v)
        if v[TINTED] > zero:
            red, green, blue = _tinted(red, v, 0), _tinted(green, v, 1), _tinted(blue, v, 2)
        key = bits_of(z)
        if v[BY_DISTANCE] > zero:
            # In scene axes, where the camera's rotation has no part in it: it gives the same bits however it turns.
            key = bits_of(v[BY_DISTANCE] * squared_distance(mx, my, mz, v))
        least = select(seen & (key < least), key, least)
        most = select(seen & (key > most), key, most)
        store_selected(columns, slot, (ints(left) >> 5) | ((ints(right) >> 5) << 16), seen)
        store_selected(rows, slot, (ints(top) >> 5) | ((ints(bottom) >> 5) << 16), seen)
        store_selected(keys, slot, key, seen)
        slot += store_records(
            records, slot * RECORD, seen, p, q, centre_x, r, centre_y, log2_alpha, red, green, blue, z, reach_x, reach_y
        )
    found[0], found[1] = begin, slot - begin
    found[2], found[3] = least_lane(least), greatest_lane(most)


@inlined
def _kept(x: Any, y: Any, z: Any, clips: Any) -> Any:
    """Which centres meet every condition of clip.py's flat ones."""
    nothing = floats(np.float32(-np.inf))
    met, best = x == x, nothing
    for at in range(0, len(clips), 5):
        n = clips[at] * x + clips[at + 1] * y + clips[at + 2] * z + floats(clips[at + 3])
        best = larger(best, n)
        if clips[at + 4] > np.float32(0.0):
            met, best = met & (best >= np.float32(0.0)), nothing
    return met


@inlined
def _tinted(colour: Any, v: Any, channel: int) -> Any:
    """A channel of a colour after tint.py's curve."""
    at = TINT + channel
    curve = smaller(v[at + SLOPE] * colour, v[at + GAIN] * colour + floats(v[at + LIFT]))
    return v[at + SIGN] * curve
