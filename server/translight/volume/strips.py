"""A compositor's steps on a strip, compiled into kernel.py's kernels: project, weigh, sample, blend, encode, pack.

A strip is at most ``TILE_WIDTH`` pixels of one row, so what passes between its steps stays in the first-level cache.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import get_num_threads, njit

from translight.volume.encoding import HALVES, MIXING, TABLE
from translight.volume.lanes import blend_one, fetch, halve_four, look_up_four, pack_four, sample_four, sample_two
from translight.volume.surfaces import TILE_WIDTH

SCRATCH: Final = 16 * TILE_WIDTH
"""Floats of scratch for a thread: strips of u, v, the inner picture's weight, the place there, RGBA, cubic weights."""

ROUNDING_ROW: Final = 64
"""Floats in a row of the rounding offsets: 8 pixels and again 8, four channels each."""

Array = np.ndarray[Any, Any]
Colour = tuple[Any, ...]
Scalar = Any
"""A NumPy scalar: uint64 for an index, float32 for a measure."""

# Unsigned indices spare Numba's test for negative ones, and whole arrays with offsets spare the counted references
# of slices: either would keep the loops from being vectorised.
U = np.uint64
RGBA = np.uint64(4 * TILE_WIDTH)
"""Where a strip's colours stand in scratch."""
_V, _WEIGHT, _PLACE, _ACROSS, _DOWN = (np.uint64(k * TILE_WIDTH) for k in (1, 2, 3, 8, 12))
_0, _1, _2, _3, _4, _7, _8, _16, _32 = (np.uint64(v) for v in (0, 1, 2, 3, 4, 7, 8, 16, 32))
_FAR = np.float32(1000)
_ZERO, _HALF, _ONE, _TWO, _THREE = (np.float32(v) for v in (0, 0.5, 1, 2, 3))
_HALVES = np.uint32(HALVES)


def scratch_rooms(threads: int | None) -> tuple[int, Array, Array]:
    """How many of Numba's threads a picture is made with, None for all; and scratch for each, as floats and as ints."""
    count = min(threads or get_num_threads(), get_num_threads())
    scratch = np.zeros((count, SCRATCH), np.float32)
    return count, scratch, scratch.view(np.int32)


inlined = njit(error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)


@inlined
def project(columns: Array, rows: Array, column: Scalar, row: Scalar, scratch: Array, t: Scalar, n: Scalar) -> None:
    """Pixel coordinates u, v of a strip, from the homogeneous ones of its columns and its row."""
    row_u, row_v, row_w = rows[_0, row], rows[_1, row], rows[_2, row]
    for i in range(n):
        inverse = _ONE / (columns[_2, column + i] + row_w)
        scratch[t, i] = (columns[_0, column + i] + row_u) * inverse
        scratch[t, _V + i] = (columns[_1, column + i] + row_v) * inverse


@inlined
def weigh(
    columns: Array, rows: Array, column: Scalar, row: Scalar, width_px: int, height_px: int, near_m: Scalar,
    feather: Scalar, scratch: Array, t: Scalar, n: Scalar,
) -> None:  # fmt: skip
    """The inner picture's weight: 0 outside it and behind the camera, smoothly up to 1 over the feather."""
    row_w = rows[_2, row]
    width, height = np.float32(width_px), np.float32(height_px)
    per_u, per_v = _ONE / (feather * width), _ONE / (feather * height)
    for i in range(n):
        u, v = scratch[t, i], scratch[t, _V + i]
        far_u, far_v = width - u, height - v
        across = (u if u < far_u else far_u) * per_u
        down = (v if v < far_v else far_v) * per_v
        depth = across if across < down else down
        depth = depth if depth > _ZERO else _ZERO
        depth = depth if depth < _ONE else _ONE
        depth = depth if columns[_2, column + i] + row_w > near_m else _ZERO
        scratch[t, _WEIGHT + i] = depth * depth * (_THREE - _TWO * depth)


@inlined
def weighted(scratch: Array, t: Scalar, n: Scalar) -> tuple[Scalar, Scalar]:
    """The first pixel of a strip that has a weight, and the one after the last; twice 0 where none has."""
    first, end = _0, n
    while end > first and not scratch[t, _WEIGHT + end - _1] > _ZERO:
        end -= _1
    while first < end and not scratch[t, _WEIGHT + first] > _ZERO:
        first += _1
    return first, end


@inlined
def keep(encoded: Array, x: Scalar, end: Scalar, y: Scalar, out: Array) -> None:
    """The outer picture's words from column ``x`` up to ``end``."""
    for i in range(x, end):
        out[y, i] = encoded[y, i]


@inlined
def sample(
    source: Scalar, width_px: int, height_px: int, filter_table: Array, scratch: Array, places: Array, room: Scalar,
    t: Scalar, first: Scalar, end: Scalar,
) -> None:  # fmt: skip
    """RGBA of a strip's pixels from ``first`` up to ``end``, from the picture at ``source``."""
    # The filter's 4×4 pixels stay within the picture
    right, bottom = np.float32(width_px) - np.float32(2.001), np.float32(height_px) - np.float32(2.001)
    width = np.int32(width_px)
    for i in range(first, end):
        x, y = scratch[t, i] - _HALF, scratch[t, _V + i] - _HALF
        x = x if x > _ONE else _ONE
        y = y if y > _ONE else _ONE
        x = x if x < right else right
        y = y if y < bottom else bottom
        column, line = np.int32(x), np.int32(y)
        scratch[t, i] = x - np.float32(column)
        scratch[t, _V + i] = y - np.float32(line)
        places[t, _PLACE + i] = line * width + column
    row_bytes = U(width_px) * _16
    strip = room + _4 * t * U(SCRATCH)
    target = strip + _4 * RGBA
    if filter_table[_0, _1] == _ZERO and filter_table[_2, _0] == _ZERO:  # bilinear
        for i in range(first, end):
            start = source + U(places[t, _PLACE + i]) * _16
            sample_two(start, row_bytes, scratch[t, i], scratch[t, _V + i], target + i * _16)
        return
    for k in range(_4):
        cubic, square, linear, constant = (
            filter_table[_0, k], filter_table[_1, k], filter_table[_2, k], filter_table[_3, k],
        )  # fmt: skip
        for i in range(first, end):
            f, g = scratch[t, i], scratch[t, _V + i]
            scratch[t, _ACROSS + k * U(TILE_WIDTH) + i] = ((cubic * f + square) * f + linear) * f + constant
            scratch[t, _DOWN + k * U(TILE_WIDTH) + i] = ((cubic * g + square) * g + linear) * g + constant
    second = row_bytes + _16  # of 4×4 pixels, from their first
    for i in range(first, end):
        start = source + U(places[t, _PLACE + i]) * _16 - second
        sample_four(start, row_bytes, strip + _4 * (_ACROSS + i), U(4 * TILE_WIDTH), target + i * _16)


@inlined
def fetch_ahead(
    source: Scalar, columns: Array, rows: Array, column: Scalar, row: Scalar, width: int, places: Array, t: Scalar,
    first: Scalar, end: Scalar,
) -> None:  # fmt: skip
    """Fetch what the strip two rows further down will read: all of it as far away as its middle is."""
    further = min(row + _2, U(rows.shape[1]) - _1)
    one, other = columns[_2, column] + rows[_2, row], columns[_2, column] + rows[_2, further]
    if not (one > _ZERO and other > _ZERO):
        return
    across = (columns[_0, column] + rows[_0, further]) / other - (columns[_0, column] + rows[_0, row]) / one
    down = (columns[_1, column] + rows[_1, further]) / other - (columns[_1, column] + rows[_1, row]) / one
    if not (abs(across) < _FAR and abs(down) < _FAR):
        return
    ahead = source + U((np.int64(down + _ONE) * width + np.int64(across)) * 16)
    for i in range(first, end, _4):
        fetch(ahead + U(places[t, _PLACE + i]) * _16)


@inlined
def blend(
    outer: Scalar, width: int, x: Scalar, y: Scalar, scratch: Array, room: Scalar, t: Scalar, first: Scalar, end: Scalar
) -> None:
    """Pixels of a strip over those of the picture at ``outer``."""
    target = room + _4 * (t * U(SCRATCH) + RGBA)
    line = outer + _16 * (y * U(width) + x)
    for i in range(first, end):
        blend_one(line + i * _16, scratch[t, _WEIGHT + i], target + i * _16)


@inlined
def encode_strip(
    scratch: Array, places: Array, room: Scalar, t: Scalar, first: Scalar, end: Scalar, colour: Colour, x: Scalar,
    y: Scalar, finished: Scalar, out: Array,
) -> None:  # fmt: skip
    """Finished words of a strip's pixels from ``first`` up to ``end``, whose pixel 0 is (x, y) on the canvas."""
    kind, scale, limit, direct, decode, encode_, matrix, rounding, shift, opaque = colour
    strip = room + _4 * t * U(SCRATCH)
    pixels = strip + _4 * RGBA
    if kind == TABLE:
        _look_up(direct, pixels, first, end)
    elif kind == MIXING:
        _look_up(decode, pixels, first, end)
        _mix(matrix, scratch, t, first, end)
        _look_up(encode_, pixels, first, end)
    # Words of a last group that is not whole wait where u and v are no longer needed
    whole = first + ((end - first) & ~_3)
    place = y * U(out.shape[1]) + x
    if shift == _HALVES:
        target = finished + _8 * place
        for i in range(first, whole, _4):
            halve_four(pixels + i * _16, scale, limit, target + i * _8)
        if whole < end:
            halve_four(pixels + whole * _16, scale, limit, strip)
            for i in range(end - whole):
                low, high = U(np.uint32(places[t, _2 * i])), U(np.uint32(places[t, _2 * i + _1]))
                out[y, x + whole + i] = low | high << _32
        return
    target = finished + _4 * place
    offsets = rounding + (y & _7) * U(ROUNDING_ROW * 4)
    for i in range(first, whole, _4):
        offset = offsets + ((x + i) & _7) * _16
        pack_four(pixels + i * _16, scale, limit, offset, shift, opaque, target + i * _4)
    if whole < end:
        offset = offsets + ((x + whole) & _7) * _16
        pack_four(pixels + whole * _16, scale, limit, offset, shift, opaque, strip)
        for i in range(end - whole):
            out[y, x + whole + i] = np.uint32(places[t, i])


@inlined
def _mix(matrix: Array, scratch: Array, t: Scalar, first: Scalar, end: Scalar) -> None:
    """A balance of linear light, in place."""
    for i in range(first, end):
        k = RGBA + _4 * i
        r, g, b = scratch[t, k], scratch[t, k + _1], scratch[t, k + _2]
        scratch[t, k] = matrix[_0, _0] * r + matrix[_0, _1] * g + matrix[_0, _2] * b
        scratch[t, k + _1] = matrix[_1, _0] * r + matrix[_1, _1] * g + matrix[_1, _2] * b
        scratch[t, k + _2] = matrix[_2, _0] * r + matrix[_2, _1] * g + matrix[_2, _2] * b


@inlined
def _look_up(table: Scalar, pixels: Scalar, first: Scalar, end: Scalar) -> None:
    """``lookup.evaluate`` of every channel, in place, by a table at an address."""
    for i in range(first, end, _4):
        look_up_four(table, pixels + i * _16)
