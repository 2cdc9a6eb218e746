"""Blending: each tile's splats, front to back, into the frame (Kerbl et al. 2023, eq. 3), a 4×4 quad at a time.

Two phases for each run of a quad's splats: their alphas into a small buffer, where nothing waits for anything, and
then the sums in registers, where only the transmittance does. Fused, the two would starve the processor's scheduler.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, ALPHA_MAX, HALF, TRANSMITTANCE_STOP
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.lists import (
    BATCH,
    BLOCK_PX,
    BLOCKS,
    LOCAL,
    QUAD_PX,
    U,
    V,
    list_blocks,
    list_quad,
    load_batch,
)
from translight.render.cpu.memory import add_atomically, get, load, put, store, store_interleaved, store_rows
from translight.render.cpu.powers import exp2
from translight.render.cpu.project import BLUE, DEPTH, GREEN, LOG2_ALPHA, RED, TILE_PX, P, Q, R
from translight.render.cpu.simd import LANES, floats, lane_bits, lane_numbers, less_product, select, smaller

RUN = 32
"""Splats whose alphas are buffered together."""
HALVES = QUAD_PX * QUAD_PX // LANES
"""Vectors that hold a quad."""
PLANES = 6
"""Transmittance, weight, red, green, blue and depth (weighted, or the median) of a vector's pixels."""
EXPECTED, MEDIAN, NONE = 0, 1, 2
"""Which depth is drawn: contract.py's, in its order."""
_STATE = TILE_PX * TILE_PX * PLANES

_LOCAL_AT = _STATE
_TEST_AT = _LOCAL_AT + BATCH * LOCAL + 16
_ALPHA_AT = _TEST_AT + 8 * BATCH + 16
FLOATS_A_WORKER = _ALPHA_AT + RUN * LANES * HALVES
_OFFSETS_AT = BLOCKS * BATCH + 16
INTS_A_WORKER = _OFFSETS_AT + BATCH + 16
"""Scratch of a worker."""

LOG2_CUT, LOG2_MAX = np.float32(math.log2(ALPHA_CUT)), np.float32(math.log2(ALPHA_MAX))
STOP, _HALF = np.float32(TRANSMITTANCE_STOP), np.float32(HALF)


@parallel_kernel
def blend(
    records: Any, pairs: Any, starts: Any, kind: int, rgba: Any, depth: Any, width: int, floats_: Any, ints_: Any,
    lengths: Any, ticket: Any,
) -> None:  # fmt: skip
    """Draw every tile into ``rgba`` and ``depth``, both flat; workers take the next tile that none has taken.

    ``kind`` says which depth. ``floats_``, ``ints_`` and ``lengths`` hold a row of scratch for each worker.
    """
    ticket[0] = 0
    for w in numba.prange(len(floats_)):
        _blend_tiles(records, pairs, starts, kind, rgba, depth, width, floats_[w], ints_[w], lengths[w], ticket)


@kernel
def _blend_tiles(
    records: Any, pairs: Any, starts: Any, kind: int, rgba: Any, depth: Any, width: int, floats_: Any, ints_: Any,
    lengths: Any, ticket: Any,
) -> None:  # fmt: skip
    height = len(depth) // width
    columns, rows = -(-width // TILE_PX), -(-height // TILE_PX)
    while True:
        tile = add_atomically(ticket, 0, 1)
        if tile >= columns * rows:
            break
        x, y = tile % columns * TILE_PX, tile // columns * TILE_PX
        blend_tile(records, pairs, starts[tile], starts[tile + 1], x, y, kind, floats_, ints_, lengths)
        _write(floats_, kind, x, y, width, height, rgba, depth)


@kernel
def blend_tile(
    records: Any, pairs: Any, begin: int, end: int, x: int, y: int, kind: int, floats_: Any, ints_: Any, lengths: Any
) -> None:
    """Blend a tile's list into the tile's state: at the beginning of ``floats_``, block by block and quad by quad."""
    state, local = floats_[:_STATE], floats_[_LOCAL_AT:_TEST_AT]
    test, alphas = floats_[_TEST_AT:_ALPHA_AT], floats_[_ALPHA_AT:]
    entries, offsets = ints_[:_OFFSETS_AT], ints_[_OFFSETS_AT:]
    _clear(state, kind)
    while begin < end:
        count = min(end - begin, BATCH)
        load_batch(records, pairs, begin, count, x, y, local, test)
        list_blocks(test, count, entries, lengths)
        live = False
        for block in range(BLOCKS):
            live |= _blend_block(local, entries, lengths, block, kind, offsets, alphas, state)
        if not live:
            break
        begin += count


@kernel
def _clear(state: Any, kind: int) -> None:
    for at in range(0, len(state), PLANES * LANES):
        store(state, at, floats(np.float32(1.0)))
        for plane in range(1, PLANES):
            store(state, at + plane * LANES, floats(np.float32(0.0)))
        if kind == MEDIAN:
            store(state, at + 5 * LANES, floats(np.float32(np.inf)))


@kernel
def _blend_block(
    local: Any, entries: Any, lengths: Any, block: int, kind: int, offsets: Any, alphas: Any, state: Any
) -> bool:
    """Blend a block's list into its four quads; False when every pixel of it has ended."""
    length = get(lengths, block)
    live = False
    x, y = block % (TILE_PX // BLOCK_PX) * BLOCK_PX, block // (TILE_PX // BLOCK_PX) * BLOCK_PX
    for quad in range(4):
        count = list_quad(entries, block * BATCH, length, (1 << (quad % 2)) << (quad // 2 * 8), offsets)
        at = (block * 4 + quad) * HALVES * PLANES * LANES
        left, top = x + quad % 2 * QUAD_PX, y + quad // 2 * QUAD_PX
        live |= _blend_quad(local, offsets, count, left, top, kind, alphas, state, at)
    return live


@kernel
def _blend_quad(
    local: Any, offsets: Any, count: int, left: int, top: int, kind: int, alphas: Any, state: Any, at: int
) -> bool:
    """Blend a list into a quad; where it takes two vectors, both are live until both have ended."""
    x = floats((lane_numbers() & 3) + left)
    y = floats((lane_numbers() >> 2) + top)
    lower = at + (HALVES - 1) * PLANES * LANES
    live = lane_bits((load(state, at) > STOP) | (load(state, lower) > STOP)) != 0
    begin = 0
    while live and begin < count:
        run = min(count - begin, RUN)
        _alphas(local, offsets, begin, run, x, y, alphas)
        live = _sum(local, offsets, begin, run, kind, alphas, 0, state, at)
        if HALVES == 2:
            live |= _sum(local, offsets, begin, run, kind, alphas, LANES, state, lower)
        begin += run
    return live


@inlined
def _alphas(local: Any, offsets: Any, begin: int, run: int, x: Any, y: Any, alphas: Any) -> None:
    """The first phase: the alphas of a run of splats in a quad, those below the cut 0."""
    for j in range(run):
        i = get(offsets, begin + j)
        across = get(local, i + P) * x + floats(get(local, i + U))
        store(alphas, HALVES * j * LANES, _alpha(local, i, across, y))
        if HALVES == 2:
            store(alphas, (HALVES * j + 1) * LANES, _alpha(local, i, across, y + np.float32(QUAD_PX // HALVES)))


@inlined
def _sum(
    local: Any, offsets: Any, begin: int, run: int, kind: int, alphas: Any, half: int, state: Any, at: int
) -> bool:
    """The second phase, for one vector of pixels: whether any of them goes on."""
    transmittance, weight = load(state, at), load(state, at + LANES)
    red, green, blue = load(state, at + 2 * LANES), load(state, at + 3 * LANES), load(state, at + 4 * LANES)
    depth = load(state, at + 5 * LANES)
    for j in range(run):
        i = get(offsets, begin + j)
        alpha = load(alphas, HALVES * j * LANES + half)
        left = less_product(transmittance, alpha, transmittance)
        # What is left only falls, so a pixel that has ended stays so without being marked.
        w = select(left > STOP, alpha * transmittance, np.float32(0.0))
        if kind == EXPECTED:
            depth = depth + w * get(local, i + DEPTH)
        elif kind == MEDIAN:
            depth = select((transmittance > _HALF) & (left <= _HALF), get(local, i + DEPTH), depth)
        transmittance, weight = left, weight + w
        red = red + w * get(local, i + RED)
        green = green + w * get(local, i + GREEN)
        blue = blue + w * get(local, i + BLUE)
    going = transmittance > STOP
    # Zero, before products of small numbers reach the denormal ones, with which processors are slow.
    store(state, at, select(going, transmittance, np.float32(0.0)))
    store(state, at + LANES, weight)
    store(state, at + 2 * LANES, red)
    store(state, at + 3 * LANES, green)
    store(state, at + 4 * LANES, blue)
    store(state, at + 5 * LANES, depth)
    return lane_bits(going) != 0


@inlined
def _alpha(local: Any, i: int, across: Any, y: Any) -> Any:
    """A splat's alpha in a vector's pixels, 0 below the cut; ``across`` is P·x + U."""
    u = get(local, i + Q) * y + across
    v = get(local, i + R) * y + floats(get(local, i + V))
    e = floats(get(local, i + LOG2_ALPHA)) - v * v - u * u
    return select(e >= LOG2_CUT, exp2(smaller(e, LOG2_MAX)), np.float32(0.0))


@kernel
def _write(state: Any, kind: int, x0: int, y0: int, width: int, height: int, rgba: Any, depth: Any) -> None:
    rows = LANES // QUAD_PX
    at = 0
    for block in range(BLOCKS):
        for quad in range(4):
            for half in range(HALVES):
                x = x0 + block % (TILE_PX // BLOCK_PX) * BLOCK_PX + quad % 2 * QUAD_PX
                y = y0 + block // (TILE_PX // BLOCK_PX) * BLOCK_PX + quad // 2 * QUAD_PX + half * rows
                weight = load(state, at + LANES)
                z = load(state, at + 5 * LANES)
                if kind == EXPECTED:
                    z = select(weight > np.float32(0.0), z / weight, np.float32(np.inf))
                if x + QUAD_PX <= width and y + rows <= height:
                    store_interleaved(
                        rgba, (y * width + x) * 4, width * 4, load(state, at + 2 * LANES),
                        load(state, at + 3 * LANES), load(state, at + 4 * LANES), weight,
                    )  # fmt: skip
                    if kind != NONE:
                        store_rows(depth, y * width + x, width, z)
                else:
                    store(state, at + 5 * LANES, z)
                    for lane in range(LANES):
                        px, py = x + lane % QUAD_PX, y + lane // QUAD_PX
                        if px < width and py < height:
                            for channel in range(3):
                                put(
                                    rgba, (py * width + px) * 4 + channel, get(state, at + (2 + channel) * LANES + lane)
                                )
                            put(rgba, (py * width + px) * 4 + 3, get(state, at + LANES + lane))
                            if kind != NONE:
                                put(depth, py * width + px, get(state, at + 5 * LANES + lane))
                at += PLANES * LANES
