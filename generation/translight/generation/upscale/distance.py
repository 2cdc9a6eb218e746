"""Distances in more pixels, their edges kept: a value is mixed of neighbours on its own side only; upscale.py asks.

Which neighbours belong together is lift/edges.py's to say, in inverse metres.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from translight.generation.lift.edges import find_edges, inverse_distance

_BLOCK_ROWS = 256


def finer_distance(distance_m: Float32[np.ndarray, "h w"], height_px: int) -> Float32[np.ndarray, "h2 w2"]:
    """Metres along the rays of a panorama of ``height_px`` rows, of those of a smaller one; infinite stays infinite.

    Between pixels of one surface inverse metres are interpolated, which is exact on a plane; across an edge the pixel
    takes the side of the nearest one.
    """
    height, width = distance_m.shape
    inverse = inverse_distance(distance_m, np.isinf(distance_m))
    edges = find_edges(inverse)
    far = inverse == 0
    joined_right = (edges.right == 0) & (far == np.roll(far, -1, axis=1))
    joined_below = (edges.below == 0) & (far == np.roll(far, -1, axis=0))
    joined_below[-1] = False  # over a pole
    out = np.empty((height_px, 2 * height_px), np.float32)
    column = (np.arange(2 * height_px) + 0.5) * width / (2 * height_px) - 0.5
    for top in range(0, height_px, _BLOCK_ROWS):
        row = (np.arange(top, min(top + _BLOCK_ROWS, height_px)) + 0.5) * height / height_px - 0.5
        mixed = _mix(inverse, joined_right, joined_below, row[:, None], column[None])
        with np.errstate(divide="ignore"):
            out[top : top + len(row)] = np.where(mixed > 0, np.float32(1) / mixed, np.float32(np.inf))
    return out


def finer_mask(mask: Bool[np.ndarray, "h w"], height_px: int) -> Bool[np.ndarray, "h2 w2"]:
    """A mask in more pixels, each as the nearest one."""
    rows = _nearest(mask.shape[0], height_px)
    return mask[rows[:, None], _nearest(mask.shape[1], 2 * height_px)[None]]


def _nearest(count: int, wanted: int) -> np.ndarray:
    return np.minimum((np.arange(wanted) + 0.5) * count / wanted, count - 1).astype(np.int64)


def _mix(
    inverse: Float32[np.ndarray, "h w"],
    joined_right: Bool[np.ndarray, "h w"],
    joined_below: Bool[np.ndarray, "h w"],
    row: np.ndarray,
    column: np.ndarray,
) -> Float32[np.ndarray, "r c"]:
    """Of the nearest pixel, the neighbours towards the place that are joined to it, and the one across."""
    height, width = inverse.shape
    r, c = np.broadcast_arrays(np.floor(row + 0.5).astype(np.int64), np.floor(column + 0.5).astype(np.int64))
    v, u = np.broadcast_arrays((row - r).astype(np.float32), (column - c).astype(np.float32))
    r = np.clip(r, 0, height - 1)
    r2 = np.clip(r + np.where(v < 0, -1, 1), 0, height - 1)
    c, c2 = c % width, (c + np.where(u < 0, -1, 1)) % width
    left, upper = np.where(u < 0, c2, c), np.minimum(r, r2)
    aside, beyond = joined_right[r, left], joined_below[upper, c] & (r2 != r)
    across = (aside & joined_below[upper, c2] & (r2 != r)) | (beyond & joined_right[r2, left])
    u, v = np.abs(u), np.abs(v)
    weights = ((1 - u) * (1 - v), u * (1 - v) * aside, (1 - u) * v * beyond, u * v * (across & aside & beyond))
    values = (inverse[r, c], inverse[r, c2], inverse[r2, c], inverse[r2, c2])
    total = sum(weights)
    mixed: np.ndarray = sum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    return mixed
