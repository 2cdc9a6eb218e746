"""Dense optical flow between two pictures, coarse to fine, for coherence.py's measures.

Lucas and Kanade (1981), iterated on an image pyramid (Bouguet 2001) with a Gaussian window about every pixel. Our own,
in scipy, since measures must not change with a library's version and OpenCV would be 160 MB for one function.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

_SMALLEST_PX = 12
_ITERATIONS = 6
_WINDOW_PX = 2.5
_LEAST_TEXTURE = 2e-5
"""Added to the window's squared gradients: where there is no texture, what is known from coarser levels stays."""
_MOST_STEP_PX = 1.0


def flow(first: Float32[np.ndarray, "h w"], second: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 2"]:
    """Columns and rows by which what is seen at a pixel of ``first`` has moved in ``second``.

    Values are about 0 to 1, as shown. Raises ValueError on pictures of different sizes.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"flow: two grey pictures of one size are wanted, got {first.shape} and {second.shape}")
    pyramid = [(first.astype(np.float32), second.astype(np.float32))]
    while min(pyramid[-1][0].shape) >= 2 * _SMALLEST_PX:
        pyramid.append((_halved(pyramid[-1][0]), _halved(pyramid[-1][1])))
    moved = np.zeros((*pyramid[-1][0].shape, 2), np.float32)
    for one, other in reversed(pyramid):
        if moved.shape[:2] != one.shape:
            zoom = (one.shape[0] / moved.shape[0], one.shape[1] / moved.shape[1])
            parts = [ndimage.zoom(moved[..., k], zoom, order=1, mode="nearest", grid_mode=True) for k in (0, 1)]
            moved = np.stack([parts[0] * zoom[1], parts[1] * zoom[0]], axis=-1).astype(np.float32)
        moved = _refined(one, other, moved)
    return moved


def warped(picture: Float32[np.ndarray, "h w *c"], by: Float32[np.ndarray, "h w 2"]) -> Float32[np.ndarray, "h w *c"]:
    """``picture`` seen at each pixel moved ``by``: the second picture brought onto the first."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    at = np.stack([rows + by[..., 1], columns + by[..., 0]])
    if picture.ndim == 2:
        return ndimage.map_coordinates(picture, at, order=1, mode="nearest")
    channels = [ndimage.map_coordinates(picture[..., k], at, order=1, mode="nearest") for k in range(picture.shape[2])]
    return np.stack(channels, axis=-1)


def _refined(
    one: Float32[np.ndarray, "h w"], other: Float32[np.ndarray, "h w"], moved: Float32[np.ndarray, "h w 2"]
) -> Float32[np.ndarray, "h w 2"]:
    dx, dy = _slope(one, 1), _slope(one, 0)
    xx, xy, yy = (_window(a) for a in (dx * dx, dx * dy, dy * dy))
    xx, yy = xx + _LEAST_TEXTURE, yy + _LEAST_TEXTURE
    determinant = xx * yy - xy * xy
    for _ in range(_ITERATIONS):
        off = one - warped(other, moved)
        ex, ey = _window(dx * off), _window(dy * off)
        step = np.stack([(yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant], axis=-1)
        moved = moved + np.clip(step, -_MOST_STEP_PX, _MOST_STEP_PX)
    return np.stack([ndimage.median_filter(moved[..., k], size=3, mode="nearest") for k in (0, 1)], axis=-1)


def _slope(picture: Float32[np.ndarray, "h w"], axis: int) -> Float32[np.ndarray, "h w"]:
    return ndimage.correlate1d(picture, np.array([-0.5, 0.0, 0.5], np.float32), axis=axis, mode="nearest")


def _window(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    return ndimage.gaussian_filter(values, _WINDOW_PX, mode="nearest", truncate=2.0)


def _halved(picture: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h2 w2"]:
    return np.ascontiguousarray(ndimage.gaussian_filter(picture, 1.0, mode="nearest")[::2, ::2])
