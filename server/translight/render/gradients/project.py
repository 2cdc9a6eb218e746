"""Projection of a cloud as a trainer holds it: as cpu/project.py, but straight from the cloud's own arrays.

A trainer's arrays change with every picture, so laying them out first, as cpu/prepare.py does, would cost more than it
saves. Here each vector gathers its splats' rows; those of the harmonics only for splats that are seen.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, DILATION_PX2
from translight.render.cpu.harmonics import colour
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.memory import fetch_early, get, put, store, store_records, store_selected
from translight.render.cpu.powers import log2
from translight.render.cpu.prepare import CHUNK
from translight.render.cpu.project import BLUE, GAP, GREEN, RECORD, RED
from translight.render.cpu.simd import (
    LANES,
    bits_of,
    floats,
    greatest_lane,
    ints,
    lane_bits,
    lane_numbers,
    larger,
    least_lane,
    magnitude,
    round_down,
    round_up,
    select,
    smaller,
    square_root,
)
from translight.render.cpu.viewpoint import CX, CY, EYE, FX, FY, HEIGHT, LIMITS, NEAR, ROTATION, WIDTH
from translight.render.gradients.rows import gather, gather_block

COEFFICIENTS = 48
"""Harmonics' coefficients of a splat at most, three colours together."""
AHEAD = 2 * LANES
"""Splats seen between asking for a row and using it."""
INTS_A_WORKER = 2 * LANES
FLOATS_A_WORKER = (COEFFICIENTS + 3) * CHUNK
"""Scratch of a worker."""

_LOG2_E = np.float32(math.log2(math.e))
_LOG2_CUT = np.float32(math.log2(ALPHA_CUT))
_CUT = np.float32(ALPHA_CUT)
_DILATION = np.float32(DILATION_PX2)
_MOST = np.int32(2**31 - 1)
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_LEAST_NORM = np.float32(1e-20)
"""A quaternion's squared length at which it names no rotation."""


def room(splats: int, workers: int) -> int:
    """How many places records, keys and spans need."""
    return splats + workers * (GAP + LANES)


@parallel_kernel
def project(
    means: Any, scales: Any, wxyz: Any, opacities: Any, sh: Any, coefficients: int, active: int, view: Any,
    antialiased: bool, records: Any, keys: Any, columns: Any, rows: Any, index: Any, found: Any, floats_: Any,
    ints_: Any,
) -> None:  # fmt: skip
    """Fill in the splats seen, as cpu/project.py does, and ``index``: each one's place in the cloud.

    The cloud's arrays are flat; ``sh`` has ``coefficients`` numbers a splat, of which the first ``active`` count.
    ``antialiased`` keeps what a splat covers as it was before its covariance was dilated: Yu et al., "Mip-Splatting"
    (2024), the 2D filter of section 4.2.
    """
    workers, n = len(found), len(opacities)
    vectors = -(-n // LANES)
    for w in numba.prange(workers):
        first, end = vectors * w // workers, vectors * (w + 1) // workers
        begin = first * LANES + w * GAP
        _project_vectors(
            means, scales, wxyz, opacities, view, antialiased, records, keys, columns, rows, index, first, end, begin,
            found[w], ints_[w],
        )  # fmt: skip
        _colour(means, sh, coefficients, active, view, records, index, begin, found[w, 1], floats_[w], ints_[w])


@kernel
def _project_vectors(
    means: Any, scales: Any, wxyz: Any, opacities: Any, v: Any, antialiased: bool, records: Any, keys: Any,
    columns: Any, rows: Any, index: Any, first: int, end: int, begin: int, found: Any, numbers: Any,
) -> None:  # fmt: skip
    n = len(opacities)
    least, most = ints(_MOST), ints(np.int32(0))
    slot = begin
    for vector in range(first, end):
        splats = lane_numbers() + vector * LANES
        present = splats < n
        store(numbers, 0, select(present, splats, n - 1))
        dx, dy, dz, x, y, z = camera_point(means, numbers, v)
        opacity = gather(opacities, numbers, 0, 1, 0)
        seen = present & (z >= v[NEAR]) & (opacity >= _CUT)
        if lane_bits(seen) == 0:
            continue
        qw, qx, qy, qz, norm = quaternion(wxyz, numbers)
        s0, s1, s2 = (
            gather(scales, numbers, 0, 3, 0),
            gather(scales, numbers, 0, 3, 1),
            gather(scales, numbers, 0, 3, 2),
        )
        size = magnitude(dx) + magnitude(dy) + magnitude(dz) + magnitude(s0) + magnitude(s1) + magnitude(s2) + norm
        # Not true of infinities, nor of what is not a number.
        seen = seen & (size < np.float32(np.inf)) & (norm > _LEAST_NORM)
        inverse_z = _ONE / z
        slope_x, slope_y = x * inverse_z, y * inverse_z
        centre_x, centre_y = v[FX] * slope_x + v[CX], v[FY] * slope_y + v[CY]
        slope_x = smaller(larger(slope_x, v[LIMITS]), v[LIMITS + 1])
        slope_y = smaller(larger(slope_y, v[LIMITS + 2]), v[LIMITS + 3])
        a0, a1, a2, b0, b1, b2 = jacobian(v, inverse_z, slope_x, slope_y)
        r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(qw, qx, qy, qz)
        g0, g1, g2, h0, h1, h2 = image_axes(
            a0, a1, a2, b0, b1, b2, r00, r01, r02, r10, r11, r12, r20, r21, r22, s0, s1, s2
        )
        xx = g0 * g0 + g1 * g1 + g2 * g2 + _DILATION
        xy = g0 * h0 + g1 * h1 + g2 * h2
        yy = h0 * h0 + h1 * h1 + h2 * h2 + _DILATION
        m01, m02, m12 = g0 * h1 - g1 * h0, g0 * h2 - g2 * h0, g1 * h2 - g2 * h1
        sharp = m01 * m01 + m02 * m02 + m12 * m12
        determinant = sharp + _DILATION * (xx + yy - _DILATION)
        if antialiased:
            opacity = opacity * square_root(sharp / determinant)
            seen = seen & (opacity >= _CUT)

        log2_alpha = log2(opacity)
        reach = (_TWO / _LOG2_E) * larger(log2_alpha - _LOG2_CUT, _ZERO)
        reach_x, reach_y = square_root(reach * xx), square_root(reach * yy)
        left = larger(round_up(centre_x - reach_x - _HALF), _ZERO)
        right = smaller(round_down(centre_x + reach_x - _HALF), v[WIDTH] - _ONE)
        top = larger(round_up(centre_y - reach_y - _HALF), _ZERO)
        bottom = smaller(round_down(centre_y + reach_y - _HALF), v[HEIGHT] - _ONE)
        seen = seen & (left <= right) & (top <= bottom)
        if lane_bits(seen) == 0:
            continue

        inverse_yy = _ONE / yy
        p = square_root((_HALF * _LOG2_E) * yy / determinant)
        q = (np.float32(-1.0) * p) * (xy * inverse_yy)
        r = square_root((_HALF * _LOG2_E) * inverse_yy)
        key = bits_of(z)
        least = select(seen & (key < least), key, least)
        most = select(seen & (key > most), key, most)
        store_selected(columns, slot, (ints(left) >> 5) | ((ints(right) >> 5) << 16), seen)
        store_selected(rows, slot, (ints(top) >> 5) | ((ints(bottom) >> 5) << 16), seen)
        store_selected(keys, slot, key, seen)
        store_selected(index, slot, splats, seen)
        slot += store_records(
            records, slot * RECORD, seen, p, q, centre_x, r, centre_y, log2_alpha, p, p, p, z, reach_x, reach_y
        )
    found[0], found[1] = begin, slot - begin
    found[2], found[3] = least_lane(least), greatest_lane(most)


@kernel
def _colour(
    means: Any, sh: Any, coefficients: int, active: int, view: Any, records: Any, index: Any, begin: int, count: int,
    room: Any, numbers: Any,
) -> None:  # fmt: skip
    """Fill in the colours of a worker's records."""
    at = COEFFICIENTS * CHUNK
    for slot in range(begin, begin + count, LANES):
        present = min(begin + count - slot, LANES)
        take_numbers(index, slot, present, numbers)
        fetch_harmonics(sh, index, slot + AHEAD, begin + count, coefficients, active)
        take_harmonics(sh, numbers, coefficients, active, room)
        mx, my, mz = gather(means, numbers, 0, 3, 0), gather(means, numbers, 0, 3, 1), gather(means, numbers, 0, 3, 2)
        red, green, blue = colour(room, 0, active, mx, my, mz, view)
        store(room, at, red)
        store(room, at + CHUNK, green)
        store(room, at + 2 * CHUNK, blue)
        for lane in range(present):
            to = (slot + lane) * RECORD
            put(records, to + RED, get(room, at + lane))
            put(records, to + GREEN, get(room, at + CHUNK + lane))
            put(records, to + BLUE, get(room, at + 2 * CHUNK + lane))


@inlined
def take_numbers(index: Any, slot: int, present: int, numbers: Any) -> None:
    """The cloud's numbers of a vector of slots, the last one repeated where there are fewer."""
    for lane in range(LANES):
        put(numbers, lane, get(index, slot + min(lane, present - 1)))


@inlined
def fetch_harmonics(sh: Any, index: Any, slot: int, end: int, coefficients: int, active: int) -> None:
    """Ask for the rows of a vector of slots: which splats are seen is nothing that a processor foresees."""
    for n in range(slot, min(slot + LANES, end)):
        row = np.int64(get(index, n)) * coefficients
        for field in range(0, active, 16):
            fetch_early(sh, row + field)


@inlined
def take_harmonics(sh: Any, numbers: Any, coefficients: int, active: int, room: Any) -> None:
    """The active coefficients of a vector of splats, a vector each, ``CHUNK`` apart."""
    whole = active // LANES * LANES
    for field in range(0, whole, LANES):
        gather_block(sh, numbers, 0, coefficients, field, room, field * CHUNK, CHUNK)
    for field in range(whole, active):
        store(room, field * CHUNK, gather(sh, numbers, 0, coefficients, field))


@inlined
def camera_point(means: Any, numbers: Any, v: Any) -> Any:
    """Of splats' centres: from the eye in the scene's axes (3), and in the camera's (3)."""
    dx = gather(means, numbers, 0, 3, 0) - v[EYE]
    dy = gather(means, numbers, 0, 3, 1) - v[EYE + 1]
    dz = gather(means, numbers, 0, 3, 2) - v[EYE + 2]
    w = ROTATION
    x = v[w] * dx + v[w + 1] * dy + v[w + 2] * dz
    y = v[w + 3] * dx + v[w + 4] * dy + v[w + 5] * dz
    z = v[w + 6] * dx + v[w + 7] * dy + v[w + 8] * dz
    return dx, dy, dz, x, y, z


@inlined
def quaternion(wxyz: Any, numbers: Any) -> Any:
    """Splats' quaternions made unit, and their squared lengths before."""
    w, x = gather(wxyz, numbers, 0, 4, 0), gather(wxyz, numbers, 0, 4, 1)
    y, z = gather(wxyz, numbers, 0, 4, 2), gather(wxyz, numbers, 0, 4, 3)
    norm = w * w + x * x + y * y + z * z
    inverse = _ONE / square_root(norm)
    return w * inverse, x * inverse, y * inverse, z * inverse, norm


@inlined
def rotation(w: Any, x: Any, y: Any, z: Any) -> Any:
    """Rotation matrices row by row, of unit quaternions."""
    return (
        floats(_ONE) - _TWO * (y * y + z * z), _TWO * (x * y - w * z), _TWO * (x * z + w * y),
        _TWO * (x * y + w * z), floats(_ONE) - _TWO * (x * x + z * z), _TWO * (y * z - w * x),
        _TWO * (x * z - w * y), _TWO * (y * z + w * x), floats(_ONE) - _TWO * (x * x + y * y),
    )  # fmt: skip


@inlined
def jacobian(v: Any, inverse_z: Any, slope_x: Any, slope_y: Any) -> Any:
    """The two rows of the projection's Jacobian in the scene's axes: pixels by scene units."""
    fx, fy = v[FX] * inverse_z, v[FY] * inverse_z
    return (
        fx * (v[0] - slope_x * v[6]), fx * (v[1] - slope_x * v[7]), fx * (v[2] - slope_x * v[8]),
        fy * (v[3] - slope_y * v[6]), fy * (v[4] - slope_y * v[7]), fy * (v[5] - slope_y * v[8]),
    )  # fmt: skip


@inlined
def image_axes(
    a0: Any, a1: Any, a2: Any, b0: Any, b1: Any, b2: Any, r00: Any, r01: Any, r02: Any, r10: Any, r11: Any, r12: Any,
    r20: Any, r21: Any, r22: Any, s0: Any, s1: Any, s2: Any,
) -> Any:  # fmt: skip
    """A splat's three scaled axes in the image, x of each and then y: the covariance is the sum of their squares."""
    return (
        s0 * (a0 * r00 + a1 * r10 + a2 * r20), s1 * (a0 * r01 + a1 * r11 + a2 * r21),
        s2 * (a0 * r02 + a1 * r12 + a2 * r22),
        s0 * (b0 * r00 + b1 * r10 + b2 * r20), s1 * (b0 * r01 + b1 * r11 + b2 * r21),
        s2 * (b0 * r02 + b1 * r12 + b2 * r22),
    )  # fmt: skip
