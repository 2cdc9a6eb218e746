"""The compositor's inner loops, compiled: project a strip of wall pixels, sample, feather, encode, pack.

Called from one thread at a time, they run on all of Numba's threads without the GIL and allocate nothing. A strip is
at most ``TILE_WIDTH`` pixels of one row, so what passes between its steps stays in the first-level cache.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange

from translight.colour.lookup import FIRST_BITS, FRACTION_MASK, FRACTION_SCALE, LAST_BITS, SHIFT
from translight.volume.encoding import HALVES, MIXING, TABLE
from translight.volume.lanes import halve_four, look_up_four, pack_four, sample_rgba, sample_two, take_ticket
from translight.volume.surfaces import NO_WALL, TILE_WIDTH

SCRATCH: Final = 8 * TILE_WIDTH
"""Floats of scratch for a thread: strips of u, v, the inner picture's weight, the place in it, and RGBA."""

ROUNDING_ROW: Final = 64
"""Floats in a row of the rounding offsets: 8 pixels and again 8, four channels each."""

Array = np.ndarray[Any, Any]
Colour = tuple[Any, ...]
Scalar = Any
"""A NumPy scalar: uint64 for an index, float32 for a measure."""

_OUTSIDE, _MIXED, _INSIDE = 0, 1, 2
_ZERO, _HALF, _ONE, _TWO, _THREE = (np.float32(v) for v in (0, 0.5, 1, 2, 3))
_FIRST, _LAST, _MASK = np.int32(FIRST_BITS), np.int32(LAST_BITS), np.int32(FRACTION_MASK)
_SHIFT, _SCALE = np.int32(SHIFT), np.float32(FRACTION_SCALE)
# Unsigned indices spare Numba's test for negative ones, and whole arrays with offsets spare the counted references
# of slices: either would keep the loops from being vectorised.
_U = np.uint64
_0, _1, _2, _3, _7 = (np.uint64(v) for v in (0, 1, 2, 3, 7))
_V, _WEIGHT, _PLACE, _RGBA = (np.uint64(k * TILE_WIDTH) for k in (1, 2, 3, 4))
_4, _8, _16 = np.uint64(4), np.uint64(8), np.uint64(16)
_HALVES = np.uint32(HALVES)
_I1 = np.int32(1)

_parallel = njit(parallel=True, error_model="numpy", nogil=True, cache=True, fastmath={"contract"})
_serial = njit(error_model="numpy", nogil=True, cache=True, fastmath={"contract"})


@_parallel
def composite(
    tiles: Array,
    spheres: Array,
    planes: Array,
    columns: Array,
    rows: Array,
    picture: Array,
    near_m: Scalar,
    feather: Scalar,
    filter_table: Array,
    outer: Array,
    encoded: Array,
    colour: Colour,
    scratch: Array,
    threads: int,
    ticket: Array,
    bands: Array,
    unfinished: Array,
    out: Array,
) -> None:
    """``out`` (h w) words: ``picture`` (h w 4) where it reaches, over the outer one (floats, and ``encoded``).

    ``tiles`` (n 6): canvas x, y, width, height, first column, first row; ``spheres`` (n 4) around them. A thread takes
    the next tile that none has taken (``ticket``, one int64), so one that the system interrupts holds nobody up. When a
    tile is filled, the one of ``unfinished`` (k) that its ``bands`` (n) names is counted up.
    ``planes`` (10 4): five outside of which nothing shows the picture, five inside of which all does, without feather.
    ``columns`` and ``rows`` (3 n) add up to a pixel's homogeneous place in the picture, the third being its depth.
    """
    ticket[0] = 0
    counter, counts = _U(ticket.ctypes.data), _U(unfinished.ctypes.data)
    for thread in prange(threads):
        t = _U(thread)
        while True:
            index = take_ticket(counter)
            if index >= tiles.shape[0]:
                break
            x, y, n, height = _U(tiles[index, 0]), _U(tiles[index, 1]), _U(tiles[index, 2]), _U(tiles[index, 3])
            reach = _OUTSIDE if tiles[index, 4] == NO_WALL else _classify(spheres, planes, index)
            if reach == _OUTSIDE:
                for line in range(y, y + height):
                    for i in range(x, x + n):
                        out[line, i] = encoded[line, i]
                take_ticket(counts + _8 * _U(bands[index]))
                continue
            column, row = _U(tiles[index, 4]), _U(tiles[index, 5])
            for line in range(height):
                _project(columns, rows, column, row + line, scratch, t, n)
                if reach == _MIXED:
                    _weigh(columns, rows, column, row + line, picture, near_m, feather, scratch, t, n)
                _sample(picture, filter_table, scratch, t, n, reach == _MIXED)
                if reach == _MIXED:
                    _blend(outer, x, y + line, scratch, t, n)
                _encode(scratch, t, n, colour, x, y + line, out)
            take_ticket(counts + _8 * _U(bands[index]))


@_parallel
def sample_surface(
    columns: Array, rows: Array, picture: Array, filter_table: Array, scratch: Array, threads: int, target: Array
) -> None:
    """``target`` (h w 4) float32: ``picture`` at every pixel of a piece of wall, columns and rows already projected."""
    width, height = target.shape[1], target.shape[0]
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, height, threads):
            for start in range(0, width, TILE_WIDTH):
                n = _U(min(TILE_WIDTH, width - start))
                _project(columns, rows, _U(start), _U(line), scratch, t, n)
                _sample(picture, filter_table, scratch, t, n, False)
                for i in range(n):
                    for c in range(_4):
                        target[_U(line), _U(start) + i, c] = scratch[t, _RGBA + _4 * i + c]


@_parallel
def encode(outer: Array, colour: Colour, scratch: Array, threads: int, out: Array) -> None:
    """``out`` (h w) words: the finished picture of ``outer`` (h w 4) float32."""
    width, height = out.shape[1], out.shape[0]
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, height, threads):
            for start in range(0, width, TILE_WIDTH):
                n = _U(min(TILE_WIDTH, width - start))
                for i in range(n):
                    for c in range(_4):
                        scratch[t, _RGBA + _4 * i + c] = outer[_U(line), _U(start) + i, c]
                _encode(scratch, t, n, colour, _U(start), _U(line), out)


@_parallel
def mix_and_encode(
    first: Array,
    second: Array,
    fraction: Scalar,
    colour: Colour,
    scratch: Array,
    threads: int,
    mixed: Array,
    out: Array,
) -> None:
    """``mixed`` (h w 4) becomes ``first`` and a ``fraction`` of the way to ``second``, ``out`` its finished picture."""
    width, height = out.shape[1], out.shape[0]
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, height, threads):
            for start in range(0, width, TILE_WIDTH):
                n = _U(min(TILE_WIDTH, width - start))
                for i in range(n):
                    for c in range(_4):
                        a, b = first[_U(line), _U(start) + i, c], second[_U(line), _U(start) + i, c]
                        value = a + fraction * (b - a)
                        mixed[_U(line), _U(start) + i, c] = value
                        scratch[t, _RGBA + _4 * i + c] = value
                _encode(scratch, t, n, colour, _U(start), _U(line), out)


@_serial
def _classify(spheres: Array, planes: Array, index: int) -> int:
    """Whether a tile's bounding sphere lies outside one of the first five planes, or inside all of the last five."""
    inside = True
    for k in range(10):
        distance = planes[k, 3]
        for axis in range(3):
            distance += planes[k, axis] * spheres[index, axis]
        if k < 5:
            if distance < -spheres[index, 3]:
                return _OUTSIDE
        elif distance < spheres[index, 3]:
            inside = False
    return _INSIDE if inside else _MIXED


@_serial
def _project(columns: Array, rows: Array, column: Scalar, row: Scalar, scratch: Array, t: Scalar, n: Scalar) -> None:
    """Pixel coordinates u, v of a strip, from the homogeneous ones of its columns and its row."""
    row_u, row_v, row_w = rows[_0, row], rows[_1, row], rows[_2, row]
    for i in range(n):
        inverse = _ONE / (columns[_2, column + i] + row_w)
        scratch[t, i] = (columns[_0, column + i] + row_u) * inverse
        scratch[t, _V + i] = (columns[_1, column + i] + row_v) * inverse


@_serial
def _weigh(
    columns: Array, rows: Array, column: Scalar, row: Scalar, picture: Array, near_m: Scalar, feather: Scalar,
    scratch: Array, t: Scalar, n: Scalar,
) -> None:  # fmt: skip
    """The inner picture's weight: 0 outside it and behind the camera, smoothly up to 1 over the feather."""
    row_w = rows[_2, row]
    width, height = np.float32(picture.shape[1]), np.float32(picture.shape[0])
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


@_serial
def _sample(picture: Array, filter_table: Array, scratch: Array, t: Scalar, n: Scalar, weighted: bool) -> None:
    """RGBA of a strip from the picture; where weighted, only where the weight is above 0."""
    # The filter's 4×4 pixels stay within the picture
    right, bottom = np.float32(picture.shape[1]) - np.float32(2.001), np.float32(picture.shape[0]) - np.float32(2.001)
    width = np.int32(picture.shape[1])
    places = scratch.view(np.int32)
    for i in range(n):
        x, y = scratch[t, i] - _HALF, scratch[t, _V + i] - _HALF
        x = x if x > _ONE else _ONE
        y = y if y > _ONE else _ONE
        x = x if x < right else right
        y = y if y < bottom else bottom
        column, line = np.int32(x), np.int32(y)
        scratch[t, i] = x - np.float32(column)
        scratch[t, _V + i] = y - np.float32(line)
        places[t, _PLACE + i] = (line - _I1) * width + (column - _I1)
    source, row_bytes = _U(picture.ctypes.data), _U(picture.shape[1]) * _16
    table = _U(filter_table.ctypes.data)
    bilinear = filter_table[_0, _1] == _ZERO and filter_table[_2, _0] == _ZERO
    target = _U(scratch.ctypes.data) + _4 * (t * _U(SCRATCH) + _RGBA)
    if bilinear:
        for i in range(n):
            start = source + _U(places[t, _PLACE + i]) * _16 + row_bytes + _16
            sample_two(start, row_bytes, scratch[t, i], scratch[t, _V + i], target + i * _16)
        return
    for i in range(n):
        if weighted and not scratch[t, _WEIGHT + i] > _ZERO:
            continue
        start = source + _U(places[t, _PLACE + i]) * _16
        sample_rgba(start, row_bytes, scratch[t, i], scratch[t, _V + i], table, target + i * _16)


@_serial
def _blend(outer: Array, x: Scalar, y: Scalar, scratch: Array, t: Scalar, n: Scalar) -> None:
    for i in range(n):
        weight = scratch[t, _WEIGHT + i]
        for c in range(_3):
            behind = outer[y, x + i, c]
            front = scratch[t, _RGBA + _4 * i + c]
            scratch[t, _RGBA + _4 * i + c] = behind + weight * (front - behind) if weight > _ZERO else behind


@_serial
def _encode(scratch: Array, t: Scalar, n: Scalar, colour: Colour, x: Scalar, y: Scalar, out: Array) -> None:
    """Packed code values of a strip whose first pixel is (x, y) on the canvas."""
    kind, scale, limit, direct, decode, encode_, matrix, rounding, shift, opaque = colour
    pixels = _U(scratch.ctypes.data) + _4 * (t * _U(SCRATCH) + _RGBA)
    if kind == TABLE:
        _look_up(direct, pixels, n)
    elif kind == MIXING:
        _look_up(decode, pixels, n)
        for i in range(n):
            k = _RGBA + _4 * i
            r, g, b = scratch[t, k], scratch[t, k + _1], scratch[t, k + _2]
            scratch[t, k] = matrix[_0, _0] * r + matrix[_0, _1] * g + matrix[_0, _2] * b
            scratch[t, k + _1] = matrix[_1, _0] * r + matrix[_1, _1] * g + matrix[_1, _2] * b
            scratch[t, k + _2] = matrix[_2, _0] * r + matrix[_2, _1] * g + matrix[_2, _2] * b
        _look_up(encode_, pixels, n)
    # Words of a last group that is not whole wait where u and v are no longer needed
    spare = _U(scratch.ctypes.data) + _4 * t * _U(SCRATCH)
    whole = n & ~_3
    if shift == _HALVES:
        target = _U(out.ctypes.data) + _8 * (y * _U(out.shape[1]) + x)
        for i in range(_0, whole, _4):
            halve_four(pixels + i * _16, scale, limit, target + i * _8)
        if whole < n:
            halve_four(pixels + whole * _16, scale, limit, spare)
            halves = scratch.view(np.uint64)
            for i in range(n - whole):
                out[y, x + whole + i] = halves[t, i]
        return
    target = _U(out.ctypes.data) + _4 * (y * _U(out.shape[1]) + x)
    offsets = _U(rounding.ctypes.data) + (y & _7) * _U(ROUNDING_ROW * 4)
    for i in range(_0, whole, _4):
        offset = offsets + ((x + i) & _7) * _16
        pack_four(pixels + i * _16, scale, limit, offset, shift, opaque, target + i * _4)
    if whole < n:
        offset = offsets + ((x + whole) & _7) * _16
        pack_four(pixels + whole * _16, scale, limit, offset, shift, opaque, spare)
        words = scratch.view(np.uint32)
        for i in range(n - whole):
            out[y, x + whole + i] = words[t, i]


@_serial
def _look_up(table: Array, pixels: Scalar, n: Scalar) -> None:
    """``lookup.evaluate`` of every channel, in place."""
    address = _U(table.ctypes.data)
    for i in range(_0, n, _4):
        look_up_four(address, pixels + i * _16)
