"""Texture for hidden surfaces, taken from near by: patches are matched and vote, coarse to fine; fill.py begins it.

Methods: Wexler, Shechtman and Irani, "Space-Time Completion of Video" (2007), for patches that agree where they
overlap; Barnes et al., "PatchMatch" (2009), for finding them: good matches spread to neighbours, and chance finds more.
"""

from __future__ import annotations

import numba
import numpy as np
from jaxtyping import Bool, Float32

RADIUS_PX = 2
"""Patches are 5×5 pixels."""
SEARCH_PX = 48
"""Matches are looked for within this distance, at every level: near by, a panorama's scale and stretch are alike."""
_LEVELS = 4
_ROUNDS = (2, 2, 3, 5)
"""Of matching and voting, finest level first."""
_DARK = 0.02
"""Light is compared by its logarithm above this."""
_SEED = 20261126


def textured(
    smooth: Float32[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"], wanted: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w 3"]:
    """The picture with texture of its known pixels where it is wanted; there ``smooth`` says the colour to begin with.

    Equal input gives equal output. Where no known patch lies near, the smooth colours stay.
    """
    levels = [(np.log(smooth + np.float32(_DARK)), known, wanted)]
    while len(levels) < _LEVELS and min(levels[-1][0].shape[:2]) >= 16 * RADIUS_PX:
        levels.append(_halved(*levels[-1]))
    matches = None
    for level in range(len(levels) - 1, -1, -1):
        tone, is_known, is_wanted = levels[level]
        tone = np.ascontiguousarray(tone)
        source = _whole_patches(is_known)
        rows, columns = np.nonzero(is_wanted)
        found = np.full((*is_known.shape, 2), -1, np.int32)
        if matches is not None:
            _upsampled(matches, found, rows, columns, source)
        _start(found, rows, columns, source, SEARCH_PX, _SEED + level)
        usable = is_known | is_wanted
        if matches is not None:
            _vote(tone, found, rows, columns, is_wanted, RADIUS_PX)
        for turn in range(_ROUNDS[level]):
            _match(tone, found, rows, columns, source, usable, RADIUS_PX, SEARCH_PX, _SEED + 31 * level + turn)
            _vote(tone, found, rows, columns, is_wanted, RADIUS_PX)
        matches = found
    made = np.maximum(np.exp(tone) - np.float32(_DARK), 0)
    return np.where(wanted[..., None], made, smooth).astype(np.float32)


def _halved(
    tone: Float32[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"], wanted: Bool[np.ndarray, "h w"]
) -> tuple[Float32[np.ndarray, "h2 w2 3"], Bool[np.ndarray, "h2 w2"], Bool[np.ndarray, "h2 w2"]]:
    """Half the size (an odd last row is left out): known where most of it was, wanted where any was."""
    h, w = tone.shape[0] // 2 * 2, tone.shape[1] // 2 * 2
    quarter = [(slice(i, h, 2), slice(j, w, 2)) for i in (0, 1) for j in (0, 1)]
    count = np.stack([known[q] for q in quarter]).sum(axis=0)
    total = np.stack([np.where(known[q][..., None], tone[q], 0) for q in quarter]).sum(axis=0)
    plain = np.stack([tone[q] for q in quarter]).mean(axis=0)
    mean = np.where((count > 0)[..., None], total / np.maximum(count, 1)[..., None], plain).astype(np.float32)
    any_wanted = np.logical_or.reduce([wanted[q] for q in quarter])
    return mean, (count >= 3) & ~any_wanted, any_wanted


def _whole_patches(known: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Centres of patches that are known in all of their pixels."""
    whole: Bool[np.ndarray, "h w"] = known.copy()
    for step in range(1, RADIUS_PX + 1):
        whole &= np.roll(known, step, axis=1) & np.roll(known, -step, axis=1)
    level = whole.copy()
    for step in range(1, RADIUS_PX + 1):
        whole[step:] &= level[:-step]
        whole[:-step] &= level[step:]
    whole[:RADIUS_PX] = whole[-RADIUS_PX:] = False
    return whole


@numba.njit(cache=True, nogil=True)
def _upsampled(
    coarse: np.ndarray, found: np.ndarray, rows: np.ndarray, columns: np.ndarray, source: np.ndarray
) -> None:
    height, width = source.shape
    for i in range(len(rows)):
        r, c = rows[i], columns[i]
        y, x = min(r // 2, coarse.shape[0] - 1), min(c // 2, coarse.shape[1] - 1)
        if coarse[y, x, 0] < 0:
            continue
        sy, sx = min(2 * coarse[y, x, 0] + r % 2, height - 1), (2 * coarse[y, x, 1] + c % 2) % width
        if source[sy, sx]:
            found[r, c, 0], found[r, c, 1] = sy, sx


@numba.njit(cache=True, nogil=True)
def _chance(state: np.ndarray, reach: int) -> int:
    """From −reach to reach, by a linear congruential generator (Numerical Recipes' ranqd1)."""
    state[0] = (state[0] * 1664525 + 1013904223) & 0xFFFFFFFF
    return (state[0] >> 8) % (2 * reach + 1) - reach


@numba.njit(cache=True, nogil=True)
def _start(
    found: np.ndarray, rows: np.ndarray, columns: np.ndarray, source: np.ndarray, search: int, seed: int
) -> None:
    """A chance match near by for those that have none, or a neighbour's."""
    state = np.array([seed], np.int64)
    height, width = source.shape
    for i in range(len(rows)):
        r, c = rows[i], columns[i]
        if found[r, c, 0] >= 0:
            continue
        for dr, dc in ((0, -1), (-1, 0)):
            y, x = r + dr, (c + dc) % width
            if y >= 0 and found[y, x, 0] >= 0:
                sy, sx = found[y, x, 0] - dr, (found[y, x, 1] - dc) % width
                if sy < height and source[sy, sx]:
                    found[r, c, 0], found[r, c, 1] = sy, sx
                    break
        reach = 4
        while found[r, c, 0] < 0 and reach <= 2 * search:
            for _ in range(8):
                y = r + _chance(state, reach)
                x = (c + _chance(state, reach)) % width
                if 0 <= y < height and source[y, x]:
                    found[r, c, 0], found[r, c, 1] = y, x
                    break
            reach *= 2


@numba.njit(cache=True, nogil=True)
def _cost(tone: np.ndarray, usable: np.ndarray, r: int, c: int, sy: int, sx: int, radius: int, best: float) -> float:
    height, width = usable.shape
    total, count = 0.0, 0
    for dr in range(-radius, radius + 1):
        y = r + dr
        if y < 0 or y >= height:
            continue
        for dc in range(-radius, radius + 1):
            x, xs = (c + dc) % width, (sx + dc) % width
            if not usable[y, x]:
                continue
            for k in range(3):
                d = tone[y, x, k] - tone[sy + dr, xs, k]
                total += d * d
            count += 1
        if total > best * (2 * radius + 1) ** 2:
            return np.inf
    return total / count if count else np.inf


@numba.njit(cache=True, nogil=True)
def _match(
    tone: np.ndarray, found: np.ndarray, rows: np.ndarray, columns: np.ndarray, source: np.ndarray,
    usable: np.ndarray, radius: int, search: int, seed: int,
) -> None:  # fmt: skip
    """Two sweeps, there and back: neighbours' matches moved along, then chance within shrinking windows."""
    state = np.array([seed], np.int64)
    height, width = source.shape
    for sweep in (1, -1):
        for k in range(len(rows)):
            i = k if sweep == 1 else len(rows) - 1 - k
            r, c = rows[i], columns[i]
            by, bx = found[r, c, 0], found[r, c, 1]
            best = np.inf if by < 0 else _cost(tone, usable, r, c, by, bx, radius, np.inf)
            for dr, dc in ((0, -sweep), (-sweep, 0)):
                y, x = r + dr, (c + dc) % width
                if not 0 <= y < height or found[y, x, 0] < 0:
                    continue
                sy, sx = found[y, x, 0] - dr, (found[y, x, 1] - dc) % width
                if 0 <= sy < height and source[sy, sx]:
                    cost = _cost(tone, usable, r, c, sy, sx, radius, best)
                    if cost < best:
                        best, by, bx = cost, sy, sx
            reach = search if by >= 0 else 0
            while reach >= 1:
                sy = by + _chance(state, reach)
                sx = bx + _chance(state, reach)
                near = abs(sy - r) <= 2 * search and abs((sx - c + width // 2) % width - width // 2) <= 2 * search
                if 0 <= sy < height and near and source[sy, sx % width]:
                    cost = _cost(tone, usable, r, c, sy, sx % width, radius, best)
                    if cost < best:
                        best, by, bx = cost, sy, sx % width
                reach //= 2
            found[r, c, 0], found[r, c, 1] = by, bx


@numba.njit(cache=True, nogil=True)
def _vote(
    tone: np.ndarray, found: np.ndarray, rows: np.ndarray, columns: np.ndarray, wanted: np.ndarray, radius: int
) -> None:
    """Each wanted pixel becomes the mean of what the patches over it hold there, the central ones counting more."""
    height, width = wanted.shape
    made = np.empty((len(rows), 3), np.float32)
    for i in range(len(rows)):
        r, c = rows[i], columns[i]
        red = green = blue = total = 0.0
        for dr in range(-radius, radius + 1):
            y = r + dr
            if y < 0 or y >= height:
                continue
            for dc in range(-radius, radius + 1):
                x = (c + dc) % width
                if not wanted[y, x] or found[y, x, 0] < 0:
                    continue
                sy, sx = found[y, x, 0] - dr, (found[y, x, 1] - dc) % width
                weight = 1.0 / (1.0 + dr * dr + dc * dc)
                red += weight * tone[sy, sx, 0]
                green += weight * tone[sy, sx, 1]
                blue += weight * tone[sy, sx, 2]
                total += weight
        if total > 0:
            made[i, 0], made[i, 1], made[i, 2] = red / total, green / total, blue / total
        else:
            made[i] = tone[r, c]
    for i in range(len(rows)):
        tone[rows[i], columns[i]] = made[i]
