"""Binning: for each tile of the picture, the splats that can touch it, near ones first."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from translight.render.cpu.jit import kernel, parallel_kernel
from translight.render.cpu.memory import get, put


@parallel_kernel
def count_pairs(order: Any, n: int, columns: Any, rows: Any, across: int, spans: Any, places: Any, starts: Any) -> int:
    """How many pairs of a splat and a tile there are; ``starts`` (tiles + 1) is where each tile's list begins.

    ``columns`` and ``rows`` are ``project``'s spans of tiles, copied into ``spans`` in depth order. Worker w will
    write its share of tile t's list from ``places[w, t]`` on.
    """
    workers, tiles = places.shape
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
    for i in range(begin, end):
        slot = get(order, i) & 0xFFFFFFFF
        column, row = np.int64(get(columns, slot)), np.int64(get(rows, slot))
        put(spans, i, (row << 32) | column)
        for ty in range(row & 0xFFFF, (row >> 16) + 1):
            for tx in range(column & 0xFFFF, (column >> 16) + 1):
                tile = ty * across + tx
                put(counts, tile, get(counts, tile) + 1)


@kernel
def _scatter(order: Any, begin: int, end: int, across: int, spans: Any, places: Any, pairs: Any) -> None:
    for i in range(begin, end):
        slot = get(order, i) & 0xFFFFFFFF
        span = get(spans, i)
        column, row = span & 0xFFFFFFFF, span >> 32
        for ty in range(row & 0xFFFF, (row >> 16) + 1):
            for tx in range(column & 0xFFFF, (column >> 16) + 1):
                tile = ty * across + tx
                place = get(places, tile)
                put(pairs, place, slot)
                put(places, tile, place + 1)
