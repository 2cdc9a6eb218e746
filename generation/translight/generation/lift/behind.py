"""What lies behind a panorama's near things: surfaces go on from the far side of depth edges; layers.py stacks them.

A plane is linear in the ray's direction: 1/distance = plane · direction. So each pixel on the far side of an edge, a
seed, gets the plane of its surroundings, and what it hides goes on in the plane of the nearest seed, as far as a moved
camera can see. Layers behind edges: Shih et al., "3D Photography using Context-aware Layered Depth Inpainting" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from translight.generation.lift.edges import RELATIVE, Edges

WINDOW_PX = 5
"""A seed's plane is fitted to what looks like one surface within this many pixels."""
_ALIKE = 0.15
_RIDGE = 1e-5
"""Holds slopes that the window does not tell: a relative noise of 0.01 against slopes of 3 a radian, squared."""
_LEAST, _MOST = 0.1, 4.0
"""Of a seed's own inverse distance: what its plane may come to further on."""
_WIDEST_PX_SHARE = 0.17
"""Of the picture's width: nothing goes on further behind an edge (60°)."""
_SMOOTHING = 12
_SMOOTH_ALIKE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """What the nearest seeds foretell of every pixel."""

    inverse: Float32[np.ndarray, "h w"]
    """1/m of the surface behind; 0 for the sky."""
    hidden: Bool[np.ndarray, "h w"]
    """Pixels behind which that surface can be seen by a camera within reach."""
    hidden_sky: Bool[np.ndarray, "h w"]
    """The same of the sky."""


def behind(
    inverse: Float32[np.ndarray, "h w"],
    edges: Edges,
    near: Bool[np.ndarray, "h w"],
    reach_m: float,
    margin_px: int,
) -> Behind | None:
    """The surfaces behind those edges whose near side lies in ``near``; None where there are none.

    A camera ``reach_m`` aside sees atan(reach/near) − atan(reach/far) of what an edge hides; ``margin_px`` are added.
    """
    height, width = inverse.shape
    heads, head_of = np.zeros(inverse.shape, np.float32), np.full(inverse.shape, -1)
    _mark(inverse, edges.right, edges.below, near, heads, head_of)
    rows, columns = np.nonzero(heads)
    if len(rows) == 0:
        return None
    number = np.zeros(inverse.shape, np.int32)
    number[rows, columns] = np.arange(len(rows), dtype=np.int32)
    rays = _Rays.of(height)
    planes = np.empty((len(rows), 3))
    _fit(inverse, rows, columns, rays.level, rays.up, rays.east, rays.north, planes, WINDOW_PX)
    pad = min(round(_WIDEST_PX_SHARE * width), width // 2)
    around = np.pad((heads == 0) & (head_of < 0), ((0, 0), (pad, pad)), mode="wrap")
    r, c = ndimage.distance_transform_edt(around, return_distances=False, return_indices=True)
    r, c = r[:, pad : pad + width], (c[:, pad : pad + width] - pad) % width
    before = head_of[r, c] >= 0  # the nearest pixel of an edge is on its near side, and so is this one
    nearest = np.where(before, number.ravel()[head_of[r, c]], number[r, c])
    found, kind = np.empty_like(inverse), np.zeros(inverse.shape, np.uint8)
    margin = margin_px * np.pi / height
    _extend(
        inverse, nearest, before, rows, columns, heads, planes, rays.level, rays.up, rays.east, rays.north, reach_m,
        margin, found, kind,
    )  # fmt: skip
    hidden = kind == 1
    _smooth(found, hidden, np.where(hidden, found, inverse), _SMOOTHING)
    found[hidden] = np.minimum(found[hidden], inverse[hidden] * (1 - 0.25 * RELATIVE))
    return Behind(found, hidden, kind == 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Rays:
    """Cosines and sines of rows' elevations and columns' azimuths."""

    level: np.ndarray
    up: np.ndarray
    east: np.ndarray
    north: np.ndarray

    @classmethod
    def of(cls, height: int) -> _Rays:
        elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
        azimuth = ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5) * 2 * np.pi
        return cls(np.cos(elevation), np.sin(elevation), np.sin(azimuth), np.cos(azimuth))


@numba.njit(cache=True, nogil=True)
def _mark(
    inverse: np.ndarray, right: np.ndarray, below: np.ndarray, near: np.ndarray, heads: np.ndarray, head_of: np.ndarray
) -> None:
    """Of each far pixel of an edge the largest inverse distance before it; of each near one the farthest behind it."""
    height, width = inverse.shape
    for r in range(height):
        for c in range(width):
            for down in (False, True):
                way = below[r, c] if down else right[r, c]
                if way == 0:
                    continue
                r2, c2 = (r + 1, c) if down else (r, (c + 1) % width)
                if way < 0:
                    nr, nc, fr, fc = r2, c2, r, c
                else:
                    nr, nc, fr, fc = r, c, r2, c2
                if near[nr, nc]:
                    heads[fr, fc] = max(heads[fr, fc], inverse[nr, nc])
                    other = head_of[nr, nc]
                    if other < 0 or inverse[fr, fc] < inverse[other // width, other % width]:
                        head_of[nr, nc] = fr * width + fc


@numba.njit(cache=True, nogil=True)
def _fit(
    inverse: np.ndarray, rows: np.ndarray, columns: np.ndarray, level: np.ndarray, up: np.ndarray, east: np.ndarray,
    north: np.ndarray, planes: np.ndarray, window: int,
) -> None:  # fmt: skip
    """Least squares of the two slopes across the ray; the plane goes through the seed itself."""
    height, width = inverse.shape
    for i in range(len(rows)):
        r, c = rows[i], columns[i]
        own = inverse[r, c]
        dx, dy, dz = level[r] * east[c], level[r] * north[c], up[r]
        ax, ay = north[c], -east[c]  # tangent towards east
        bx, by, bz = -up[r] * east[c], -up[r] * north[c], level[r]  # tangent upwards
        aa = ab = bb = _RIDGE
        ab = fa = fb = 0.0
        if own > 0:
            for y in range(max(r - window, 0), min(r + window + 1, height)):
                for k in range(-window, window + 1):
                    x = (c + k) % width
                    value = inverse[y, x] / own
                    if abs(value - 1) > _ALIKE:
                        continue
                    px, py, pz = level[y] * east[x], level[y] * north[x], up[y]
                    a = ax * px + ay * py
                    b = bx * px + by * py + bz * pz
                    rest = value - (dx * px + dy * py + dz * pz)
                    aa += a * a
                    ab += a * b
                    bb += b * b
                    fa += a * rest
                    fb += b * rest
        under = aa * bb - ab * ab
        s, t = (fa * bb - fb * ab) / under, (fb * aa - fa * ab) / under
        planes[i, 0] = own * (dx + s * ax + t * bx)
        planes[i, 1] = own * (dy + s * ay + t * by)
        planes[i, 2] = own * (dz + t * bz)


@numba.njit(cache=True, nogil=True)
def _extend(
    inverse: np.ndarray, nearest: np.ndarray, before: np.ndarray, rows: np.ndarray, columns: np.ndarray,
    heads: np.ndarray, planes: np.ndarray, level: np.ndarray, up: np.ndarray, east: np.ndarray, north: np.ndarray,
    reach: float, margin: float, found: np.ndarray, kind: np.ndarray,
) -> None:  # fmt: skip
    height, width = inverse.shape
    for r in range(height):
        for c in range(width):
            i = nearest[r, c]
            sr, sc = rows[i], columns[i]
            own = inverse[sr, sc]
            px, py, pz = level[r] * east[c], level[r] * north[c], up[r]
            value = planes[i, 0] * px + planes[i, 1] * py + planes[i, 2] * pz
            value = min(max(value, _LEAST * own), _MOST * own)
            found[r, c] = value
            if not before[r, c] or value >= inverse[r, c] * (1 - 0.5 * RELATIVE):
                continue
            cosine = level[sr] * level[r] * (east[sc] * east[c] + north[sc] * north[c]) + up[sr] * up[r]
            angle = np.arccos(min(max(cosine, -1.0), 1.0))
            seen = np.arctan(reach * heads[sr, sc]) - np.arctan(reach * value)
            if angle <= seen + margin:
                kind[r, c] = 2 if own == 0 else 1


@numba.njit(cache=True, nogil=True)
def _smooth(found: np.ndarray, hidden: np.ndarray, around: np.ndarray, rounds: int) -> None:
    """Where planes of different seeds meet, hidden surfaces are averaged with neighbours that are alike."""
    height, width = found.shape
    for _ in range(rounds):
        for r in range(height):
            for c in range(width):
                if not hidden[r, c]:
                    continue
                own = around[r, c]
                total, count = own, 1
                for dr, dc in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                    y, x = r + dr, (c + dc) % width
                    if 0 <= y < height and abs(around[y, x] - own) < _SMOOTH_ALIKE * own:
                        total += around[y, x]
                        count += 1
                around[r, c] = total / count
    for r in range(height):
        for c in range(width):
            if hidden[r, c]:
                found[r, c] = around[r, c]
