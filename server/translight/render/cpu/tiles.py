"""Binning: for each tile of the picture, the splats that can touch it, near ones first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from translight.render.cpu.jit import inlined, kernel
from translight.render.cpu.project import REACH_X, REACH_Y, RECORD, X, Y

TILE_PX = 32


@inlined
def _span(centre: Any, reach: Any, pixels: int) -> tuple[int, int]:
    """First and one-past-last tile along one axis."""
    half = np.float32(0.5)
    first: Any = max(math.ceil(centre - reach - half), np.float32(0.0))
    last: Any = min(math.floor(centre + reach - half), np.float32(pixels - 1))
    return int(first) // TILE_PX, int(last) // TILE_PX + 1


@kernel
def count_pairs(records: Any, order: Any, n: int, width: int, height: int, starts: Any) -> int:
    """``starts[t + 1]`` becomes where tile t's list ends, so that ``starts[t]`` is where it begins."""
    starts[:] = 0
    columns = -(-width // TILE_PX)
    for i in range(n):
        slot = order[i]
        record = records[slot * RECORD : slot * RECORD + RECORD]
        x0, x1 = _span(record[X], record[REACH_X], width)
        y0, y1 = _span(record[Y], record[REACH_Y], height)
        for ty in range(y0, y1):
            for tx in range(x0, x1):
                starts[ty * columns + tx + 1] += 1
    for t in range(len(starts) - 1):
        starts[t + 1] += starts[t]
    return starts[-1]


@kernel
def scatter_pairs(
    records: Any, order: Any, n: int, width: int, height: int, starts: Any, cursors: Any, pairs: Any
) -> None:
    """Write each splat's slot into the list of every tile it can touch, in depth order."""
    columns = -(-width // TILE_PX)
    cursors[:] = starts[:-1]
    for i in range(n):
        slot = order[i]
        record = records[slot * RECORD : slot * RECORD + RECORD]
        x0, x1 = _span(record[X], record[REACH_X], width)
        y0, y1 = _span(record[Y], record[REACH_Y], height)
        for ty in range(y0, y1):
            for tx in range(x0, x1):
                tile = ty * columns + tx
                pairs[cursors[tile]] = slot
                cursors[tile] += 1
