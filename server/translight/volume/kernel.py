"""The compositor's inner loops, compiled: whole pictures, strip by strip (strips.py).

Called from one thread at a time, they run on all of Numba's threads without the GIL and allocate nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, prange

from translight.colour import lookup
from translight.core.kernel_cache import cached
from translight.volume.lanes import take_ticket
from translight.volume.strips import (
    RGBA,
    Array,
    Colour,
    Scalar,
    U,
    blend,
    encode_strip,
    fetch_ahead,
    inlined,
    keep,
    project,
    sample,
    weigh,
    weighted,
)
from translight.volume.surfaces import NO_WALL, TILE_WIDTH

_OUTSIDE, _MIXED, _INSIDE = 0, 1, 2
_0, _1, _4, _8 = (np.uint64(v) for v in (0, 1, 4, 8))

_compiled = njit(parallel=True, error_model="numpy", nogil=True, fastmath={"contract"})


def _parallel(function: Callable[..., Any]) -> Any:
    """Over Numba's threads; the colour tables' layout is compiled in."""
    return cached(_compiled(function), Path(lookup.__file__).parent)


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
    versions: Array,
    shown: Array,
    out: Array,
) -> None:
    """``out`` (h w) words: ``picture`` (h w 4) where it reaches, over the outer one (floats, and ``encoded``).

    ``tiles`` (n 6): canvas x, y, width, height, first column, first row; ``spheres`` (n 4) around them. A thread takes
    the next tile that none has taken (``ticket``, one int64), so one that the system interrupts holds nobody up. When a
    tile is filled, the one of ``unfinished`` (k) that its ``bands`` (n) names is counted up.
    ``shown`` (n) is which version of ``encoded`` alone stands in each tile of ``out``, 0 where none does; a tile that
    has its own of ``versions`` (n), above 0, is left as it is.
    ``planes`` (10 4): five outside of which nothing shows the picture, five inside of which all does, without feather.
    ``columns`` and ``rows`` (3 n) add up to a pixel's homogeneous place in the picture, the third being its depth.
    """
    ticket[0] = 0
    counter, counts = U(ticket.ctypes.data), U(unfinished.ctypes.data)
    source, room = U(picture.ctypes.data), U(scratch.ctypes.data)
    width, height = picture.shape[1], picture.shape[0]
    behind, finished = U(outer.ctypes.data), U(out.ctypes.data)
    for thread in prange(threads):
        t = U(thread)
        while True:
            index = take_ticket(counter)
            if index >= tiles.shape[0]:
                break
            x, y, n, lines = U(tiles[index, 0]), U(tiles[index, 1]), U(tiles[index, 2]), U(tiles[index, 3])
            reach = _OUTSIDE if tiles[index, 4] == NO_WALL else _classify(spheres, planes, index)
            if reach == _OUTSIDE:
                if shown[index] != versions[index]:
                    for line in range(y, y + lines):
                        keep(encoded, x, x + n, line, out)
                    shown[index] = versions[index]
                take_ticket(counts + _8 * U(bands[index]))
                continue
            column, row = U(tiles[index, 4]), U(tiles[index, 5])
            first, end = _0, n
            shown[index] = 0
            for line in range(lines):
                project(columns, rows, column, row + line, scratch, t, n)
                if reach == _MIXED:
                    weigh(columns, rows, column, row + line, width, height, near_m, feather, scratch, t, n)
                    first, end = weighted(scratch, t, n)
                    keep(encoded, x, x + first, y + line, out)
                    keep(encoded, x + end, x + n, y + line, out)
                sample(source, width, height, filter_table, scratch, places, room, t, first, end)
                fetch_ahead(source, columns, rows, column + (n >> _1), row + line, width, places, t, first, end)
                if reach == _MIXED:
                    blend(behind, out.shape[1], x, y + line, scratch, room, t, first, end)
                encode_strip(scratch, places, room, t, first, end, colour, x, y + line, finished, out)
            take_ticket(counts + _8 * U(bands[index]))


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
    source, room = U(picture.ctypes.data), U(scratch.ctypes.data)
    width, height = picture.shape[1], picture.shape[0]
    for thread in prange(threads):
        t = U(thread)
        for line in range(thread, target.shape[0], threads):
            for start in range(0, target.shape[1], TILE_WIDTH):
                n = U(min(TILE_WIDTH, target.shape[1] - start))
                project(columns, rows, U(start), U(line), scratch, t, n)
                sample(source, width, height, filter_table, scratch, places, room, t, _0, n)
                for i in range(n):
                    for c in range(_4):
                        target[U(line), U(start) + i, c] = scratch[t, RGBA + _4 * i + c]


@_parallel
def encode(outer: Array, colour: Colour, scratch: Array, places: Array, threads: int, out: Array) -> None:
    """``out`` (h w) words: the finished picture of ``outer`` (h w 4) float32."""
    room, finished = U(scratch.ctypes.data), U(out.ctypes.data)
    for thread in prange(threads):
        t = U(thread)
        for line in range(thread, out.shape[0], threads):
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = U(min(TILE_WIDTH, out.shape[1] - start))
                for i in range(n):
                    for c in range(_4):
                        scratch[t, RGBA + _4 * i + c] = outer[U(line), U(start) + i, c]
                encode_strip(scratch, places, room, t, _0, n, colour, U(start), U(line), finished, out)


@_parallel
def encode_tiles(
    tiles: Array, which: Array, outer: Array, colour: Colour, scratch: Array, places: Array, threads: int, out: Array
) -> None:
    """``encode``, of the ``tiles`` (n 6) that ``which`` (k) names alone."""
    room, finished = U(scratch.ctypes.data), U(out.ctypes.data)
    for thread in prange(threads):
        t = U(thread)
        for number in range(thread, which.shape[0], threads):
            index = which[number]
            x, y, n, lines = U(tiles[index, 0]), U(tiles[index, 1]), U(tiles[index, 2]), U(tiles[index, 3])
            for line in range(y, y + lines):
                for i in range(n):
                    for c in range(_4):
                        scratch[t, RGBA + _4 * i + c] = outer[line, x + i, c]
                encode_strip(scratch, places, room, t, _0, n, colour, x, line, finished, out)


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
    room, finished = U(scratch.ctypes.data), U(out.ctypes.data)
    for thread in prange(threads):
        t = U(thread)
        for line in range(thread, out.shape[0], threads):
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = U(min(TILE_WIDTH, out.shape[1] - start))
                for i in range(n):
                    for c in range(_4):
                        a, b = first[U(line), U(start) + i, c], second[U(line), U(start) + i, c]
                        value = a + fraction * (b - a)
                        mixed[U(line), U(start) + i, c] = value
                        scratch[t, RGBA + _4 * i + c] = value
                encode_strip(scratch, places, room, t, _0, n, colour, U(start), U(line), finished, out)


@_parallel
def sample_and_encode(
    columns: Array, rows: Array, picture: Array, filter_table: Array, colour: Colour, scratch: Array, places: Array,
    threads: int, out: Array,
) -> None:  # fmt: skip
    """``out`` (h w) words: the finished picture of ``picture`` at pixels whose columns and rows are projected."""
    source, room, finished = U(picture.ctypes.data), U(scratch.ctypes.data), U(out.ctypes.data)
    width, height = picture.shape[1], picture.shape[0]
    for thread in prange(threads):
        t = U(thread)
        for line in range(thread, out.shape[0], threads):
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = U(min(TILE_WIDTH, out.shape[1] - start))
                project(columns, rows, U(start), U(line), scratch, t, n)
                sample(source, width, height, filter_table, scratch, places, room, t, _0, n)
                encode_strip(scratch, places, room, t, _0, n, colour, U(start), U(line), finished, out)


@_parallel
def encode_depth(
    depth: Array, columns: Array, rows: Array, colour: Colour, scratch: Array, places: Array, threads: int, out: Array
) -> None:
    """``out`` (h w) words: ``depth`` at the pixels that ``columns`` (w) and ``rows`` (h), int64, name, as three equal
    channels; picked and not averaged, for between two depths there is nothing."""
    room, finished = U(scratch.ctypes.data), U(out.ctypes.data)
    for thread in prange(threads):
        t = U(thread)
        for line in range(thread, out.shape[0], threads):
            row = U(rows[line])
            for start in range(0, out.shape[1], TILE_WIDTH):
                n = U(min(TILE_WIDTH, out.shape[1] - start))
                for i in range(n):
                    value = depth[row, U(columns[U(start) + i])]
                    for c in range(_4):
                        scratch[t, RGBA + _4 * i + c] = value
                encode_strip(scratch, places, room, t, _0, n, colour, U(start), U(line), finished, out)


@inlined
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
