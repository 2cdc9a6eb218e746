"""Depth edges of a panorama: which neighbouring pixels do not belong to one surface; layers.py cuts there.

Distances are compared as inverse metres, 0 in the sky, in which a plane is linear in the ray's direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Bool, Float32, Int8

RELATIVE = 0.08
"""A jump of inverse distance by less than this share of the nearer one is no edge …"""
STEEPER = 2.5
"""… nor one that is less than this many times the slope beside it: ground towards the horizon is no edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Links between neighbours: 0 none, 1 the first pixel (left, upper) is the near one, −1 the second is.

    ``right`` [r, c] joins (r, c) and (r, c + 1), around the seam too; ``below`` joins (r, c) and (r + 1, c).
    """

    right: Int8[np.ndarray, "h w"]
    below: Int8[np.ndarray, "h w"]


def inverse_distance(
    distance_m: Float32[np.ndarray, "h w"], sky: Bool[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """1/m, and 0 in the sky."""
    with np.errstate(divide="ignore"):
        return np.where(sky, np.float32(0), np.float32(1) / distance_m).astype(np.float32)


def find_edges(inverse: Float32[np.ndarray, "h w"]) -> Edges:
    """The links of a panorama's inverse distances that cross a depth edge."""
    right, below = np.zeros(inverse.shape, np.int8), np.zeros(inverse.shape, np.int8)
    _links(np.ascontiguousarray(inverse, np.float32), right, below, RELATIVE, STEEPER)
    return Edges(right, below)


def snapped(
    inverse: Float32[np.ndarray, "h w"], soft_px: int
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Blurred edges made steep: the values of pixels that lie between a near surface and a far one become those of the
    one that is closer, and a mask says which pixels that were.

    Between are at most ``soft_px`` in a row between two edges that fall the same way. Depth networks blur their edges;
    in true depth such a pixel is a thing of its own, and ``soft_px`` is 0.
    """
    steep, between = inverse.copy(), np.zeros(inverse.shape, bool)
    if soft_px > 0:
        edges = find_edges(inverse)
        _snap(edges.right, inverse, steep, between, soft_px, True)
        _snap(np.ascontiguousarray(edges.below.T), inverse.T, steep.T, between.T, soft_px, False)
    return steep, between


def near_band(edges: Edges, inverse: Float32[np.ndarray, "h w"], width_px: int) -> Bool[np.ndarray, "h w"]:
    """Pixels of the near surface within ``width_px`` of an edge, where that surface goes on beyond them.

    What is so thin that the band would take all of it, a lamp post, a leaf, keeps its pixels.
    """
    found = np.zeros(inverse.shape, bool)
    if width_px > 0:
        _band(edges.right, edges.below, inverse, found, width_px)
    return found


@numba.njit(cache=True, nogil=True)
def _is_edge(before: float, near: float, far: float, after: float, relative: float, steeper: float) -> bool:
    jump = near - far
    if far == 0.0 and 2 * near - before < 0.5 * near:  # the ground, falling to 0 at the horizon
        return False
    return jump > relative * near and jump > steeper * min(abs(before - near), abs(far - after))


@numba.njit(cache=True, nogil=True)
def _links(inverse: np.ndarray, right: np.ndarray, below: np.ndarray, relative: float, steeper: float) -> None:
    height, width = inverse.shape
    for r in range(height):
        for c in range(width):
            here = inverse[r, c]
            there = inverse[r, (c + 1) % width]
            if here != there:
                before, after = inverse[r, (c - 1) % width], inverse[r, (c + 2) % width]
                if here > there and _is_edge(before, here, there, after, relative, steeper):
                    right[r, c] = 1
                elif there > here and _is_edge(after, there, here, before, relative, steeper):
                    right[r, c] = -1
            if r + 1 < height:
                there = inverse[r + 1, c]
                if here != there:
                    before, after = inverse[max(r - 1, 0), c], inverse[min(r + 2, height - 1), c]
                    if here > there and _is_edge(before, here, there, after, relative, steeper):
                        below[r, c] = 1
                    elif there > here and _is_edge(after, there, here, before, relative, steeper):
                        below[r, c] = -1


@numba.njit(cache=True, nogil=True)
def _snap(
    links: np.ndarray, inverse: np.ndarray, steep: np.ndarray, between: np.ndarray, soft_px: int, wraps: bool
) -> None:
    height, width = links.shape
    for r in range(height):
        for c in range(width):
            way = links[r, c]
            if way == 0:
                continue
            for step in range(1, soft_px + 1):
                last = c + step
                if last + 1 >= width and not wraps:
                    break
                if links[r, last % width] == 0:
                    continue
                if links[r, last % width] == way:
                    first, other = inverse[r, c], inverse[r, (last + 1) % width]
                    for inside in range(c + 1, last + 1):
                        at = inside % width
                        value = inverse[r, at]
                        steep[r, at] = first if abs(value - first) < abs(value - other) else other
                        between[r, at] = True
                break


@numba.njit(cache=True, nogil=True)
def _touches(right: np.ndarray, below: np.ndarray, r: int, c: int) -> bool:
    """Whether a pixel is the near one of a link."""
    width = right.shape[1]
    return right[r, c] == 1 or right[r, (c - 1) % width] == -1 or below[r, c] == 1 or (r > 0 and below[r - 1, c] == -1)


@numba.njit(cache=True, nogil=True)
def _band(right: np.ndarray, below: np.ndarray, inverse: np.ndarray, found: np.ndarray, width_px: int) -> None:
    height, width = inverse.shape
    near = np.zeros(inverse.shape, np.uint8)
    for r in range(height):
        for c in range(width):
            if _touches(right, below, r, c):
                near[r, c] = 1
    for step in range(1, width_px):
        for r in range(height):
            for c in range(width):
                if near[r, c] != step:
                    continue
                for dr, dc in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                    y, x = r + dr, (c + dc) % width
                    if 0 <= y < height and near[y, x] == 0 and abs(inverse[y, x] / inverse[r, c] - 1.0) < 0.1:
                        near[y, x] = step + 1
    reach = width_px + 1
    for r in range(height):
        for c in range(width):
            if near[r, c] == 0:
                continue
            for y in range(max(r - reach, 0), min(r + reach + 1, height)):
                for x in range(c - reach, c + reach + 1):
                    at = x % width
                    if near[y, at] == 0 and abs(inverse[y, at] / inverse[r, c] - 1.0) < 0.1:
                        found[r, c] = True
