"""Height of a plain that impacts have shaped: craters of every size over rolling ground; ground.py calls it.

A fresh crater is a fifth as deep as it is wide and its rim stands 3.6 % of that over the plain (Pike 1977, "Size-
dependence in the shape of fresh impact craters on the moon"); the older it is, the shallower. Each size has a lattice
with at most one crater a cell, placed by a hash, so that nothing repeats and any point is found alone.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np

from translight.core.kernel_cache import cached
from translight.environment import noise
from translight.environment.noise import fractal_at, unit_of

_FAST = {"contract", "arcp", "nsz", "reassoc"}
_OUTER = 2.6
"""Radii to which a crater's rim reaches."""


@numba.njit(nogil=True, fastmath=_FAST)
def _noise(x, y, seed, octaves, gain):  # type: ignore[no-untyped-def]
    return fractal_at(
        np.float32(x), np.float32(y), np.float32(0), False, seed, octaves, np.float32(gain), np.float32(2.03)
    )


@numba.njit(nogil=True, fastmath=_FAST)
def _craters(x, y, size, share, seed):  # type: ignore[no-untyped-def]
    """Height and freshness (0 to 1: bright rays and rims) of the craters whose lattice has cells of ``size``."""
    ci, cj = int(np.floor(x / size)), int(np.floor(y / size))
    height, fresh = 0.0, 0.0
    for i in range(ci - 1, ci + 2):
        for j in range(cj - 1, cj + 2):
            key = np.uint32(np.uint32(np.int64(i) * 73856093) ^ np.uint32(np.int64(j) * 19349663)) ^ seed
            if 0.5 + 0.5 * unit_of(key) > share:
                continue
            px = (i + 0.5 + 0.42 * unit_of(key + np.uint32(1))) * size
            py = (j + 0.5 + 0.42 * unit_of(key + np.uint32(2))) * size
            radius = size * (0.17 + 0.14 * (0.5 + 0.5 * unit_of(key + np.uint32(3))) ** 2)
            dx, dy = x - px, y - py
            near = np.sqrt(dx * dx + dy * dy) / radius
            if near > _OUTER:
                continue
            wide = near * radius + 1e-3
            near *= 1.0 + 0.06 * _noise(2.2 * dx / wide, 2.2 * dy / wide, key, 2, 0.5)
            age = 0.5 + 0.5 * unit_of(key + np.uint32(4))
            strength = 0.16 + 0.84 * age**3
            depth, rim = 0.36 * radius * strength, 0.075 * radius * strength
            if near < 1.0:
                height += -depth + (depth + rim) * near ** (2.0 + 1.0 * age)
            else:
                height += rim * ((_OUTER - near) / (_OUTER - 1.0)) ** 3
            fresh = max(fresh, age**6 * max(1.0 - abs(near - 0.9) / 1.5, 0.0))
    return height, fresh


def _heights(x, y, cell, seed, out):  # type: ignore[no-untyped-def]
    """Metres and freshness (n 2) at points; what is finer than a cell or two is left out."""
    for n in numba.prange(len(x)):
        px, py = x[n], y[n]
        size, height, fresh = 1.1, 0.0, 0.0
        # bent a little, so that no lattice and no circle is perfect
        bx = px + 6.0 * _noise(px / 60.0, py / 60.0, seed + np.uint32(91), 3, 0.5)
        by = py + 6.0 * _noise(px / 60.0 + 9.0, py / 60.0, seed + np.uint32(92), 3, 0.5)
        for k in range(10):
            if size > 3.0 * cell[n]:
                share = 0.62 if k < 6 else 0.5
                h, f = _craters(bx + 311.0 * k, by - 173.0 * k, size, share, seed + np.uint32(1013 * k))
                height += h
                fresh = max(fresh, f)
            size *= 2.37
        far = np.sqrt(px * px + py * py)
        octaves = min(max(int(np.log2(220.0 / cell[n])), 1), 10)
        height += 3.2 * _noise(px / 220.0, py / 220.0, seed + np.uint32(5), octaves, 0.42)
        # rounded massifs, far off
        rise = min(max((far - 900.0) / 3500.0, 0.0), 1.0)
        rise = rise * rise * (3.0 - 2.0 * rise)
        if rise > 0.0:
            octaves = min(max(int(np.log2(5200.0 / cell[n])), 1), 11)
            hills = _noise(px / 5200.0, py / 5200.0, seed + np.uint32(6), octaves, 0.46)
            peak = max(hills + 0.10, 0.0)
            height += rise * 2100.0 * peak * (0.4 + peak)
        # the ground of a small world falls away: 1 737 km
        out[n, 0] = height - far * far / 3_474_000.0
        out[n, 1] = fresh


heights = cached(
    numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=_FAST)(_heights), Path(noise.__file__).parent
)
"""Compiled ``_heights``."""
