"""The cells of a barcode seen through a homography: sampled, compared with the border and quiet zone around them.

barcode.py says what the cells mean; barcode_finder.py finds the homography in a filmed picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

ROWS, COLUMNS = 12, 20
_MIN_CONTRAST = 0.08
"""White minus black, of the full range: with less, noise decides."""
_STRAY = 0.04
"""This share of border and quiet cells may lie on the wrong side."""
_SHARPEN = (0.0, 0.5, 1.0)
"""How strongly the neighbours are subtracted, one after another: blur mixes them in."""

_row, _column = (axis.ravel() for axis in np.mgrid[:ROWS, :COLUMNS])
_RING = np.minimum(np.minimum(_row, ROWS - 1 - _row), np.minimum(_column, COLUMNS - 1 - _column))
_QUIET, _BORDER = _RING == 0, _RING == 1
_PLANE = np.stack([np.ones(ROWS * COLUMNS), _row - (ROWS - 1) / 2, _column - (COLUMNS - 1) / 2], 1)
_FIT_WHITE, _FIT_BLACK = np.linalg.pinv(_PLANE[_QUIET]), np.linalg.pinv(_PLANE[_BORDER])
_OFFSETS = np.array([0.3, 0.5, 0.7])
_POINTS = np.stack(
    [
        np.broadcast_to(_column[:, None, None] + _OFFSETS[None, None, :], (ROWS * COLUMNS, 3, 3)),
        np.broadcast_to(_row[:, None, None] + _OFFSETS[None, :, None], (ROWS * COLUMNS, 3, 3)),
        np.ones((ROWS * COLUMNS, 3, 3)),
    ]
).reshape(3, -1)
"""Nine points within the middle of every cell, homogeneous."""


def read_cells(
    grey: Float[np.ndarray, "h w"], picture_from_cells: Float[np.ndarray, "3 3"]
) -> Iterator[Bool[np.ndarray, "12 20"]]:
    """Which cells are white, guessed with more and more sharpening; nothing where no border and quiet zone are seen.

    Brightness may fall off over the code: the level between black and white is a plane through what lies around it.
    """
    x, y, w = picture_from_cells @ _POINTS
    if (w <= 0).any():
        return
    levels = sampled(grey, x / w, y / w).reshape(ROWS * COLUMNS, 9).mean(1)
    white, black = _PLANE @ (_FIT_WHITE @ levels[_QUIET]), _PLANE @ (_FIT_BLACK @ levels[_BORDER])
    if (white - black).min() < _MIN_CONTRAST:
        return
    height = ((levels - black) / (white - black)).astype(np.float64)
    if np.mean(height[_QUIET] < 0.5) > _STRAY or np.mean(height[_BORDER] > 0.5) > _STRAY:
        return
    square = height.reshape(ROWS, COLUMNS)
    around = np.zeros_like(square)
    around[1:-1, 1:-1] = (square[:-2, 1:-1] + square[2:, 1:-1] + square[1:-1, :-2] + square[1:-1, 2:]) / 4
    for strength in _SHARPEN:
        yield square + strength * (square - around) > 0.5


def sampled(grey: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Bilinear samples at pixel centres' coordinates; outside, the nearest pixel's."""
    height, width = grey.shape
    x = np.clip(x, 0.0, width - 1.001 if width > 1 else 0.0)
    y = np.clip(y, 0.0, height - 1.001 if height > 1 else 0.0)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    upper = grey[top, left] * (1 - fx) + grey[top, right] * fx
    lower = grey[below, left] * (1 - fx) + grey[below, right] * fx
    return (upper * (1 - fy) + lower * fy).astype(np.float32)
