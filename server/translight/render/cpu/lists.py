"""Which 4×4 pixel quads of a tile a splat can touch, sixteen splats at a time, and the lists of quads that gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from translight.render.contract import ALPHA_CUT
from translight.render.cpu.jit import inlined, kernel
from translight.render.cpu.memory import fetch_early, get, load, put, store, store_selected
from translight.render.cpu.project import (
    LOG2_ALPHA,
    REACH_X,
    REACH_Y,
    RECORD,
    TILE_PX,
    P,
    Q,
    R,
    X,
    Y,
)
from translight.render.cpu.simd import (
    LANES,
    bits_of,
    floats,
    ints,
    lane_numbers,
    larger,
    round_down,
    round_up,
    select,
    smaller,
)

BATCH = 1024
"""Splats of a tile that are listed together; a multiple of the lanes."""
QUAD_PX = 4
BLOCK_PX = 8
BLOCKS = (TILE_PX // BLOCK_PX) ** 2
INDEX_SHIFT = 16
"""A list entry is the splat's place in the batch, shifted left by this, and bits of its quads in the block.

Bits 0 and 1 are the upper quads, 8 and 9 the lower ones; the others mean nothing.
"""
LOCAL = 12
"""Floats of a splat's record within a tile: as in project.py with U and V for X and Y, and no reach."""
U, V = X, Y
"""alpha = 2^(LOG2_ALPHA − (P·x + Q·y + U)² − (R·y + V)²), x and y in whole pixels from the tile's first."""

_LOG2_CUT = np.float32(math.log2(ALPHA_CUT))
_SLACK_PX = np.float32(0.01)
_SLACK = np.float32(1.003)
"""Spans are made a little wider than they are: the square root is good to 0.18 %, and float32 rounds."""
_PREFETCH = 12


@kernel
def load_batch(
    records: Any, slots: Any, begin: int, count: int, tile_x: int, tile_y: int, local: Any, test: Any
) -> None:
    """Copy ``count`` splats' records, moved to the tile's own coordinates, and what the test reads, by field."""
    last = len(slots) - 1
    for j in range(count):
        fetch_early(records, np.int64(get(slots, min(begin + j + _PREFETCH, last))) * RECORD)
        at = np.int64(get(slots, begin + j)) * RECORD
        to = j * LOCAL
        for lane in range(0, LOCAL, LANES):
            store(local, to + lane, load(records, at + lane))
        x = get(records, at + X) - np.float32(tile_x) - np.float32(0.5)
        y = get(records, at + Y) - np.float32(tile_y) - np.float32(0.5)
        p, q, r = get(records, at + P), get(records, at + Q), get(records, at + R)
        put(local, to + U, -(p * x + q * y))
        put(local, to + V, -(r * y))
        put(test, j, x)
        put(test, BATCH + j, y)
        put(test, 2 * BATCH + j, p)
        put(test, 3 * BATCH + j, q)
        put(test, 4 * BATCH + j, r)
        put(test, 5 * BATCH + j, get(records, at + LOG2_ALPHA) - _LOG2_CUT)
        put(test, 6 * BATCH + j, get(records, at + REACH_X))
        put(test, 7 * BATCH + j, get(records, at + REACH_Y))


@inlined
def _rough_root(x: Any) -> Any:
    """√x for x ≥ 0 to 0.18 %: x times the well-known first guess of 1/√x with one step of Newton's method."""
    guess = bits_of(0x5F3759DF - (bits_of(x) >> 1))
    return x * guess * (np.float32(1.5) - np.float32(0.5) * x * guess * guess)


@inlined
def _columns(band: int, x: Any, y: Any, r: Any, slope: Any, inverse_p: Any, reach: Any, reach_y: Any, tip: Any) -> Any:
    """Bits of the quads in one four-pixel row of quads that the ellipse can touch.

    Its right border over dy is concave, slope·dy + √(reach − (r·dy)²)/p, with its top at dy = tip; the left border
    mirrors it. So each is farthest out at its own tip, or at that end of the row which is nearer to it.
    """
    upper = np.float32(band * QUAD_PX) - y
    lower = np.float32(band * QUAD_PX + QUAD_PX - 1) - y
    seen = (upper <= reach_y) & (lower >= -np.float32(1.0) * reach_y)
    upper = larger(upper, -np.float32(1.0) * reach_y)
    lower = smaller(lower, reach_y)
    dy = smaller(larger(tip, upper), lower)
    half = _rough_root(larger(reach - (r * dy) * (r * dy), np.float32(1e-20)))
    right = x + _SLACK_PX + slope * dy + half * inverse_p
    dy = smaller(larger(-np.float32(1.0) * tip, upper), lower)
    half = _rough_root(larger(reach - (r * dy) * (r * dy), np.float32(1e-20)))
    left = x - _SLACK_PX + slope * dy - half * inverse_p
    first = ints(round_up(larger(left, np.float32(0.0))))
    last = ints(round_down(smaller(right, np.float32(TILE_PX - 1))))
    seen = seen & (first <= last)
    return select(seen, (ints(2) << (last >> 2)) - (ints(1) << (first >> 2)), 0)


@kernel
def list_blocks(test: Any, count: int, entries: Any, lengths: Any) -> None:
    """Fill each block's list, ``entries[block · BATCH]`` on, in the batch's order; ``lengths`` are theirs."""
    for block in range(BLOCKS):
        put(lengths, block, 0)
    for j in range(0, count, LANES):
        x, y, p = load(test, j), load(test, BATCH + j), load(test, 2 * BATCH + j)
        q, r, reach = load(test, 3 * BATCH + j), load(test, 4 * BATCH + j), load(test, 5 * BATCH + j)
        reach_x, reach_y = load(test, 6 * BATCH + j), load(test, 7 * BATCH + j) + _SLACK_PX
        inverse_p = floats(_SLACK) / p
        slope = -np.float32(1.0) * q / p
        tip = -np.float32(1.0) * (p * q) / (q * q + r * r) * reach_x
        index = lane_numbers() + j
        present = index < count
        high = index << INDEX_SHIFT
        for row in range(TILE_PX // BLOCK_PX):
            quads = _columns(2 * row, x, y, r, slope, inverse_p, reach, reach_y, tip)
            quads = quads | (_columns(2 * row + 1, x, y, r, slope, inverse_p, reach, reach_y, tip) << 8)
            quads = select(present, quads, 0)
            for column in range(TILE_PX // BLOCK_PX):
                shifted = quads >> (2 * column)
                block = row * (TILE_PX // BLOCK_PX) + column
                length = get(lengths, block)
                touched = (shifted & 0x303) != 0
                put(lengths, block, length + store_selected(entries, block * BATCH + length, shifted | high, touched))


@kernel
def list_quad(entries: Any, begin: int, length: int, bit: int, offsets: Any) -> int:
    """From a block's list the splats of one quad, as offsets into the batch's local records; returns how many."""
    n = 0
    for j in range(0, length, LANES):
        entry = load(entries, begin + j)
        wanted = ((entry & bit) != 0) & (lane_numbers() + j < length)
        n += store_selected(offsets, n, (entry >> INDEX_SHIFT) * LOCAL, wanted)
    return n
