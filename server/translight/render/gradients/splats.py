"""The way back through projection: from pairs' sums (tiles.py) to the gradients of a cloud's arrays, and of the camera.

The mathematics of project.py, backwards, a vector of splats at a time.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.memory import get, load, put, store
from translight.render.cpu.prepare import CHUNK
from translight.render.cpu.project import BLUE, GREEN, REACH_X, REACH_Y, RECORD, RED, P, Q, R
from translight.render.cpu.simd import LANES, floats, lane_numbers, larger, select, square_root
from translight.render.cpu.viewpoint import FX, FY, LIMITS
from translight.render.gradients.harmonics import colour_gradient
from translight.render.gradients.project import (
    AHEAD,
    COEFFICIENTS,
    camera_point,
    fetch_harmonics,
    image_axes,
    jacobian,
    quaternion,
    rotation,
    take_harmonics,
    take_numbers,
)
from translight.render.gradients.rows import add_sums, gather, gather_block, scatter, scatter_block
from translight.render.gradients.tiles import (
    PLACE,
    S_ABS_X,
    S_ABS_Y,
    S_BLUE,
    S_DEPTH,
    S_GREEN,
    S_RED,
    SPAN_COLUMNS,
    SPAN_ROWS,
    SUMS,
    SX,
    SXX,
    SXY,
    SY,
    SYY,
    S,
)

SCREEN = 5
"""Of a splat in the picture: its centre's gradient (2), the sums of its pixels' magnitudes (2), how far it reaches."""
CAMERA = 12
"""Gradients of camera_from_scene's rotation, row by row, and of the eye's position."""
_RECORDS_AT = COEFFICIENTS * CHUNK
_SUMS_AT = _RECORDS_AT + 16 * CHUNK
_ROWS_AT = _SUMS_AT + 16 * CHUNK
_CAMERA_AT = _ROWS_AT + LANES * SUMS
FLOATS_A_WORKER = _CAMERA_AT + 16
INTS_A_WORKER = 3 * LANES
"""Scratch of a worker."""
_FLUSH = 64
"""Vectors whose camera gradients are summed in float32."""
_TWO_LN2 = np.float32(2.0 * math.log(2.0))
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)


@parallel_kernel
def gradients(
    means: Any, scales: Any, wxyz: Any, opacities: Any, sh: Any, coefficients: int, active: int, view: Any,
    antialiased: bool, records: Any, bits: Any, index: Any, found: Any, sums: Any,
    to_means: Any, to_scales: Any, to_wxyz: Any, to_opacities: Any, to_sh: Any, to_screen: Any, to_camera: Any,
    floats_: Any, ints_: Any,
) -> None:  # fmt: skip
    """Write the gradients of every splat, 0 of those that are not seen, and each worker's share of the camera's.

    All arrays are flat, but ``to_camera`` (workers 12, float64).
    """
    workers, n = len(found), len(opacities)
    vectors = -(-n // LANES)
    for w in numba.prange(workers):
        first, end = vectors * w // workers * LANES, min(vectors * (w + 1) // workers * LANES, n)
        _gradients(
            means, scales, wxyz, opacities, sh, coefficients, active, view, antialiased, records, bits, index,
            found[w, 0], found[w, 1], sums, to_means, to_scales, to_wxyz, to_opacities, to_sh, to_screen,
            to_camera[w], floats_[w], ints_[w], first, end,
        )  # fmt: skip


@kernel
def _gradients(
    means: Any, scales: Any, wxyz: Any, opacities: Any, sh: Any, coefficients: int, active: int, v: Any,
    antialiased: bool, records: Any, bits: Any, index: Any, begin: int, count: int, sums: Any,
    to_means: Any, to_scales: Any, to_wxyz: Any, to_opacities: Any, to_sh: Any, to_screen: Any, to_camera: Any,
    room: Any, ints_: Any, first: int, end: int,
) -> None:  # fmt: skip
    numbers, slots, lanes = ints_[:LANES], ints_[LANES : 2 * LANES], ints_[2 * LANES :]
    store(lanes, 0, lane_numbers())
    to_camera[:] = 0.0
    camera = room[_CAMERA_AT:]
    camera[:] = _ZERO
    cleared = np.int64(first)
    for slot in range(begin, begin + count, LANES):
        present = min(begin + count - slot, LANES)
        take_numbers(index, slot, present, numbers)
        # Of the splats seen as well: their rows are written right after, while they are in the nearest cache.
        end_of_vector = np.int64(get(numbers, LANES - 1)) + 1
        _clear(to_means, to_scales, to_wxyz, to_opacities, to_sh, to_screen, coefficients, cleared, end_of_vector)
        cleared = end_of_vector
        for lane in range(LANES):
            put(slots, lane, slot + min(lane, present - 1))
        _sum_splats(bits, sums, slots, room)
        gather_block(room[_ROWS_AT:], lanes, 0, SUMS, 0, room, _SUMS_AT, CHUNK)
        gather_block(records, slots, 0, RECORD, 0, room, _RECORDS_AT, CHUNK)
        if LANES == 8:
            gather_block(room[_ROWS_AT:], lanes, 0, SUMS, 8, room, _SUMS_AT + 8 * CHUNK, CHUNK)
            gather_block(records, slots, 0, RECORD, 8, room, _RECORDS_AT + 8 * CHUNK, CHUNK)
        fetch_harmonics(sh, index, slot + AHEAD, begin + count, coefficients, active)
        take_harmonics(sh, numbers, coefficients, active, room)
        _vector(
            means, scales, wxyz, opacities, coefficients, active, v, antialiased, numbers, present, room, to_means,
            to_scales, to_wxyz, to_opacities, to_sh, to_screen, camera,
        )  # fmt: skip
        if (slot - begin) // LANES % _FLUSH == _FLUSH - 1:
            _flush(camera, to_camera)
    _flush(camera, to_camera)
    _clear(to_means, to_scales, to_wxyz, to_opacities, to_sh, to_screen, coefficients, cleared, end)


@inlined
def _flush(camera: Any, to_camera: Any) -> None:
    for k in range(CAMERA):
        to_camera[k] += np.float64(camera[k])
        camera[k] = _ZERO


@kernel
def _clear(
    to_means: Any, to_scales: Any, to_wxyz: Any, to_opacities: Any, to_sh: Any, to_screen: Any, coefficients: int,
    begin: int, end: int,
) -> None:  # fmt: skip
    to_means[3 * begin : 3 * end] = _ZERO
    to_scales[3 * begin : 3 * end] = _ZERO
    to_wxyz[4 * begin : 4 * end] = _ZERO
    to_opacities[begin:end] = _ZERO
    to_screen[SCREEN * begin : SCREEN * end] = _ZERO
    to_sh[coefficients * begin : coefficients * end] = _ZERO


@kernel
def _sum_splats(bits: Any, sums: Any, slots: Any, room: Any) -> None:
    """Add each splat's pairs up, a row a splat."""
    for lane in range(LANES):
        record = np.int64(get(slots, lane)) * RECORD
        column, row = np.int64(get(bits, record + SPAN_COLUMNS)), np.int64(get(bits, record + SPAN_ROWS))
        pairs = ((column >> 16) - (column & 0xFFFF) + 1) * ((row >> 16) - (row & 0xFFFF) + 1)
        at = np.int64(get(bits, record + PLACE)) * SUMS
        to = _ROWS_AT + lane * SUMS
        for part in range(0, SUMS, LANES):
            total = load(sums, at + part)
            for n in range(1, pairs):
                total = total + load(sums, at + n * SUMS + part)
            store(room, to + part, total)


@inlined
def _sum(room: Any, field: int) -> Any:
    return load(room, _SUMS_AT + field * CHUNK)


@inlined
def _record(room: Any, field: int) -> Any:
    return load(room, _RECORDS_AT + field * CHUNK)


@kernel
def _vector(
    means: Any, scales: Any, wxyz: Any, opacities: Any, coefficients: int, active: int, v: Any, antialiased: bool,
    numbers: Any, present: int, room: Any, to_means: Any, to_scales: Any, to_wxyz: Any, to_opacities: Any, to_sh: Any,
    to_screen: Any, camera: Any,
) -> None:  # fmt: skip
    p, q, r = _record(room, P), _record(room, Q), _record(room, R)
    # σ = ½·(a·x² + c·y²) + b·xy; alpha is opacity·exp(−σ).
    a, b, c = _TWO_LN2 * p * p, _TWO_LN2 * p * q, _TWO_LN2 * (q * q + r * r)
    sx, sy = _sum(room, SX), _sum(room, SY)
    centre_x, centre_y = a * sx + b * sy, b * sx + c * sy
    scatter(to_screen, numbers, 0, SCREEN, 0, centre_x)
    scatter(to_screen, numbers, 0, SCREEN, 1, centre_y)
    scatter(to_screen, numbers, 0, SCREEN, 2, _TWO_LN2 * _sum(room, S_ABS_X))
    scatter(to_screen, numbers, 0, SCREEN, 3, _TWO_LN2 * _sum(room, S_ABS_Y))
    scatter(to_screen, numbers, 0, SCREEN, 4, larger(_record(room, REACH_X), _record(room, REACH_Y)))
    scatter(to_opacities, numbers, 0, 1, 0, _sum(room, S) / gather(opacities, numbers, 0, 1, 0))

    # Of the covariance, ½·K·M·K, with the conic K and the second moments M.
    mxx, mxy, myy = _sum(room, SXX), _sum(room, SXY), _sum(room, SYY)
    n00, n01, n10, n11 = a * mxx + b * mxy, a * mxy + b * myy, b * mxx + c * mxy, b * mxy + c * myy
    # Twice that, as the covariance is T·Tᵀ, and T's gradient is twice this times T.
    cxx, cxy, cyy = n00 * a + n01 * b, n00 * b + n01 * c, n10 * b + n11 * c

    dx, dy, dz, x, y, z = camera_point(means, numbers, v)
    inverse_z = floats(_ONE) / z
    raw_x, raw_y = x * inverse_z, y * inverse_z
    low_x, high_x, low_y, high_y = v[LIMITS], v[LIMITS + 1], v[LIMITS + 2], v[LIMITS + 3]
    slope_x = select(raw_x < low_x, low_x, select(raw_x > high_x, high_x, raw_x))
    slope_y = select(raw_y < low_y, low_y, select(raw_y > high_y, high_y, raw_y))
    a0, a1, a2, b0, b1, b2 = jacobian(v, inverse_z, slope_x, slope_y)
    qw, qx, qy, qz, norm = quaternion(wxyz, numbers)
    r00, r01, r02, r10, r11, r12, r20, r21, r22 = rotation(qw, qx, qy, qz)
    s0, s1, s2 = gather(scales, numbers, 0, 3, 0), gather(scales, numbers, 0, 3, 1), gather(scales, numbers, 0, 3, 2)
    g0, g1, g2, h0, h1, h2 = image_axes(a0, a1, a2, b0, b1, b2, r00, r01, r02, r10, r11, r12, r20, r21, r22, s0, s1, s2)
    if antialiased:
        # Opacity was multiplied by the square root of this determinant over the dilated one.
        m01, m02, m12 = g0 * h1 - g1 * h0, g0 * h2 - g2 * h0, g1 * h2 - g2 * h1
        inverse = floats(_ONE) / (m01 * m01 + m02 * m02 + m12 * m12)
        s = _sum(room, S)
        cxx = cxx + s * ((h0 * h0 + h1 * h1 + h2 * h2) * inverse - a)
        cxy = cxy - s * ((g0 * h0 + g1 * h1 + g2 * h2) * inverse + b)
        cyy = cyy + s * ((g0 * g0 + g1 * g1 + g2 * g2) * inverse - c)
    dg0, dg1, dg2 = cxx * g0 + cxy * h0, cxx * g1 + cxy * h1, cxx * g2 + cxy * h2
    dh0, dh1, dh2 = cxy * g0 + cyy * h0, cxy * g1 + cyy * h1, cxy * g2 + cyy * h2

    # Of the image's axes: T = J·R·S, J's rows are a and b.
    d00, d10, d20 = a0 * dg0 + b0 * dh0, a1 * dg0 + b1 * dh0, a2 * dg0 + b2 * dh0
    d01, d11, d21 = a0 * dg1 + b0 * dh1, a1 * dg1 + b1 * dh1, a2 * dg1 + b2 * dh1
    d02, d12, d22 = a0 * dg2 + b0 * dh2, a1 * dg2 + b1 * dh2, a2 * dg2 + b2 * dh2
    scatter(to_scales, numbers, 0, 3, 0, d00 * r00 + d10 * r10 + d20 * r20)
    scatter(to_scales, numbers, 0, 3, 1, d01 * r01 + d11 * r11 + d21 * r21)
    scatter(to_scales, numbers, 0, 3, 2, d02 * r02 + d12 * r12 + d22 * r22)
    m00, m10, m20, m01, m11, m21 = s0 * r00, s0 * r10, s0 * r20, s1 * r01, s1 * r11, s1 * r21
    m02, m12, m22 = s2 * r02, s2 * r12, s2 * r22
    da0, db0 = dg0 * m00 + dg1 * m01 + dg2 * m02, dh0 * m00 + dh1 * m01 + dh2 * m02
    da1, db1 = dg0 * m10 + dg1 * m11 + dg2 * m12, dh0 * m10 + dh1 * m11 + dh2 * m12
    da2, db2 = dg0 * m20 + dg1 * m21 + dg2 * m22, dh0 * m20 + dh1 * m21 + dh2 * m22
    _turn(numbers, to_wxyz, qw, qx, qy, qz, norm, d00 * s0, d10 * s0, d20 * s0, d01 * s1, d11 * s1, d21 * s1,
          d02 * s2, d12 * s2, d22 * s2)  # fmt: skip

    # Of the centre in the camera's axes: by its image, by its depth, and by the Jacobian.
    fx, fy = v[FX] * inverse_z, v[FY] * inverse_z
    w0, w1, w2, w3, w4, w5, w6, w7, w8 = v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]
    along_x = select(raw_x == slope_x, fx * (da0 * w6 + da1 * w7 + da2 * w8), _ZERO)
    along_y = select(raw_y == slope_y, fy * (db0 * w6 + db1 * w7 + db2 * w8), _ZERO)
    to_x, to_y = fx * centre_x - along_x * inverse_z, fy * centre_y - along_y * inverse_z
    to_z = _sum(room, S_DEPTH) - raw_x * to_x - raw_y * to_y
    to_z = to_z - inverse_z * (da0 * a0 + da1 * a1 + da2 * a2 + db0 * b0 + db1 * b1 + db2 * b2)
    mean_x, mean_y = w0 * to_x + w3 * to_y + w6 * to_z, w1 * to_x + w4 * to_y + w7 * to_z
    mean_z = w2 * to_x + w5 * to_y + w8 * to_z

    # Of the colour, and by it of the direction from the eye.
    inverse = floats(_ONE) / square_root(dx * dx + dy * dy + dz * dz)
    ux, uy, uz = dx * inverse, dy * inverse, dz * inverse
    red = select(_record(room, RED) > _ZERO, _sum(room, S_RED), _ZERO)
    green = select(_record(room, GREEN) > _ZERO, _sum(room, S_GREEN), _ZERO)
    blue = select(_record(room, BLUE) > _ZERO, _sum(room, S_BLUE), _ZERO)
    tx, ty, tz = colour_gradient(room, active, ux, uy, uz, red, green, blue)
    outwards = tx * ux + ty * uy + tz * uz
    mean_x = mean_x + inverse * (tx - outwards * ux)
    mean_y = mean_y + inverse * (ty - outwards * uy)
    mean_z = mean_z + inverse * (tz - outwards * uz)
    scatter(to_means, numbers, 0, 3, 0, mean_x)
    scatter(to_means, numbers, 0, 3, 1, mean_y)
    scatter(to_means, numbers, 0, 3, 2, mean_z)
    whole = active // LANES * LANES
    for field in range(0, whole, LANES):
        scatter_block(to_sh, numbers, 0, coefficients, field, room, field * CHUNK, CHUNK)
    for field in range(whole, active):
        scatter(to_sh, numbers, 0, coefficients, field, load(room, field * CHUNK))

    # Of the camera: splats that are there a second time do not count. The eye's is the means' the other way.
    here = lane_numbers() < present
    to_x, to_y, to_z = select(here, to_x, _ZERO), select(here, to_y, _ZERO), select(here, to_z, _ZERO)
    fx, fy = select(here, fx, _ZERO), select(here, fy, _ZERO)
    away_x, away_y = fx * slope_x, fy * slope_y
    add_sums(
        camera, 0,
        to_x * dx + fx * da0, to_x * dy + fx * da1, to_x * dz + fx * da2,
        to_y * dx + fy * db0, to_y * dy + fy * db1, to_y * dz + fy * db2,
        to_z * dx - away_x * da0 - away_y * db0, to_z * dy - away_x * da1 - away_y * db1,
        to_z * dz - away_x * da2 - away_y * db2,
        select(here, mean_x, _ZERO), select(here, mean_y, _ZERO), select(here, mean_z, _ZERO),
    )  # fmt: skip


@inlined
def _turn(
    numbers: Any, to_wxyz: Any, w: Any, x: Any, y: Any, z: Any, norm: Any, d00: Any, d10: Any, d20: Any,
    d01: Any, d11: Any, d21: Any, d02: Any, d12: Any, d22: Any,
) -> None:  # fmt: skip
    """From the rotation matrix's gradient to the quaternion's, through making it unit."""
    to_w = _TWO * (x * (d21 - d12) + y * (d02 - d20) + z * (d10 - d01))
    to_x = _TWO * (w * (d21 - d12) + y * (d01 + d10) + z * (d02 + d20) - _TWO * x * (d11 + d22))
    to_y = _TWO * (w * (d02 - d20) + x * (d01 + d10) + z * (d12 + d21) - _TWO * y * (d00 + d22))
    to_z = _TWO * (w * (d10 - d01) + x * (d02 + d20) + y * (d12 + d21) - _TWO * z * (d00 + d11))
    along = to_w * w + to_x * x + to_y * y + to_z * z
    inverse = floats(_ONE) / square_root(norm)
    scatter(to_wxyz, numbers, 0, 4, 0, inverse * (to_w - along * w))
    scatter(to_wxyz, numbers, 0, 4, 1, inverse * (to_x - along * x))
    scatter(to_wxyz, numbers, 0, 4, 2, inverse * (to_y - along * y))
    scatter(to_wxyz, numbers, 0, 4, 3, inverse * (to_z - along * z))
