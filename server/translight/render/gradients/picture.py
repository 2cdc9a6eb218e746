"""The picture that gradients are of: cpu/blend.py's tiles, written plane by plane.

The planes are red, green, blue, alpha = Σ weight and Σ weight·z: all of them linear in the weights, so that the way
back (tiles.py) can begin with the sum of a pixel's planes times their gradients.
"""

from __future__ import annotations

from typing import Any

import numba

from translight.render.cpu.blend import EXPECTED, HALVES, blend_tile
from translight.render.cpu.blend import PLANES as STATE_PLANES
from translight.render.cpu.jit import inlined, kernel, parallel_kernel
from translight.render.cpu.lists import BLOCK_PX, BLOCKS, QUAD_PX
from translight.render.cpu.memory import add_atomically, get, load, put, store_rows
from translight.render.cpu.project import TILE_PX
from translight.render.cpu.simd import LANES

PLANES = 5
"""Of a picture."""
ROWS = LANES // QUAD_PX
"""Rows of a quad in a vector."""


@parallel_kernel
def draw(
    records: Any, pairs: Any, starts: Any, planes: Any, width: int, height: int, floats_: Any, ints_: Any, lengths: Any,
    ticket: Any,
) -> None:  # fmt: skip
    """Draw every tile into ``planes`` (5 h w, flat); the arguments else are ``cpu.blend.blend``'s."""
    ticket[0] = 0
    for w in numba.prange(len(floats_)):
        _draw_tiles(records, pairs, starts, planes, width, height, floats_[w], ints_[w], lengths[w], ticket)


@kernel
def _draw_tiles(
    records: Any, pairs: Any, starts: Any, planes: Any, width: int, height: int, floats_: Any, ints_: Any, lengths: Any,
    ticket: Any,
) -> None:  # fmt: skip
    columns, rows = -(-width // TILE_PX), -(-height // TILE_PX)
    while True:
        tile = add_atomically(ticket, 0, 1)
        if tile >= columns * rows:
            break
        x, y = tile % columns * TILE_PX, tile // columns * TILE_PX
        blend_tile(records, pairs, starts[tile], starts[tile + 1], x, y, EXPECTED, floats_, ints_, lengths)
        for n in range(BLOCKS * 4 * HALVES):
            at = n * STATE_PLANES * LANES
            left, top = vector_corner(n)
            # blend.py keeps the weight before the colours.
            _write(planes, 3, floats_, at + LANES, x + left, y + top, width, height)
            for plane in range(3):
                _write(planes, plane, floats_, at + (2 + plane) * LANES, x + left, y + top, width, height)
            _write(planes, 4, floats_, at + 5 * LANES, x + left, y + top, width, height)


@inlined
def vector_corner(n: int) -> tuple[int, int]:
    """The first column and row, in its tile, of the n-th vector of pixels: block by block, quad by quad."""
    block, quad, half = n // (4 * HALVES), n // HALVES % 4, n % HALVES
    x = block % (TILE_PX // BLOCK_PX) * BLOCK_PX + quad % 2 * QUAD_PX
    return x, block // (TILE_PX // BLOCK_PX) * BLOCK_PX + quad // 2 * QUAD_PX + half * ROWS


@inlined
def _write(planes: Any, plane: int, state: Any, at: int, x: int, y: int, width: int, height: int) -> None:
    first = plane * width * height
    if x + QUAD_PX <= width and y + ROWS <= height:
        store_rows(planes, first + y * width + x, width, load(state, at))
    else:
        for lane in range(LANES):
            px, py = x + lane % QUAD_PX, y + lane // QUAD_PX
            if px < width and py < height:
                put(planes, first + py * width + px, get(state, at + lane))
