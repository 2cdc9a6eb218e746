"""The way back through blending, tile by tile: for each pair of a splat and a tile, sums over the tile's pixels.

Blending runs front to back once more (cpu/blend.py). A pixel's loss hangs on the weights w_i = T_i·α_i by Σ w_i·q_i,
where q_i is the gradient of the pixel's planes times what the splat adds to them. What lies behind splat i is what is
left of that sum, so with ρ = α/(1 − α) and T_{i+1} = T_i·(1 − α_i)
    α_i · ∂loss/∂α_i = ρ_i · (T_{i+1}·q_i − Σ_{j>i} w_j·q_j),
and nothing need be kept from the way forwards but the picture. A splat that is cut off at a pixel has no gradient
there, and one whose alpha is capped none but its colour's. Three phases to a run of splats: alphas, the sums front to
back in registers, and the sums over pixels, for which a splat's lanes are added up once a quad.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from translight.render.cpu.blend import HALVES, LOG2_CUT, LOG2_MAX, STOP
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
from translight.render.cpu.memory import add_atomically, fetch_early, get, load, put, store
from translight.render.cpu.powers import exp2
from translight.render.cpu.project import BLUE, DEPTH, GREEN, LOG2_ALPHA, RECORD, RED, TILE_PX, P, Q, R
from translight.render.cpu.simd import (
    LANES,
    floats,
    lane_bits,
    lane_numbers,
    less_product,
    magnitude,
    select,
    smaller,
)
from translight.render.gradients.picture import ROWS, vector_corner
from translight.render.gradients.rows import add_sums, load_rows

SUMS = 16
"""Floats of a pair's sums: one cache line."""
S, SX, SY, SXX, SXY, SYY, S_RED, S_GREEN, S_BLUE, S_DEPTH, S_ABS_X, S_ABS_Y = range(12)
"""Over pixels, with h = α·∂loss/∂α and the pixel's offset (x, y) from the splat's centre: Σ h, Σ h·x, Σ h·y, Σ h·x²,
Σ h·xy, Σ h·y²; the gradients of colour and depth; and of the centre, the sums of each pixel's magnitudes, as
|P·u| and |Q·u + R·v| times |h|.
"""
PLACE, SPAN_COLUMNS, SPAN_ROWS = 12, 13, 14
"""Behind a splat's record, in room that cpu/project.py leaves: where its sums begin, and its spans of tiles."""
_AHEAD = 8
"""Pairs between asking for a place and writing to it."""
RUN = 16
"""Splats that go through the three phases together, between tests whether their pixels have ended."""
_PLANES = 7
"""Of a vector's pixels: transmittance, what is left of the sum, and the gradients of the picture's five planes."""
_STATE = TILE_PX * TILE_PX * _PLANES
_LOCAL_AT = _STATE
_TEST_AT = _LOCAL_AT + BATCH * LOCAL + 16
_BUFFER_AT = _TEST_AT + 8 * BATCH + 16
_SUMS_AT = _BUFFER_AT + 2 * RUN * LANES * HALVES
FLOATS_A_WORKER = _SUMS_AT + BATCH * LOCAL
_OFFSETS_AT = BLOCKS * BATCH + 16
INTS_A_WORKER = _OFFSETS_AT + BATCH + 16
"""Scratch of a worker."""

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_CENTRE = np.float32((TILE_PX - 1) / 2)


@parallel_kernel
def sum_pairs(
    records: Any, bits: Any, pairs: Any, starts: Any, planes: Any, rgb: Any, alpha: Any, depth: Any, width: int,
    height: int, absolute: bool, sums: Any, floats_: Any, ints_: Any, lengths: Any, ticket: Any,
) -> None:  # fmt: skip
    """Write every pair's sums: those of a splat side by side, from ``place_pairs``' place on, tile by tile.

    ``planes`` is the picture (picture.py), ``rgb`` (3 h w), ``alpha`` and ``depth`` (h w) its gradients, all flat.
    Sums of magnitudes are made where ``absolute`` asks for them. Each pair is one worker's, so that the same sums come
    out on any number of threads.
    """
    ticket[0] = 0
    for w in numba.prange(len(floats_)):
        _sum_tiles(
            records, bits, pairs, starts, planes, rgb, alpha, depth, width, height, absolute, sums, floats_[w],
            ints_[w], lengths[w], ticket,
        )  # fmt: skip


@parallel_kernel
def place_pairs(found: Any, columns: Any, rows: Any, bits: Any, totals: Any) -> int:
    """Write where each splat's sums begin, and its span of tiles, behind its record; returns how many pairs there are.

    ``bits`` are the records' as ints, ``found`` is ``project``'s.
    """
    workers = len(found)
    for w in numba.prange(workers):
        totals[w] = _place(columns, rows, found[w, 0], found[w, 1], 0, bits)
    total = 0
    for w in range(workers):
        count = totals[w]
        totals[w] = total
        total += count
    for w in numba.prange(1, workers):
        for slot in range(found[w, 0], found[w, 0] + found[w, 1]):
            at = slot * RECORD + PLACE
            put(bits, at, get(bits, at) + totals[w])
    return total


@kernel
def _place(columns: Any, rows: Any, begin: int, count: int, place: int, bits: Any) -> int:
    for slot in range(begin, begin + count):
        put(bits, slot * RECORD + PLACE, place)
        put(bits, slot * RECORD + SPAN_COLUMNS, get(columns, slot))
        put(bits, slot * RECORD + SPAN_ROWS, get(rows, slot))
        column, row = np.int64(get(columns, slot)), np.int64(get(rows, slot))
        place += int(((column >> 16) - (column & 0xFFFF) + 1) * ((row >> 16) - (row & 0xFFFF) + 1))
    return place


@kernel
def _sum_tiles(
    records: Any, bits: Any, pairs: Any, starts: Any, planes: Any, rgb: Any, alpha: Any, depth: Any, width: int,
    height: int, absolute: bool, sums: Any, floats_: Any, ints_: Any, lengths: Any, ticket: Any,
) -> None:  # fmt: skip
    across, down = -(-width // TILE_PX), -(-height // TILE_PX)
    state, local = floats_[:_STATE], floats_[_LOCAL_AT:_TEST_AT]
    test, buffer, mine = floats_[_TEST_AT:_BUFFER_AT], floats_[_BUFFER_AT:_SUMS_AT], floats_[_SUMS_AT:]
    entries, offsets = ints_[:_OFFSETS_AT], ints_[_OFFSETS_AT:]
    while True:
        tile = add_atomically(ticket, 0, 1)
        if tile >= across * down:
            break
        x, y = tile % across, tile // across
        begin, end = starts[tile], starts[tile + 1]
        last = end - 1
        if begin < end:
            _begin(state, x * TILE_PX, y * TILE_PX, width, height, planes, rgb, alpha, depth)
        live = True
        while begin < end:
            count = min(end - begin, BATCH)
            mine[: count * LOCAL] = _ZERO
            load_batch(records, pairs, begin, count, x * TILE_PX, y * TILE_PX, local, test)
            if live:
                list_blocks(test, count, entries, lengths)
                live = False
                for block in range(BLOCKS):
                    live |= _sum_block(local, entries, lengths, block, offsets, buffer, state, absolute, mine)
            for j in range(count):
                fetch_early(sums, _place_of(bits, np.int64(get(pairs, min(begin + j + _AHEAD, last))), x, y) * SUMS)
                place = _place_of(bits, np.int64(get(pairs, begin + j)), x, y)
                _centre(mine, j * LOCAL, _CENTRE - get(test, j), _CENTRE - get(test, BATCH + j), sums, place * SUMS)
            begin += count


@inlined
def _place_of(bits: Any, slot: int, x: int, y: int) -> Any:
    """The place of a splat's sums of tile (x, y)."""
    at = slot * RECORD
    column, row = np.int64(get(bits, at + SPAN_COLUMNS)), np.int64(get(bits, at + SPAN_ROWS))
    wide = (column >> 16) - (column & 0xFFFF) + 1
    return np.int64(get(bits, at + PLACE)) + (y - (row & 0xFFFF)) * wide + x - (column & 0xFFFF)


@kernel
def _begin(
    state: Any, x0: int, y0: int, width: int, height: int, planes: Any, rgb: Any, alpha: Any, depth: Any
) -> None:
    """A tile's state before its first splat; pixels beyond the picture have ended."""
    size = width * height
    for n in range(BLOCKS * 4 * HALVES):
        at = n * _PLANES * LANES
        left, top = vector_corner(n)
        x, y = x0 + left, y0 + top
        first = y * width + x
        if x + QUAD_PX <= width and y + ROWS <= height:
            store(state, at, floats(_ONE))
            total = floats(_ZERO)
            for plane in range(3):
                gradient = load_rows(rgb, plane * size + first, width)
                store(state, at + (2 + plane) * LANES, gradient)
                total = total + gradient * load_rows(planes, plane * size + first, width)
            gradient = load_rows(alpha, first, width)
            store(state, at + 5 * LANES, gradient)
            total = total + gradient * load_rows(planes, 3 * size + first, width)
            gradient = load_rows(depth, first, width)
            store(state, at + 6 * LANES, gradient)
            store(state, at + LANES, total + gradient * load_rows(planes, 4 * size + first, width))
            continue
        for plane in range(_PLANES):
            store(state, at + plane * LANES, floats(_ZERO))
        for lane in range(LANES):
            px, py = x + lane % QUAD_PX, y + lane // QUAD_PX
            if px < width and py < height:
                pixel = py * width + px
                put(state, at + lane, _ONE)
                total = _ZERO
                for plane in range(3):
                    value = get(rgb, plane * size + pixel)
                    put(state, at + (2 + plane) * LANES + lane, value)
                    total += value * get(planes, plane * size + pixel)
                put(state, at + 5 * LANES + lane, get(alpha, pixel))
                put(state, at + 6 * LANES + lane, get(depth, pixel))
                total += get(alpha, pixel) * get(planes, 3 * size + pixel)
                put(state, at + LANES + lane, total + get(depth, pixel) * get(planes, 4 * size + pixel))


@kernel
def _sum_block(
    local: Any, entries: Any, lengths: Any, block: int, offsets: Any, buffer: Any, state: Any, absolute: bool, sums: Any
) -> bool:
    """A block's list through its four quads; False when every pixel of it has ended."""
    length = get(lengths, block)
    live = False
    x, y = block % (TILE_PX // BLOCK_PX) * BLOCK_PX, block // (TILE_PX // BLOCK_PX) * BLOCK_PX
    for quad in range(4):
        count = list_quad(entries, block * BATCH, length, (1 << (quad % 2)) << (quad // 2 * 8), offsets)
        at = (block * 4 + quad) * HALVES * _PLANES * LANES
        live |= _sum_quad(
            local, offsets, count, x + quad % 2 * QUAD_PX, y + quad // 2 * QUAD_PX, buffer, state, at, absolute, sums
        )
    return live


@kernel
def _sum_quad(
    local: Any, offsets: Any, count: int, left: int, top: int, buffer: Any, state: Any, at: int, absolute: bool,
    sums: Any,
) -> bool:  # fmt: skip
    x = floats((lane_numbers() & 3) + left)
    y = floats((lane_numbers() >> 2) + top)
    lower = at + (HALVES - 1) * _PLANES * LANES
    live = lane_bits((load(state, at) > STOP) | (load(state, lower) > STOP)) != 0
    begin = 0
    while live and begin < count:
        run = min(count - begin, RUN)
        _alphas(local, offsets, begin, run, x, y, buffer)
        live = _front_to_back(local, offsets, begin, run, buffer, state, at, lower)
        # Once each, so that nothing is made of magnitudes where they are not asked for.
        if absolute:
            _add_pixels(local, offsets, begin, run, buffer, x, y, state, at, lower, True, sums)
        else:
            _add_pixels(local, offsets, begin, run, buffer, x, y, state, at, lower, False, sums)
        begin += run
    return live


@inlined
def _alphas(local: Any, offsets: Any, begin: int, run: int, x: Any, y: Any, buffer: Any) -> None:
    """The first phase: alphas as cpu/blend.py has them, and ρ, which is 0 where the alpha is capped."""
    for j in range(run):
        i = get(offsets, begin + j)
        across = get(local, i + P) * x + floats(get(local, i + U))
        for half in range(HALVES):
            down = y + np.float32(half * ROWS)
            u = get(local, i + Q) * down + across
            v = get(local, i + R) * down + floats(get(local, i + V))
            e = floats(get(local, i + LOG2_ALPHA)) - v * v - u * u
            alpha = select(e >= LOG2_CUT, exp2(smaller(e, LOG2_MAX)), _ZERO)
            to = (HALVES * j + half) * 2 * LANES
            store(buffer, to, alpha)
            store(buffer, to + LANES, select(e < LOG2_MAX, alpha / (floats(_ONE) - alpha), _ZERO))


@inlined
def _front_to_back(
    local: Any, offsets: Any, begin: int, run: int, buffer: Any, state: Any, upper: int, lower: int
) -> bool:
    """The second phase: alpha and ρ become weight and h; whether any pixel goes on."""
    transmittance, rest = load(state, upper), load(state, upper + LANES)
    transmittance_, rest_ = load(state, lower), load(state, lower + LANES)
    for j in range(run):
        i = get(offsets, begin + j)
        at = HALVES * j * 2 * LANES
        red, green, blue = floats(get(local, i + RED)), floats(get(local, i + GREEN)), floats(get(local, i + BLUE))
        depth = floats(get(local, i + DEPTH))
        transmittance, rest = _pixel(red, green, blue, depth, state, upper, buffer, at, transmittance, rest)
        if HALVES == 2:
            transmittance_, rest_ = _pixel(
                red, green, blue, depth, state, lower, buffer, at + 2 * LANES, transmittance_, rest_
            )
    going = _end(state, upper, transmittance, rest)
    if HALVES == 2:
        going = going | _end(state, lower, transmittance_, rest_)
    return lane_bits(going) != 0


@inlined
def _pixel(
    red: Any, green: Any, blue: Any, depth: Any, state: Any, at: int, buffer: Any, place: int, transmittance: Any,
    rest: Any,
) -> Any:  # fmt: skip
    """A splat in a vector of pixels: what is left of light and of the sum behind it."""
    alpha, ratio = load(buffer, place), load(buffer, place + LANES)
    left = less_product(transmittance, alpha, transmittance)
    drawn = left > STOP
    w = select(drawn, alpha * transmittance, _ZERO)
    q = red * load(state, at + 2 * LANES) + load(state, at + 5 * LANES)
    q = green * load(state, at + 3 * LANES) + q
    q = blue * load(state, at + 4 * LANES) + q
    q = depth * load(state, at + 6 * LANES) + q
    rest = less_product(rest, w, q)
    store(buffer, place, w)
    store(buffer, place + LANES, select(drawn, ratio * (left * q - rest), _ZERO))
    return left, rest


@inlined
def _end(state: Any, at: int, transmittance: Any, rest: Any) -> Any:
    """Put a vector of pixels down: which of them go on."""
    going = transmittance > STOP
    store(state, at, select(going, transmittance, _ZERO))
    store(state, at + LANES, rest)
    return going


@inlined
def _add_pixels(
    local: Any, offsets: Any, begin: int, run: int, buffer: Any, x: Any, y: Any, state: Any, upper: int, lower: int,
    absolute: bool, sums: Any,
) -> None:  # fmt: skip
    """The third phase: sums over a quad's pixels, offsets counted from the tile's centre.

    A splat's sums lie where its local record does.
    """
    cx, cy = x - _CENTRE, y - _CENTRE
    low = cy + np.float32(ROWS)
    cyy, lows = cy * cy, low * low
    red, green = load(state, upper + 2 * LANES), load(state, upper + 3 * LANES)
    blue, depth = load(state, upper + 4 * LANES), load(state, upper + 6 * LANES)
    for j in range(run):
        i = get(offsets, begin + j)
        place = HALVES * j * 2 * LANES
        w, h = load(buffer, place), load(buffer, place + LANES)
        total, hy, hyy = h, h * cy, h * cyy
        r, g, b, d = w * red, w * green, w * blue, w * depth
        ax, ay = floats(_ZERO), floats(_ZERO)
        if absolute:
            ax, ay = _magnitudes(local, i, x, y, h)
        if HALVES == 2:
            w, h = load(buffer, place + 2 * LANES), load(buffer, place + 3 * LANES)
            total, hy, hyy = total + h, h * low + hy, h * lows + hyy
            r = w * load(state, lower + 2 * LANES) + r
            g = w * load(state, lower + 3 * LANES) + g
            b = w * load(state, lower + 4 * LANES) + b
            d = w * load(state, lower + 6 * LANES) + d
            if absolute:
                bx, by = _magnitudes(local, i, x, y + np.float32(ROWS), h)
                ax, ay = ax + bx, ay + by
        hx = total * cx
        add_sums(sums, i, total, hx, hy, hx * cx, hy * cx, hyy, r, g, b, d, ax, ay)


@inlined
def _magnitudes(local: Any, i: int, x: Any, y: Any, h: Any) -> Any:
    """|P·u·h| and |(Q·u + R·v)·h| of a vector's pixels."""
    p, q, r = get(local, i + P), get(local, i + Q), get(local, i + R)
    u = q * y + (p * x + floats(get(local, i + U)))
    v = r * y + floats(get(local, i + V))
    return magnitude(p * u * h), magnitude((q * u + r * v) * h)


@inlined
def _centre(mine: Any, at: int, x: Any, y: Any, sums: Any, to: int) -> None:
    """Write a pair's sums with offsets from the splat's centre, which lies at −(x, y) from the tile's."""
    s, sx, sy = get(mine, at + S), get(mine, at + SX), get(mine, at + SY)
    put(sums, to + S, s)
    put(sums, to + SX, sx + x * s)
    put(sums, to + SY, sy + y * s)
    put(sums, to + SXX, get(mine, at + SXX) + x * (_TWO * sx + x * s))
    put(sums, to + SXY, get(mine, at + SXY) + x * sy + y * (sx + x * s))
    put(sums, to + SYY, get(mine, at + SYY) + y * (_TWO * sy + y * s))
    for field in range(S_RED, S_ABS_Y + 1):
        put(sums, to + field, get(mine, at + field))
