"""What the processor could do, and what a frame asked of it: the measured FMA peak, and the fragments blended."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from translight.render.contract import ALPHA_CUT, ALPHA_MAX, TRANSMITTANCE_STOP
from translight.render.cpu.jit import inlined, kernel, on_threads, parallel_kernel
from translight.render.cpu.memory import load, store
from translight.render.cpu.project import LOG2_ALPHA, RECORD, TILE_PX, P, Q, R, X, Y
from translight.render.cpu.simd import LANES

if TYPE_CHECKING:
    from translight.render.cpu.renderer import CpuRenderer

FMAS_A_FRAGMENT = 14
"""Multiplications, with an addition or without, that blend.py does for a pixel and a splat: 8 for alpha, 6 to blend."""

_CHAINS = 10
"""Independent sums: latency times throughput of the processors we know."""
_LOG2_CUT = math.log2(ALPHA_CUT)
_TURNS = 20_000
_TRIES = 150


@cache
def fma_peak(threads: int) -> float:
    """Fused multiply-adds of float32 a second, over all lanes and ``threads``: the best of many short tries, once."""
    room = np.random.default_rng(0).uniform(0.1, 0.9, (threads, (_CHAINS + 2) * LANES)).astype(np.float32)
    best = np.inf
    with on_threads(threads):
        for _ in range(_TRIES):
            begin = time.perf_counter()
            _multiply_add(room, _TURNS)
            best = min(best, time.perf_counter() - begin)
    return float(threads * _TURNS * _CHAINS * LANES / best)


@parallel_kernel
def _multiply_add(room: Any, turns: int) -> None:
    for w in numba.prange(len(room)):
        _chains(room[w], turns)


@kernel
def _chains(room: Any, turns: int) -> None:
    """Each chain from numbers of its own, or the compiler would see that they are the same."""
    factor, addend = load(room, _CHAINS * LANES), load(room, (_CHAINS + 1) * LANES)
    a, b, c, d, e = _five(room, 0)
    f, g, h, i, j = _five(room, 5 * LANES)
    for _ in range(turns):
        a, b, c = a * factor + addend, b * factor + addend, c * factor + addend
        d, e, f = d * factor + addend, e * factor + addend, f * factor + addend
        g, h, i, j = g * factor + addend, h * factor + addend, i * factor + addend, j * factor + addend
    store(room, 0, a + b + c + d + e + f + g + h + i + j)


@inlined
def _five(room: Any, at: int) -> Any:
    return (
        load(room, at), load(room, at + LANES), load(room, at + 2 * LANES), load(room, at + 3 * LANES),
        load(room, at + 4 * LANES),
    )  # fmt: skip


def fragments(renderer: CpuRenderer, width_px: int, height_px: int) -> int:
    """How many pixel–splat pairs the last render blended: alpha not below the cut, in a pixel that had not ended.

    ``width_px`` and ``height_px`` are that render's, of one view. Takes seconds: it blends again, pixel by pixel.
    Raises ValueError when nothing has been drawn.
    """
    if renderer.lists is None:
        raise ValueError("nothing has been drawn yet")
    records, pairs, starts = renderer.lists
    return int(_count(records, pairs, starts, width_px, height_px))


@parallel_kernel
def _count(records: Any, pairs: Any, starts: Any, width: int, height: int) -> int:
    total = 0
    for tile in numba.prange(len(starts) - 1):
        total += _count_tile(records, pairs, starts[tile], starts[tile + 1], tile, width, height)
    return total


@kernel
def _count_tile(records: Any, pairs: Any, begin: int, end: int, tile: int, width: int, height: int) -> int:
    across = -(-width // TILE_PX)
    x0, y0 = tile % across * TILE_PX, tile // across * TILE_PX
    total = 0
    for y in range(y0, min(y0 + TILE_PX, height)):
        for x in range(x0, min(x0 + TILE_PX, width)):
            left = 1.0
            for k in range(begin, end):
                at = pairs[k] * RECORD
                dx, dy = x + 0.5 - records[at + X], y + 0.5 - records[at + Y]
                u, v = records[at + P] * dx + records[at + Q] * dy, records[at + R] * dy
                exponent = records[at + LOG2_ALPHA] - u * u - v * v
                if exponent >= _LOG2_CUT:
                    kept = 1.0 - min(2.0**exponent, ALPHA_MAX)
                    if left * kept <= TRANSMITTANCE_STOP:
                        break
                    left *= kept
                    total += 1
    return total
