"""Mountains carved by rivers: uplift against stream power, and slopes that fall when too steep, for peaks.py.

The stream-power law dh/dt = U − K A^m S, solved implicitly downstream first (Braun and Willett, "A very efficient O(n),
implicit and parallel method to solve the stream power equation", Geomorphology 180, 2013), with the scales of
Cordonnier et al., "Large Scale Terrain Generation from Tectonic Uplift and Fluvial Erosion" (2016). Water finds its way
out of hollows by priority-flood (Barnes et al., Computers & Geosciences 62, 2014). Coarse grids first, then finer ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from jaxtyping import Float64

from translight.generation.procedural.families.relief import relief
from translight.generation.procedural.families.surface import Surface

_ERODIBILITY, _AREA_EXPONENT = 5.61e-7, 0.5
_STEP_YEARS = 2.5e5
_STEPS = (60, 10, 3)
"""On the coarsest grid, on one of twice as many corners, on the finest."""
TALUS = float(np.tan(np.radians(52.0)))
"""Steepest slope of a grid's cell: rock walls are steeper, but not over tens of metres."""


def carved(
    uplift_m_per_year: Callable[[np.ndarray, np.ndarray], Float64[np.ndarray, "n"]],
    half_m: float,
    corners: int,
    seed: int,
) -> Surface:
    """Heights on a square of ``corners``, a multiple of 4, a side; its border is the base level, 0."""
    height = np.zeros((0, 0))
    for steps, share in zip(_STEPS, (4, 2, 1), strict=True):
        n = corners // share
        axis = np.linspace(-half_m, half_m, n)
        y, x = np.meshgrid(axis, axis, indexing="ij")
        cell = float(axis[1] - axis[0])
        # without some roughness water would run straight
        rough = relief(x, y, seed + n, wavelength_m=12 * cell, footprint_m=cell, octaves=3)
        if height.size:
            height = Surface(height.astype(np.float32), half_m).at(x.ravel(), y.ravel()).reshape(n, n)
            height += 0.35 * cell * rough
        else:
            height = 40.0 * (1.0 + rough)
        uplift = uplift_m_per_year(x.ravel(), y.ravel()).reshape(n, n)
        for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
            height[edge] = 0.0
        for _ in range(steps):
            _carve(height, uplift, cell, _STEP_YEARS, _ERODIBILITY, _AREA_EXPONENT, TALUS)
    return Surface(height.astype(np.float32), half_m)


@numba.njit(cache=True, nogil=True)
def _carve(h, uplift, cell, years, erodibility, exponent, talus):  # type: ignore[no-untyped-def]
    """One step in place: route, gather areas upstream, then lower from the outlets up."""
    rows, columns = h.shape
    n = rows * columns
    flat, lift = h.ravel(), uplift.ravel()
    order, receiver = np.empty(n, np.int64), np.full(n, -1, np.int64)
    done, waiting = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    levels, cells = np.empty(n), np.empty(n, np.int64)
    size = 0
    for i in range(n):
        r, c = i // columns, i % columns
        if r == 0 or c == 0 or r == rows - 1 or c == columns - 1:
            _push(levels, cells, size, flat[i], i)
            size += 1
            waiting[i] = True
    for count in range(n):
        level, i = levels[0], cells[0]
        size -= 1
        _drop_first(levels, cells, size)
        r, c = i // columns, i % columns
        best, to = -1e30, -1
        for k in range(9):
            rr, cc = r + k // 3 - 1, c + k % 3 - 1
            if k == 4 or rr < 0 or cc < 0 or rr >= rows or cc >= columns:
                continue
            j = rr * columns + cc
            if done[j]:
                fall = (flat[i] - flat[j]) / (1.0 if k % 2 == 1 else 1.4142135623730951)
                if fall > best:
                    best, to = fall, j
            elif not waiting[j]:
                waiting[j] = True
                _push(levels, cells, size, max(level, flat[j]), j)
                size += 1
        done[i] = True
        if not (r == 0 or c == 0 or r == rows - 1 or c == columns - 1):
            receiver[i] = to
        order[count] = i
    area = np.full(n, cell * cell)
    for k in range(n - 1, -1, -1):
        i = order[k]
        if receiver[i] >= 0:
            area[receiver[i]] += area[i]
    for k in range(n):
        i = order[k]
        j = receiver[i]
        if j < 0:
            continue
        step = abs(i - j)
        run = cell if step == 1 or step == columns else cell * 1.4142135623730951
        pull = erodibility * years * area[i] ** exponent / run
        carved = (flat[i] + years * lift[i] + pull * flat[j]) / (1.0 + pull)
        flat[i] = min(carved, flat[j] + talus * run)


@numba.njit(cache=True, nogil=True)
def _push(levels, cells, size, level, cell):  # type: ignore[no-untyped-def]
    """Into a binary heap of ``size``, lowest level first, of equal ones the lower cell."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if levels[above] < level or (levels[above] == level and cells[above] < cell):
            break
        levels[at], cells[at] = levels[above], cells[above]
        at = above
    levels[at], cells[at] = level, cell


@numba.njit(cache=True, nogil=True)
def _drop_first(levels, cells, size):  # type: ignore[no-untyped-def]
    """Take the first away, which leaves ``size``."""
    level, cell = levels[size], cells[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        other = below + 1
        if other < size and (
            levels[other] < levels[below] or (levels[other] == levels[below] and cells[other] < cells[below])
        ):
            below = other
        if level < levels[below] or (level == levels[below] and cell < cells[below]):
            break
        levels[at], cells[at] = levels[below], cells[below]
        at = below
    levels[at], cells[at] = level, cell
