"""Binning: for each tile of the picture, the splats that can touch it, near ones first."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.memory import get, put

SPARE = 3
"""Tiles that there are not, after the last: where the corners that a splat does not have are counted and written."""
PAIRS_SPARE = 16
"""Pairs that are written to no tile's list, for each worker."""


@parallel_kernel
def count_pairs(order: Any, n: int, columns: Any, rows: Any, across: int, spans: Any, places: Any, starts: Any) -> int:
    """How many pairs of a splat and a tile there are; ``starts`` (tiles + 1) is where each tile's list begins.

    ``columns`` and ``rows`` are ``project``'s spans of tiles, copied into ``spans`` in depth order. Worker w will
    write its share of tile t's list from ``places[w, t]`` on; ``places`` is (workers, tiles + SPARE).
    """
    workers, tiles = len(places), len(starts) - 1
    for w in numba.prange(workers):
        _count(order, n * w // workers, n * (w + 1) // workers, columns, rows, across, spans, places[w])
    total = 0
    for t in range(tiles):
        starts[t] = total
        for w in range(workers):
            count = places[w, t]
            places[w, t] = total
            total += count
    starts[tiles] = total
    for w in range(workers):
        places[w, tiles:] = total + w * PAIRS_SPARE
    return total


@parallel_kernel
def scatter_pairs(order: Any, n: int, across: int, spans: Any, places: Any, pairs: Any) -> None:
    """Write each splat's place into the list of every tile that it can touch."""
    workers = len(places)
    for w in numba.prange(workers):
        _scatter(order, n * w // workers, n * (w + 1) // workers, across, spans, places[w], pairs)


@kernel
def _count(order: Any, begin: int, end: int, columns: Any, rows: Any, across: int, spans: Any, counts: Any) -> None:
    counts[:] = 0
    tiles = len(counts) - SPARE
    for i in range(begin, end):
        slot = get(order, i) & 0xFFFFFFFF
        column, row = np.int64(get(columns, slot)), np.int64(get(rows, slot))
        put(spans, i, (row << 32) | column)
        x, y = column & 0xFFFF, row & 0xFFFF
        wide, high = (column >> 16) - x, (row >> 16) - y
        first = y * across + x
        if (wide | high) <= 1:
            # Most splats: four corners, of which some are not there, without a branch that cannot be foretold.
            put(counts, first, get(counts, first) + 1)
            right = first + 1 if wide else tiles
            put(counts, right, get(counts, right) + wide)
            below = first + across if high else tiles + 1
            put(counts, below, get(counts, below) + high)
            last = first + across + 1 if wide & high else tiles + 2
            put(counts, last, get(counts, last) + (wide & high))
        else:
            for ty in range(high + 1):
                for tile in range(first + ty * across, first + ty * across + wide + 1):
                    put(counts, tile, get(counts, tile) + 1)


@kernel
def _scatter(order: Any, begin: int, end: int, across: int, spans: Any, places: Any, pairs: Any) -> None:
    tiles = len(places) - SPARE
    for i in range(begin, end):
        slot = get(order, i) & 0xFFFFFFFF
        span = get(spans, i)
        column, row = span & 0xFFFFFFFF, span >> 32
        x, y = column & 0xFFFF, row & 0xFFFF
        wide, high = (column >> 16) - x, (row >> 16) - y
        first = y * across + x
        if (wide | high) <= 1:
            _append(places, first, 1, pairs, slot)
            _append(places, first + 1 if wide else tiles, wide, pairs, slot)
            _append(places, first + across if high else tiles + 1, high, pairs, slot)
            _append(places, first + across + 1 if wide & high else tiles + 2, wide & high, pairs, slot)
        else:
            for ty in range(high + 1):
                for tile in range(first + ty * across, first + ty * across + wide + 1):
                    _append(places, tile, 1, pairs, slot)


@inlined
def _append(places: Any, tile: int, count: int, pairs: Any, slot: int) -> None:
    place = get(places, tile)
    put(pairs, place, slot)
    put(places, tile, place + count)
