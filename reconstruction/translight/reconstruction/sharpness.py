"""How sharp a picture is, for ``keyframes`` and ``inspection``."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, UInt8

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709."""
_TILES, _BOX = 6, 9
_LEAST_GRADIENT = 0.004
"""Mean step between neighbouring pixels: below, a tile is sky, and sharp or blurred noise."""


def grey_of(rgb: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """Luma from 0 to 1."""
    return rgb.astype(np.float32) @ (_LUMA / np.float32(255))


def laplacian_variance(grey: Float[np.ndarray, "h w"]) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000)."""
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def blur_effect(grey: Float[np.ndarray, "h w"]) -> float:
    """From 0 (as sharp as can be) to 1 (nothing but blur): how little a further blur changes the sharper parts.

    Crété-Roffet et al., "The blur effect: perception and estimation with a new no-reference perceptual blur metric"
    (2007), in tiles, of which a quarter may be sharper than what is given: sky and what lies out of focus do not count.
    The worse of both directions counts, for hands shake along one. 1 where the picture shows nothing.
    """
    tiles = _TILES
    found = []
    for picture in (grey, grey.T):
        blurred = _box(picture, _BOX)
        before, after = np.abs(np.diff(picture, axis=1)), np.abs(np.diff(blurred, axis=1))
        kept = np.maximum(before - after, 0)
        rows, columns = (size // tiles for size in before.shape)
        if not rows or not columns:
            return 1.0
        sums = [
            plane[: rows * tiles, : columns * tiles].reshape(tiles, rows, tiles, columns).sum(axis=(1, 3))
            for plane in (before, kept)
        ]
        shown = sums[0] > _LEAST_GRADIENT * rows * columns
        if not shown.any():
            return 1.0
        found.append(float(np.percentile(1 - sums[1][shown] / sums[0][shown], 25)))
    return max(found)


def _box(picture: Float[np.ndarray, "h w"], size: int) -> Float[np.ndarray, "h w"]:
    """Averages of ``size`` pixels along rows; edges repeat."""
    half = size // 2
    sums = np.cumsum(np.pad(picture.astype(np.float64), ((0, 0), (half + 1, half)), mode="edge"), axis=1)
    return (sums[:, size:] - sums[:, :-size]) / size
