"""How far a picture is from the truth, and the loss's gradient by each of its values, in one pass on the processor.

Loss = (1 − λ)·mean |x − y| + λ·(1 − mean SSIM), Kerbl et al. (2023), eq. 7; SSIM by Wang et al. (2004) with a Gaussian
window of 11×11 and σ 1.5, zeros outside the picture as there. torch_loss.py is the same in torch's own operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from jaxtyping import Float32

REACH = 5
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
_FAST = {"contract", "nsz", "nnan", "ninf", "arcp"}
_KERNEL = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / SIGMA) ** 2)
K0, K1, K2, K3, K4, K5 = (float(v) for v in (_KERNEL / _KERNEL.sum())[: REACH + 1].astype(np.float32))
_BAND = 16
"""Rows that one thread takes at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A photograph and what SSIM needs of it alone: planes (c h w), its windowed mean and variance."""

    planes: Float32[np.ndarray, "c h w"]
    mean: Float32[np.ndarray, "c h w"]
    variance: Float32[np.ndarray, "c h w"]

    @classmethod
    def of(cls, planes: Float32[np.ndarray, "c h w"]) -> Truth:
        """Of a photograph's planes, which are kept, not copied."""
        planes = np.ascontiguousarray(planes, dtype=np.float32)
        mean, square = np.empty_like(planes), np.empty_like(planes)
        _filter(planes, mean)
        _filter(planes * planes, square)
        return cls(planes, mean, square - mean * mean)


class PictureLoss:
    """Room for the work, kept from picture to picture."""

    def __init__(self) -> None:
        self._room = np.empty(0, np.float32)

    def gradient(
        self, picture: Float32[np.ndarray, "c h w"], truth: Truth, ssim_weight: float, out: Float32[np.ndarray, "c h w"]
    ) -> tuple[float, float]:
        """Write the loss's gradient by ``picture`` into ``out``; gives the loss and the mean squared difference."""
        planes = picture.shape[0]
        size = picture.size
        if len(self._room) < 3 * size:
            self._room = np.empty(3 * size, np.float32)
        maps = self._room[: 3 * size].reshape(3, *picture.shape)
        bands = planes * math.ceil(picture.shape[1] / _BAND)
        sums = np.zeros((bands, 3), np.float64)
        _similarity(picture, truth.planes, truth.mean, truth.variance, maps, sums)
        _gradient(
            picture, truth.planes, maps, np.float32((1 - ssim_weight) / size), np.float32(ssim_weight / size), out
        )
        similarity, absolute, squares = (float(value) / size for value in sums.sum(axis=0))
        return (1 - ssim_weight) * absolute + ssim_weight * (1 - similarity), squares


def compile_kernels() -> None:
    """Compile now, or load from the cache on disk."""
    planes = np.zeros((1, 2, 2), np.float32)
    PictureLoss().gradient(planes, Truth.of(planes), 0.5, planes.copy())


@numba.njit(inline="always", fastmath=_FAST)
def _across(padded: Any, out: Any) -> None:
    """A row of the window's horizontal half; ``padded`` has REACH zeros before and after."""
    n = len(out)
    a0, a1, a2, a3, a4, a5 = padded[0:n], padded[1 : n + 1], padded[2 : n + 2], padded[3 : n + 3], padded[4 : n + 4], padded[5 : n + 5]  # fmt: skip  # noqa: E501
    b0, b1, b2, b3, b4 = padded[10 : n + 10], padded[9 : n + 9], padded[8 : n + 8], padded[7 : n + 7], padded[6 : n + 6]
    k0, k1, k2 = np.float32(K0), np.float32(K1), np.float32(K2)
    k3, k4, k5 = np.float32(K3), np.float32(K4), np.float32(K5)
    for x in range(n):
        out[x] = (
            k0 * (a0[x] + b0[x]) + k1 * (a1[x] + b1[x]) + k2 * (a2[x] + b2[x])
            + k3 * (a3[x] + b3[x]) + k4 * (a4[x] + b4[x]) + k5 * a5[x]
        )  # fmt: skip


@numba.njit(inline="always", fastmath=_FAST)
def _down(rows: Any, first: int, out: Any) -> None:
    """A row of the window's vertical half from eleven rows, beginning with ``first``."""
    n = len(out)
    a0, a1, a2, a3, a4 = rows[first], rows[first + 1], rows[first + 2], rows[first + 3], rows[first + 4]
    b0, b1, b2, b3, b4 = rows[first + 10], rows[first + 9], rows[first + 8], rows[first + 7], rows[first + 6]
    a5 = rows[first + 5]
    k0, k1, k2 = np.float32(K0), np.float32(K1), np.float32(K2)
    k3, k4, k5 = np.float32(K3), np.float32(K4), np.float32(K5)
    for x in range(n):
        out[x] = (
            k0 * (a0[x] + b0[x]) + k1 * (a1[x] + b1[x]) + k2 * (a2[x] + b2[x])
            + k3 * (a3[x] + b3[x]) + k4 * (a4[x] + b4[x]) + k5 * a5[x]
        )  # fmt: skip


@numba.njit(parallel=True, nogil=True, cache=True, fastmath=_FAST)
def _filter(planes: Any, out: Any) -> None:
    """The window over every plane."""
    count, height, width = planes.shape
    bands = (height + _BAND - 1) // _BAND
    for job in numba.prange(count * bands):
        plane, top = job // bands, (job % bands) * _BAND
        rows = np.zeros((_BAND + 2 * REACH, width), np.float32)
        padded = np.zeros(width + 2 * REACH, np.float32)
        for r in range(_BAND + 2 * REACH):
            y = top - REACH + r
            if 0 <= y < height:
                padded[REACH : REACH + width] = planes[plane, y]
                _across(padded, rows[r])
        for r in range(min(_BAND, height - top)):
            _down(rows, r, out[plane, top + r])


@numba.njit(parallel=True, nogil=True, cache=True, fastmath=_FAST)
def _similarity(picture: Any, truth: Any, mean: Any, variance: Any, maps: Any, sums: Any) -> None:
    """SSIM's derivatives by the picture's windowed mean, square and product into ``maps``, and the sums of each band.

    The sums are those of SSIM, of |x − y| and of (x − y)².
    """
    count, height, width = picture.shape
    bands = (height + _BAND - 1) // _BAND
    for job in numba.prange(count * bands):
        plane, top = job // bands, (job % bands) * _BAND
        rows = np.zeros((3, _BAND + 2 * REACH, width), np.float32)
        padded = np.zeros((3, width + 2 * REACH), np.float32)
        found = np.empty((3, width), np.float32)
        for r in range(_BAND + 2 * REACH):
            y = top - REACH + r
            if 0 <= y < height:
                x_row, y_row = picture[plane, y], truth[plane, y]
                first, square, product = padded[0, REACH:], padded[1, REACH:], padded[2, REACH:]
                for x in range(width):
                    first[x] = x_row[x]
                    square[x] = x_row[x] * x_row[x]
                    product[x] = x_row[x] * y_row[x]
                for m in range(3):
                    _across(padded[m], rows[m, r])
        total = np.zeros(3, np.float64)
        for r in range(min(_BAND, height - top)):
            y = top + r
            for m in range(3):
                _down(rows[m], r, found[m])
            mu, e11, e12 = found[0], found[1], found[2]
            nu, s22 = mean[plane, y], variance[plane, y]
            d_mu, d11, d12 = maps[0, plane, y], maps[1, plane, y], maps[2, plane, y]
            x_row, y_row = picture[plane, y], truth[plane, y]
            similar, absolute, squares = np.float32(0), np.float32(0), np.float32(0)
            for x in range(width):
                a1 = np.float32(2) * mu[x] * nu[x] + np.float32(C1)
                a2 = np.float32(2) * (e12[x] - mu[x] * nu[x]) + np.float32(C2)
                b1 = mu[x] * mu[x] + nu[x] * nu[x] + np.float32(C1)
                b2 = e11[x] - mu[x] * mu[x] + s22[x] + np.float32(C2)
                inverse = np.float32(1) / (b1 * b2)
                s = a1 * a2 * inverse
                d_mu[x] = np.float32(2) * (nu[x] * (a2 - a1) - s * mu[x] * (b2 - b1)) * inverse
                d11[x] = -s * b1 * inverse
                d12[x] = np.float32(2) * a1 * inverse
                away = x_row[x] - y_row[x]
                similar += s
                absolute += abs(away)
                squares += away * away
            total[0] += similar
            total[1] += absolute
            total[2] += squares
        sums[job] = total


@numba.njit(parallel=True, nogil=True, cache=True, fastmath=_FAST)
def _gradient(picture: Any, truth: Any, maps: Any, of_absolute: Any, of_similarity: Any, out: Any) -> None:
    """Back through the window: the loss's gradient by each value of the picture."""
    count, height, width = picture.shape
    bands = (height + _BAND - 1) // _BAND
    for job in numba.prange(count * bands):
        plane, top = job // bands, (job % bands) * _BAND
        rows = np.zeros((3, _BAND + 2 * REACH, width), np.float32)
        padded = np.zeros(width + 2 * REACH, np.float32)
        found = np.empty((3, width), np.float32)
        for m in range(3):
            for r in range(_BAND + 2 * REACH):
                y = top - REACH + r
                if 0 <= y < height:
                    padded[REACH : REACH + width] = maps[m, plane, y]
                    _across(padded, rows[m, r])
        for r in range(min(_BAND, height - top)):
            for m in range(3):
                _down(rows[m], r, found[m])
            x_row, y_row, to = picture[plane, top + r], truth[plane, top + r], out[plane, top + r]
            f0, f1, f2 = found[0], found[1], found[2]
            for x in range(width):
                s = f0[x] + np.float32(2) * x_row[x] * f1[x] + y_row[x] * f2[x]
                away = x_row[x] - y_row[x]
                sign = of_absolute if away > 0 else -of_absolute
                to[x] = (sign if away != 0 else np.float32(0)) - of_similarity * s
