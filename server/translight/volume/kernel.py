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
from translight.volume.lanes import (
    blend_one,
    fetch,
    halve_four,
    look_up_four,
    pack_four,
    sample_four,
    sample_two,
    take_ticket,
)
from translight.volume.surfaces import NO_WALL, TILE_WIDTH

SCRATCH: Final = 16 * TILE_WIDTH
"""Floats of scratch for a thread: strips of u, v, the inner picture's weight, the place there, RGBA, cubic weights."""

ROUNDING_ROW: Final = 64
"""Floats in a row of the rounding offsets: 8 pixels and again 8, four channels each."""

Array = np.ndarray[Any, Any]
Colour = tuple[Any, ...]
Scalar = Any
"""A NumPy scalar: uint64 for an index, float32 for a measure."""

_OUTSIDE, _MIXED, _INSIDE = 0, 1, 2
_FAR = np.float32(1000)
_ZERO, _HALF, _ONE, _TWO, _THREE = (np.float32(v) for v in (0, 0.5, 1, 2, 3))
_FIRST, _LAST, _MASK = np.int32(FIRST_BITS), np.int32(LAST_BITS), np.int32(FRACTION_MASK)
_SHIFT, _SCALE = np.int32(SHIFT), np.float32(FRACTION_SCALE)
# Unsigned indices spare Numba's test for negative ones, and whole arrays with offsets spare the counted references
# of slices: either would keep the loops from being vectorised.
_U = np.uint64
_0, _1, _2, _3, _7 = (np.uint64(v) for v in (0, 1, 2, 3, 7))
_V, _WEIGHT, _PLACE, _RGBA, _ACROSS, _DOWN = (np.uint64(k * TILE_WIDTH) for k in (1, 2, 3, 4, 8, 12))
_4, _8, _16, _32 = (np.uint64(v) for v in (4, 8, 16, 32))
_HALVES = np.uint32(HALVES)

_parallel = njit(parallel=True, error_model="numpy", nogil=True, cache=True, fastmath={"contract"})
_inlined = njit(error_model="numpy", nogil=True, fastmath={"contract"}, forceinline=True)


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
    places: Array,
    threads: int,
    ticket: Array,
    bands: Array,
    unfinished: Array,
    version: int,
    shown: Array,
    out: Array,
) -> None:
    """``out`` (h w) words: ``picture`` (h w 4) where it reaches, over the outer one (floats, and ``encoded``).

    ``tiles`` (n 6): canvas x, y, width, height, first column, first row; ``spheres`` (n 4) around them. A thread takes
    the next tile that none has taken (``ticket``, one int64), so one that the system interrupts holds nobody up. When a
    tile is filled, the one of ``unfinished`` (k) that its ``bands`` (n) names is counted up.
    ``shown`` (n) is which version of ``encoded`` alone stands in each tile of ``out``, 0 where none does; a tile that
    has this ``version``, above 0, is left as it is.
    ``planes`` (10 4): five outside of which nothing shows the picture, five inside of which all does, without feather.
    ``columns`` and ``rows`` (3 n) add up to a pixel's homogeneous place in the picture, the third being its depth.
    """
    ticket[0] = 0
    counter, counts = _U(ticket.ctypes.data), _U(unfinished.ctypes.data)
    source, room = _U(picture.ctypes.data), _U(scratch.ctypes.data)
    width, height = picture.shape[1], picture.shape[0]
    behind, finished = _U(outer.ctypes.data), _U(out.ctypes.data)
    for thread in prange(threads):
        t = _U(thread)
        while True:
            index = take_ticket(counter)
            if index >= tiles.shape[0]:
                break
            x, y, n, lines = _U(tiles[index, 0]), _U(tiles[index, 1]), _U(tiles[index, 2]), _U(tiles[index, 3])
            reach = _OUTSIDE if tiles[index, 4] == NO_WALL else _classify(spheres, planes, index)
            if reach == _OUTSIDE:
                if shown[index] != version:
                    for line in range(y, y + lines):
                        _keep(encoded, x, x + n, line, out)
                    shown[index] = version
                take_ticket(counts + _8 * _U(bands[index]))
                continue
            column, row = _U(tiles[index, 4]), _U(tiles[index, 5])
            first, end = _0, n
            shown[index] = 0
            for line in range(lines):
                _project(columns, rows, column, row + line, scratch, t, n)
                if reach == _MIXED:
                    _weigh(columns, rows, column, row + line, width, height, near_m, feather, scratch, t, n)
                    first, end = _weighted(scratch, t, n)
                    _keep(encoded, x, x + first, y + line, out)
                    _keep(encoded, x + end, x + n, y + line, out)
                _sample(source, width, height, filter_table, scratch, places, room, t, first, end)
                _fetch_ahead(source, columns, rows, column + (n >> _1), row + line, width, places, t, first, end)
                if reach == _MIXED:
                    _blend(behind, out.shape[1], x, y + line, scratch, room, t, first, end)
                _encode(scratch, places, room, t, first, end, colour, x, y + line, finished, out)
            take_ticket(counts + _8 * _U(bands[index]))


@_parallel
def sample_surface(
    columns: Array,
    rows: Array,
    picture: Array,
    filter_table: Array,
    scratch: Array,
    places: Array,
    threads: int,
    target: Array,
) -> None:
    """``target`` (h w 4) float32: ``picture`` at every pixel of a piece of wall, columns and rows already projected."""
    source, room = _U(picture.ctypes.data), _U(scratch.ctypes.data)
    width, height = picture.shape[1], picture.shape[0]
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, target.shape[0], threads):
            for start in range(0, target.shape[1], TILE_WIDTH):
                n = _U(min(TILE_WIDTH, target.shape[1] - start))
                _project(columns, rows, _U(start), _U(line), scratch, t, n)
                _sample(source, width, height, filter_table, scratch, places, room, t, _0, n)
                for i in range(n):
                    for c in range(_4):
                        target[_U(line), _U(start) + i, c] = scratch[t, _RGBA + _4 * i + c]


@_parallel
def encode(outer: Array, colour: Colour, scratch: Array, places: Array, threads: int, out: Array) -> None:
    """``out`` (h w) words: the finished picture of ``outer`` (h w 4) float32."""
    room, finished = _U(scratch.ctypes.data), _U(out.ctypes.data)
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, out.shape[0], threads):
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = _U(min(TILE_WIDTH, out.shape[1] - start))
                for i in range(n):
                    for c in range(_4):
                        scratch[t, _RGBA + _4 * i + c] = outer[_U(line), _U(start) + i, c]
                _encode(scratch, places, room, t, _0, n, colour, _U(start), _U(line), finished, out)


@_parallel
def mix_and_encode(
    first: Array,
    second: Array,
    fraction: Scalar,
    colour: Colour,
    scratch: Array,
    places: Array,
    threads: int,
    mixed: Array,
    out: Array,
) -> None:
    """``mixed`` (h w 4) becomes ``first`` and a ``fraction`` of the way to ``second``, ``out`` its finished picture."""
    room, finished = _U(scratch.ctypes.data), _U(out.ctypes.data)
    for thread in prange(threads):
        t = _U(thread)
        for line in range(thread, out.shape[0], threads):
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = _U(min(TILE_WIDTH, out.shape[1] - start))
                for i in range(n):
                    for c in range(_4):
                        a, b = first[_U(line), _U(start) + i, c], second[_U(line), _U(start) + i, c]
                        value = a + fraction * (b - a)
                        mixed[_U(line), _U(start) + i, c] = value
                        scratch[t, _RGBA + _4 * i + c] = value
                _encode(scratch, places, room, t, _0, n, colour, _U(start), _U(line), finished, out)


@_inlined
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


@_inlined
def _project(columns: Array, rows: Array, column: Scalar, row: Scalar, scratch: Array, t: Scalar, n: Scalar) -> None:
    """Pixel coordinates u, v of a strip, from the homogeneous ones of its columns and its row."""
    row_u, row_v, row_w = rows[_0, row], rows[_1, row], rows[_2, row]
    for i in range(n):
        inverse = _ONE / (columns[_2, column + i] + row_w)
        scratch[t, i] = (columns[_0, column + i] + row_u) * inverse
        scratch[t, _V + i] = (columns[_1, column + i] + row_v) * inverse


@_inlined
def _weigh(
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


@_inlined
def _weighted(scratch: Array, t: Scalar, n: Scalar) -> tuple[Scalar, Scalar]:
    """The first pixel of a strip that has a weight, and the one after the last; twice 0 where none has."""
    first, end = _0, n
    while end > first and not scratch[t, _WEIGHT + end - _1] > _ZERO:
        end -= _1
    while first < end and not scratch[t, _WEIGHT + first] > _ZERO:
        first += _1
    return first, end


@_inlined
def _keep(encoded: Array, x: Scalar, end: Scalar, y: Scalar, out: Array) -> None:
    """The outer picture's words from column ``x`` up to ``end``."""
    for i in range(x, end):
        out[y, i] = encoded[y, i]


@_inlined
def _sample(
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
    row_bytes = _U(width_px) * _16
    strip = room + _4 * t * _U(SCRATCH)
    target = strip + _4 * _RGBA
    if filter_table[_0, _1] == _ZERO and filter_table[_2, _0] == _ZERO:  # bilinear
        for i in range(first, end):
            start = source + _U(places[t, _PLACE + i]) * _16
            sample_two(start, row_bytes, scratch[t, i], scratch[t, _V + i], target + i * _16)
        return
    for k in range(_4):
        cubic, square, linear, constant = (
            filter_table[_0, k], filter_table[_1, k], filter_table[_2, k], filter_table[_3, k],
        )  # fmt: skip
        for i in range(first, end):
            f, g = scratch[t, i], scratch[t, _V + i]
            scratch[t, _ACROSS + k * _U(TILE_WIDTH) + i] = ((cubic * f + square) * f + linear) * f + constant
            scratch[t, _DOWN + k * _U(TILE_WIDTH) + i] = ((cubic * g + square) * g + linear) * g + constant
    second = row_bytes + _16  # of 4×4 pixels, from their first
    for i in range(first, end):
        start = source + _U(places[t, _PLACE + i]) * _16 - second
        sample_four(start, row_bytes, strip + _4 * (_ACROSS + i), _U(4 * TILE_WIDTH), target + i * _16)


@_inlined
def _fetch_ahead(
    source: Scalar, columns: Array, rows: Array, column: Scalar, row: Scalar, width: int, places: Array, t: Scalar,
    first: Scalar, end: Scalar,
) -> None:  # fmt: skip
    """Fetch what the strip two rows further down will read: all of it as far away as its middle is."""
    further = min(row + _2, _U(rows.shape[1]) - _1)
    one, other = columns[_2, column] + rows[_2, row], columns[_2, column] + rows[_2, further]
    if not (one > _ZERO and other > _ZERO):
        return
    across = (columns[_0, column] + rows[_0, further]) / other - (columns[_0, column] + rows[_0, row]) / one
    down = (columns[_1, column] + rows[_1, further]) / other - (columns[_1, column] + rows[_1, row]) / one
    if not (abs(across) < _FAR and abs(down) < _FAR):
        return
    ahead = source + _U((np.int64(down + _ONE) * width + np.int64(across)) * 16)
    for i in range(first, end, _4):
        fetch(ahead + _U(places[t, _PLACE + i]) * _16)


@_inlined
def _blend(
    outer: Scalar, width: int, x: Scalar, y: Scalar, scratch: Array, room: Scalar, t: Scalar, first: Scalar, end: Scalar
) -> None:
    """Pixels of a strip over those of the picture at ``outer``."""
    target = room + _4 * (t * _U(SCRATCH) + _RGBA)
    line = outer + _16 * (y * _U(width) + x)
    for i in range(first, end):
        blend_one(line + i * _16, scratch[t, _WEIGHT + i], target + i * _16)


@_inlined
def _encode(
    scratch: Array, places: Array, room: Scalar, t: Scalar, first: Scalar, end: Scalar, colour: Colour, x: Scalar,
    y: Scalar, finished: Scalar, out: Array,
) -> None:  # fmt: skip
    """Finished words of a strip's pixels from ``first`` up to ``end``, whose pixel 0 is (x, y) on the canvas."""
    kind, scale, limit, direct, decode, encode_, matrix, rounding, shift, opaque = colour
    strip = room + _4 * t * _U(SCRATCH)
    pixels = strip + _4 * _RGBA
    if kind == TABLE:
        _look_up(direct, pixels, first, end)
    elif kind == MIXING:
        _look_up(decode, pixels, first, end)
        _mix(matrix, scratch, t, first, end)
        _look_up(encode_, pixels, first, end)
    # Words of a last group that is not whole wait where u and v are no longer needed
    whole = first + ((end - first) & ~_3)
    place = y * _U(out.shape[1]) + x
    if shift == _HALVES:
        target = finished + _8 * place
        for i in range(first, whole, _4):
            halve_four(pixels + i * _16, scale, limit, target + i * _8)
        if whole < end:
            halve_four(pixels + whole * _16, scale, limit, strip)
            for i in range(end - whole):
                low, high = _U(np.uint32(places[t, _2 * i])), _U(np.uint32(places[t, _2 * i + _1]))
                out[y, x + whole + i] = low | high << _32
        return
    target = finished + _4 * place
    offsets = rounding + (y & _7) * _U(ROUNDING_ROW * 4)
    for i in range(first, whole, _4):
        offset = offsets + ((x + i) & _7) * _16
        pack_four(pixels + i * _16, scale, limit, offset, shift, opaque, target + i * _4)
    if whole < end:
        offset = offsets + ((x + whole) & _7) * _16
        pack_four(pixels + whole * _16, scale, limit, offset, shift, opaque, strip)
        for i in range(end - whole):
            out[y, x + whole + i] = np.uint32(places[t, i])


@_inlined
def _mix(matrix: Array, scratch: Array, t: Scalar, first: Scalar, end: Scalar) -> None:
    """A balance of linear light, in place."""
    for i in range(first, end):
        k = _RGBA + _4 * i
        r, g, b = scratch[t, k], scratch[t, k + _1], scratch[t, k + _2]
        scratch[t, k] = matrix[_0, _0] * r + matrix[_0, _1] * g + matrix[_0, _2] * b
        scratch[t, k + _1] = matrix[_1, _0] * r + matrix[_1, _1] * g + matrix[_1, _2] * b
        scratch[t, k + _2] = matrix[_2, _0] * r + matrix[_2, _1] * g + matrix[_2, _2] * b


@_inlined
def _look_up(table: Scalar, pixels: Scalar, first: Scalar, end: Scalar) -> None:
    """``lookup.evaluate`` of every channel, in place, by a table at an address."""
    for i in range(first, end, _4):
        look_up_four(table, pixels + i * _16)
