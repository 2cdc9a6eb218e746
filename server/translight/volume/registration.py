"""How far one picture is shifted against another, window by window, to a few thousandths of a pixel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64

WINDOW_PX = 64
"""Side of a window; a smaller picture is one window."""
_BORDER_PX = 4
_ITERATIONS = 12
_LOBES = 6
_LARGEST_PX = 8.0
_WEAKEST_GRADIENT = 0.01
"""A window's weaker direction must change by this root-mean-square a pixel, else its shift is not measured."""


def shifts(
    reference: Float[np.ndarray, "h w"],
    moved: Float[np.ndarray, "h w"],
    valid: Bool[np.ndarray, "h w"] | None = None,
    *,
    window_px: int = WINDOW_PX,
) -> Float64[np.ndarray, "rows columns 2"]:
    """(dx, dy) in pixels so that ``moved``(x + dx, y + dy) looks like ``reference``(x, y), for each window of a grid.

    NaN where a window holds pixels that are not ``valid``, has too little texture in some direction, or does not
    settle within 8 pixels. Lucas, Kanade (1981), iterated to the least squares of what is left (Gauss-Newton), with
    the mean of each window taken out.
    """
    height, width = reference.shape
    valid = np.ones_like(reference, bool) if valid is None else valid
    rows, columns = max(height // window_px, 1), max(width // window_px, 1)
    found = np.full((rows, columns, 2), np.nan)
    reference, moved = np.asarray(reference, np.float64), np.asarray(moved, np.float64)
    down, across = np.gradient(reference)
    for row in range(rows):
        for column in range(columns):
            part = _window(row, rows, height), _window(column, columns, width)
            if valid[part].all() and reference[part].size:
                found[row, column] = _shift(reference[part], across[part], down[part], moved, part)
    return found


def _window(index: int, count: int, length: int) -> slice:
    first, last = index * length // count, (index + 1) * length // count
    return slice(max(first, _BORDER_PX), min(last, length - _BORDER_PX))


def _shift(
    reference: Float64[np.ndarray, "h w"],
    across: Float64[np.ndarray, "h w"],
    down: Float64[np.ndarray, "h w"],
    moved: Float64[np.ndarray, "y x"],
    part: tuple[slice, slice],
) -> Float64[np.ndarray, "2"]:
    gradient = np.stack([across.ravel(), down.ravel()], axis=-1)
    gradient -= gradient.mean(axis=0)
    normal = gradient.T @ gradient
    if np.linalg.eigvalsh(normal)[0] < len(gradient) * _WEAKEST_GRADIENT**2:
        return np.full(2, np.nan)
    found = np.zeros(2)
    for _ in range(_ITERATIONS):
        left = reference.ravel() - _moved_back(moved, part, found).ravel()
        step = np.linalg.solve(normal, gradient.T @ (left - left.mean()))
        found = found + step
        if np.abs(found).max() > _LARGEST_PX:
            return np.full(2, np.nan)
        if np.abs(step).max() < 1e-4:
            return found
    return found if np.abs(step).max() < 1e-2 else np.full(2, np.nan)


def _moved_back(
    picture: Float64[np.ndarray, "y x"], part: tuple[slice, slice], shift: Float64[np.ndarray, "2"]
) -> Float64[np.ndarray, "h w"]:
    """``picture``(x + dx, y + dy) on a window, by a Lanczos filter of twelve taps each way.

    A cubic's phase is off by hundredths of a pixel on fine texture, which would pass for a shift.
    """
    rows, row_weights = _taps(part[0], shift[1], picture.shape[0])
    columns, column_weights = _taps(part[1], shift[0], picture.shape[1])
    across = np.einsum("yxk,k->yx", picture[:, columns], column_weights)
    return np.einsum("ykx,k->yx", across[rows], row_weights)


def _taps(window: slice, shift: float, length: int) -> tuple[np.ndarray, Float64[np.ndarray, "k"]]:
    """For each pixel of a window its taps' indices, and the taps' weights, which all of them share."""
    whole = int(np.floor(shift))
    offsets = np.arange(1 - _LOBES, _LOBES + 1)
    away = offsets - (shift - whole)
    weights = np.sinc(away) * np.sinc(away / _LOBES)
    indices = np.arange(window.start, window.stop)[:, None] + whole + offsets
    return np.clip(indices, 0, length - 1), weights / weights.sum()
