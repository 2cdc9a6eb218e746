"""One step of Adam over an array of rows, in one pass through memory on the processor; optimiser.py calls it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

ROWS = 16
"""Rows whose learning rates are laid out as one pattern, long enough for vectors."""
_BLOCKS = 64
_FAST = {"contract", "nsz", "nnan", "ninf", "arcp"}


def step_rows(parameters: Any, gradients: Any, first: Any, second: Any, rates: Any, correction: float) -> None:
    """Kingma and Ba, "Adam" (2015), algorithm 1, with β 0.9 and 0.999 and ε 1e-15, on flat float32 arrays.

    ``rates`` is the learning rate of each column, already divided by 1 − β₁ᵗ, and ``correction`` is 1/√(1 − β₂ᵗ).
    """
    _step(parameters, gradients, first, second, np.tile(rates, ROWS).astype(np.float32), np.float32(correction))


def compile_kernels() -> None:
    """Compile now, or load from the cache on disk."""
    one = np.zeros(1, np.float32)
    step_rows(one, one.copy(), one.copy(), one.copy(), one, 1.0)


@numba.njit(parallel=True, nogil=True, cache=True, fastmath=_FAST)
def _step(parameters: Any, gradients: Any, first: Any, second: Any, pattern: Any, correction: Any) -> None:
    n, length = len(parameters), len(pattern)
    job_length = length * _BLOCKS
    for job in numba.prange((n + job_length - 1) // job_length):
        for begin in range(job * job_length, min(n, (job + 1) * job_length), length):
            end = min(n, begin + length)
            p, g = parameters[begin:end], gradients[begin:end]
            m, v = first[begin:end], second[begin:end]
            for i in range(end - begin):
                m1 = np.float32(0.9) * m[i] + np.float32(0.1) * g[i]
                v1 = np.float32(0.999) * v[i] + np.float32(0.001) * g[i] * g[i]
                m[i] = m1
                v[i] = v1
                p[i] -= pattern[i] * m1 / (np.sqrt(v1) * correction + np.float32(1e-15))
