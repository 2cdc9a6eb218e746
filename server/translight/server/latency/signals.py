"""From pictures of a region to one number a picture: where something is, how bright it is, how far all of it moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64

Signal = Literal["position", "brightness", "shift"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)
"""``position``: the centre of what differs from the region's still background, along its main direction, in pixels.
``brightness``: the mean. ``shift``: how far the whole region's content has moved since the first picture."""
_BACKGROUND_FROM = 60
_CLEAR = 3.0
"""Times the background's own noise, from which on a pixel is of the moving thing."""


def signal(pictures: Sequence[Float32[np.ndarray, "h w"]], kind: Signal) -> Float64[np.ndarray, "n"]:
    """The signal of a region's pictures; NaN where it cannot be told."""
    if kind == "brightness":
        return np.array([float(picture.mean()) for picture in pictures])
    path = _positions(pictures) if kind == "position" else _shifts(pictures)
    return _along_main(path)


def _positions(pictures: Sequence[Float32[np.ndarray, "h w"]]) -> Float64[np.ndarray, "n 2"]:
    step = max(1, len(pictures) // _BACKGROUND_FROM)
    sampled = np.stack(pictures[::step])
    background = np.median(sampled, axis=0)
    noise = 1.4826 * float(np.median(np.abs(sampled - background))) + 1.0
    height, width = background.shape
    y, x = np.mgrid[:height, :width]
    found = np.full((len(pictures), 2), np.nan)
    for k, picture in enumerate(pictures):
        weight = np.abs(picture - background)
        weight = np.where(weight > _CLEAR * noise, weight, 0)
        # a few noisy pixels far off would pull a centre about: a second look counts only what is near the first
        for _ in range(3):
            total = float(weight.sum())
            if total <= 0:
                break
            centre = np.array([(weight * x).sum(), (weight * y).sum()]) / total
            found[k] = centre
            distance2 = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
            spread2 = float((weight * distance2).sum()) / total
            weight = np.where(distance2 <= 6.25 * spread2, weight, 0)
    return found


def _shifts(pictures: Sequence[Float32[np.ndarray, "h w"]]) -> Float64[np.ndarray, "n 2"]:
    """Sums of the shifts between neighbours, by phase correlation (Kuglin and Hines, 1975)."""
    height, width = pictures[0].shape
    window = np.outer(np.hanning(height), np.hanning(width))
    before = None
    at = np.zeros(2)
    found = np.zeros((len(pictures), 2))
    for k, picture in enumerate(pictures):
        spectrum = np.fft.rfft2((picture - picture.mean()) * window)
        if before is not None:
            cross = spectrum * np.conj(before)
            surface = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-6), s=(height, width))
            at = at + _peak(surface)
        found[k] = at
        before = spectrum
    return found


def _peak(surface: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "2"]:
    """x, y of the largest value, between pixels by parabolas; a shift beyond half the size is one the other way."""
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    found = []
    for index, size, line in (
        (int(column), surface.shape[1], surface[row]),
        (int(row), surface.shape[0], surface[:, column]),
    ):
        low, middle, high = line[index - 1], line[index], line[(index + 1) % size]
        bend = low - 2 * middle + high
        part = 0.0 if bend == 0 else float(np.clip(0.5 * (low - high) / bend, -0.5, 0.5))
        found.append((index - size if index > size // 2 else index) + part)
    return np.array(found)


def _along_main(path: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
    """Projected on the direction in which it moves most."""
    known = np.isfinite(path).all(axis=1)
    if known.sum() < 3:
        return np.full(len(path), np.nan)
    middle = path[known].mean(axis=0)
    axis = np.linalg.svd(path[known] - middle, full_matrices=False)[2][0]
    return np.asarray((path - middle) @ axis)
