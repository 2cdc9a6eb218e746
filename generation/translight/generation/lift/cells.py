"""Layers divided into an exact number of cells, small where the picture or its depth has detail; gaussians.py draws one
splat for each.

Every cell is a rectangle of pixels that is halved across its longer side, the cell of most detail first, so that detail
is spread evenly and no splats are wasted on the crowded rows near the poles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float32, Int32

from translight.colour.transfer import srgb_encode
from translight.generation.lift.layers import Layer

_ROOTS = 64
"""The largest cells are a picture's height over this, 2.8°; of small pictures 4 pixels."""
_FLOOR = 0.004
"""Detail of a plain pixel, as a difference of code values from pixel to pixel."""
_DEPTH = 0.5
"""How a pixel of false parallax counts against a full step of code values …"""
_DEPTH_MOST = 2.0
"""… and how much at most, which is that of edges."""
_BRIGHTEST = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """n rectangles of layers' pixels: rows from ``top`` up to ``bottom``, columns from ``left`` up to ``right``."""

    layer: Int32[np.ndarray, "n"]
    top: Int32[np.ndarray, "n"]
    bottom: Int32[np.ndarray, "n"]
    left: Int32[np.ndarray, "n"]
    right: Int32[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.layer)


def divide(layers: Sequence[Layer], count: int, reach_m: float) -> Cells:
    """Exactly ``count`` cells that hold all pixels of the layers between them, or one a pixel where there are fewer.

    ``reach_m`` is how far cameras move: it makes depth's detail comparable with the picture's. Raises ValueError when
    even the largest cells are more than ``count``.
    """
    height, width = layers[0].mask.shape
    counts = np.stack([_summed(layer.mask.astype(np.float64)) for layer in layers]).astype(np.int32)
    masses = np.stack([_summed(detail(layer, reach_m).astype(np.float64)) for layer in layers])
    side = max(height // _ROOTS, 4)
    roots = np.array(
        [
            (number, top, min(top + side, height), left, min(left + side, width))
            for number in range(len(layers))
            for top in range(0, height, side)
            for left in range(0, width, side)
        ],
        np.int32,
    )
    n, t, b, le, r = roots.T
    held = counts[n, b, r] - counts[n, t, r] - counts[n, b, le] + counts[n, t, le]
    roots = roots[held > 0]
    if len(roots) > count:
        raise ValueError(f"{len(roots)} splats are the fewest for these layers, got {count}")
    level = np.cos((0.5 - (np.arange(height) + 0.5) / height) * np.pi)
    pixels = int(counts[:, -1, -1].sum())
    cells = _halve(roots, counts, masses, level, min(count, pixels))
    return Cells(*(np.ascontiguousarray(column) for column in cells.T))


def detail(layer: Layer, reach_m: float) -> Float32[np.ndarray, "h w"]:
    """How much there is to see in each pixel of a layer, times its solid angle in pixels of the equator.

    The gradient of the picture's code values, and the false parallax, in pixels, that a flat piece would show.
    """
    height = layer.mask.shape[0]
    level = np.cos((0.5 - (np.arange(height) + 0.5) / height) * np.pi).astype(np.float32)[:, None]
    code = srgb_encode(np.clip(layer.image, 0, _BRIGHTEST)).astype(np.float32)
    across = np.abs(code - np.roll(code, 1, axis=1)).mean(axis=2)
    across = np.maximum(across, np.roll(across, -1, axis=1)) / np.maximum(level, 1 / height)
    down = np.abs(np.diff(code, axis=0, prepend=code[:1])).mean(axis=2)
    down = np.maximum(down, np.concatenate([down[1:], down[-1:]]))
    inverse = layer.inverse
    padded = np.pad(np.pad(inverse, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)), mode="wrap")
    bend = np.abs(padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * inverse)
    bend = np.maximum(bend, np.abs(padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * inverse))
    parallax = np.minimum(_DEPTH * bend * np.float32(reach_m * height / np.pi), _DEPTH_MOST)
    mass = (_FLOOR + np.hypot(across, down) + parallax) * level
    return np.where(layer.mask, mass, 0).astype(np.float32)


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over all rows and columns before each."""
    out = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(np.cumsum(values, axis=0), axis=1, out=out[1:, 1:])
    return out


@numba.njit(cache=True, nogil=True)
def _over(table: np.ndarray, layer: int, top: int, bottom: int, left: int, right: int) -> float:
    return table[layer, bottom, right] - table[layer, top, right] - table[layer, bottom, left] + table[layer, top, left]


@numba.njit(cache=True, nogil=True)
def _push(keys: np.ndarray, slots: np.ndarray, size: int, key: float, slot: int) -> int:
    at = size
    while at > 0:
        parent = (at - 1) // 2
        if keys[parent] >= key:
            break
        keys[at], slots[at] = keys[parent], slots[parent]
        at = parent
    keys[at], slots[at] = key, slot
    return size + 1


@numba.njit(cache=True, nogil=True)
def _pop(keys: np.ndarray, slots: np.ndarray, size: int) -> int:
    """Takes the first away, which the caller has read."""
    size -= 1
    key, slot = keys[size], slots[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] > keys[child]:
            child += 1
        if keys[child] <= key:
            break
        keys[at], slots[at] = keys[child], slots[child]
        at = child
    keys[at], slots[at] = key, slot
    return size


@numba.njit(cache=True, nogil=True)
def _halve(roots: np.ndarray, counts: np.ndarray, masses: np.ndarray, level: np.ndarray, wanted: int) -> np.ndarray:
    cells = np.empty((wanted, 5), np.int32)
    keys, slots = np.empty(wanted + 1, np.float64), np.empty(wanted + 1, np.int32)
    total, size = len(roots), 0
    for i in range(total):
        cells[i] = roots[i]
        mass = _over(masses, roots[i, 0], roots[i, 1], roots[i, 2], roots[i, 3], roots[i, 4])
        size = _push(keys, slots, size, mass, i)
    while total < wanted and size > 0:
        slot = slots[0]
        size = _pop(keys, slots, size)
        n, top, bottom, left, right = cells[slot]
        high, wide = bottom - top, right - left
        if high == 1 and wide == 1:
            continue
        across = wide > 1 and (high == 1 or wide * level[(top + bottom) // 2] > high)
        middle = (left + right) // 2 if across else (top + bottom) // 2
        own = True
        for second in (False, True):
            t, b, le, r = top, bottom, left, right
            if across and second:
                le = middle
            elif across:
                r = middle
            elif second:
                t = middle
            else:
                b = middle
            if _over(counts, n, t, b, le, r) == 0:
                continue
            at = slot if own else total
            if not own:
                total += 1
            own = False
            cells[at, 0], cells[at, 1], cells[at, 2], cells[at, 3], cells[at, 4] = n, t, b, le, r
            size = _push(keys, slots, size, _over(masses, n, t, b, le, r), at)
    return cells[:total]
