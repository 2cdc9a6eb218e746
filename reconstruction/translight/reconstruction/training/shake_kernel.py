"""The noise of mcmc.py on faint splats' centres, in one pass on the processor, with numbers that a key brings forth."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_JOB_ROWS = 1024
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TWO_PI = 2 * np.pi


@numba.njit(nogil=True, cache=True, inline="always")
def _uniform(key: Any, index: Any) -> Any:
    """In (0, 1), the same for the same key and index: SplitMix64 (Steele et al., 2014) of their sum."""
    z = key + (np.uint64(index) + np.uint64(1)) * _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return (float(z >> _S11) + 0.5) * 2.0**-53


@numba.njit(nogil=True, cache=True)
def normals(key: Any, row: Any, out: Any) -> None:
    """Three independent standard normal numbers of a row: Box and Muller (1958)."""
    for pair in range(2):
        index = 4 * row + 2 * pair
        length = np.sqrt(-2.0 * np.log(_uniform(key, index)))
        angle = _TWO_PI * _uniform(key, index + 1)
        out[2 * pair] = length * np.cos(angle)
        if pair == 0:
            out[1] = length * np.sin(angle)


@numba.njit(parallel=True, nogil=True, cache=True)
def shake_rows(
    means: Any, log_scales: Any, wxyz: Any, logits: Any, key: Any, below: Any, steepness: Any, middle: Any, rate: Any
) -> None:
    """Centres (n 3) move by R·S²·Rᵀ·ε·sigmoid(steepness·(1 − opacity − middle))·rate where opacity < ``below``.

    Quaternions may have any length but zero. The same ``key`` (uint64) gives the same noise, whatever the threads.
    """
    n = len(means)
    for job in numba.prange((n + _JOB_ROWS - 1) // _JOB_ROWS):
        e = np.empty(3)
        for row in range(job * _JOB_ROWS, min(n, (job + 1) * _JOB_ROWS)):
            opacity = 1.0 / (1.0 + np.exp(-float(logits[row])))
            if not opacity < below:
                continue
            much = rate / (1.0 + np.exp(-steepness * (1.0 - opacity - middle)))
            normals(key, row, e)
            w, x, y, z = float(wxyz[row, 0]), float(wxyz[row, 1]), float(wxyz[row, 2]), float(wxyz[row, 3])
            t = 2.0 / (w * w + x * x + y * y + z * z)
            axes = (
                (1 - t * (y * y + z * z), t * (x * y + w * z), t * (x * z - w * y)),
                (t * (x * y - w * z), 1 - t * (x * x + z * z), t * (y * z + w * x)),
                (t * (x * z + w * y), t * (y * z - w * x), 1 - t * (x * x + y * y)),
            )
            moved = (0.0, 0.0, 0.0)
            for k in numba.literal_unroll((0, 1, 2)):
                axis = axes[k]
                along = (axis[0] * e[0] + axis[1] * e[1] + axis[2] * e[2]) * np.exp(2.0 * log_scales[row, k]) * much
                moved = (moved[0] + axis[0] * along, moved[1] + axis[1] * along, moved[2] + axis[2] * along)
            for k in range(3):
                means[row, k] += np.float32(moved[k])


def compile_kernels() -> None:
    """Compile now, or load from the cache on disk."""
    three, four, one = np.zeros((1, 3), np.float32), np.ones((1, 4), np.float32), np.zeros(1, np.float32)
    shake_rows(three, three.copy(), four, one, np.uint64(1), 0.1, 100.0, 0.995, 0.0)
