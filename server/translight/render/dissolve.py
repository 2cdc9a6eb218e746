"""Dissolving from one picture into another, as on a cue change; each is drawn whole before."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from translight.render.contract import Frame


def dissolve(frame: Frame, other: Frame, fraction: float, threads: int | None = None) -> None:
    """``frame`` becomes a ``fraction`` (0 to 1) of ``other`` and the rest of itself, in the encoding of both.

    Colour and alpha are premultiplied, so this is what a mixer does. Depth cannot be mixed: it becomes that of the
    picture with the larger share. ``threads`` None takes all. Raises ValueError on frames of different sizes or a
    fraction out of range.
    """
    if frame.rgba.shape != other.rgba.shape:
        raise ValueError(f"pictures that dissolve are of one size, got {frame.rgba.shape} and {other.rgba.shape}")
    if not 0 <= fraction <= 1:
        raise ValueError(f"a dissolve goes from 0 to 1, got {fraction:g}")
    _mix(frame.rgba.reshape(-1), other.rgba.reshape(-1), np.float32(fraction), threads or numba.get_num_threads())
    if fraction > 0.5:
        np.copyto(frame.depth, other.depth)


@numba.njit(parallel=True, nogil=True, cache=True, error_model="numpy")
def _mix(values: Any, others: Any, fraction: Any, threads: int) -> None:
    for thread in numba.prange(threads):
        for i in range(len(values) * thread // threads, len(values) * (thread + 1) // threads):
            values[i] += fraction * (others[i] - values[i])
