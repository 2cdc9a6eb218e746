"""Resampling filters: how a picture is read between its pixels, in NumPy; ``lanes.py`` does it in the live path.

Every filter is a piecewise cubic over 4×4 neighbours; of bilinear's, which weigh 2×2, ``lanes.py`` reads no others.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from jaxtyping import Float, Float32


class Sampling(StrEnum):
    """How a picture is read between its pixels."""

    BILINEAR = "bilinear"
    """The two nearest: soft."""
    CATMULL_ROM = "catmull-rom"
    """The cubic through the four nearest: sharp, keeps pixels that it hits."""
    MITCHELL = "mitchell"
    """Mitchell and Netravali's B = C = 1/3: smoother than Catmull-Rom, no ringing to speak of."""


def coefficients(sampling: Sampling) -> Float32[np.ndarray, "4 4"]:
    """Weights of pixels −1, 0, 1, 2 at fraction f between 0 and 1: Σₖ f³⁻ᵏ · row k.

    Mitchell, Netravali (1988), "Reconstruction Filters in Computer Graphics", eq. 8; bilinear in the same form.
    """
    if sampling is Sampling.BILINEAR:
        return np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, -1, 1, 0], [0, 1, 0, 0]], np.float32)
    b, c = (0.0, 0.5) if sampling is Sampling.CATMULL_ROM else (1 / 3, 1 / 3)
    rows = [
        [-b / 6 - c, 2 - 1.5 * b - c, -2 + 1.5 * b + c, b / 6 + c],
        [0.5 * b + 2 * c, -3 + 2 * b + c, 3 - 2.5 * b - 2 * c, -c],
        [-0.5 * b - c, 0, 0.5 * b + c, 0],
        [b / 6, 1 - b / 3, b / 6, 0],
    ]
    return np.array(rows, np.float32)


def weights(table: Float[np.ndarray, "4 4"], fraction: Float[np.ndarray, "..."]) -> Float[np.ndarray, "... 4"]:
    """The four weights at each fraction: the NumPy form of what ``kernel.py`` computes for a strip."""
    f = np.asarray(fraction)[..., None]
    return ((table[0] * f + table[1]) * f + table[2]) * f + table[3]


def resample(
    picture: Float[np.ndarray, "h w c"], x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], sampling: Sampling
) -> Float[np.ndarray, "n c"]:
    """``picture`` at pixel coordinates (x, y), centres at +0.5, its edge pixels repeated beyond it. NumPy."""
    table = coefficients(sampling).astype(picture.dtype)
    height, width = picture.shape[:2]
    column, row = np.floor(x - 0.5).astype(np.int64), np.floor(y - 0.5).astype(np.int64)
    wx, wy = weights(table, x - 0.5 - column), weights(table, y - 0.5 - row)
    total = np.zeros((len(x), picture.shape[2]), picture.dtype)
    for j in range(4):
        rows = np.clip(row + j - 1, 0, height - 1)
        for i in range(4):
            pixels = picture[rows, np.clip(column + i - 1, 0, width - 1)]
            total += (wy[:, j] * wx[:, i])[:, None].astype(picture.dtype) * pixels
    return total
