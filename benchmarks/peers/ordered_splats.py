"""Our own projection and depth sort for a peer that only draws: the cpu backend's, without its tiles and blending."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.render.contract import Scene
from translight.render.cpu import CpuRenderer
from translight.render.cpu.memory import aligned
from translight.render.cpu.project import BLUE, DEPTH, GREEN, LOG2_ALPHA, RECORD, RED, P, Q, R, X, Y
from translight.render.cpu.sort import sort_by_depth

FIELDS = (X, Y, P, Q, R, LOG2_ALPHA, DEPTH, RED, GREEN, BLUE)
"""What is kept of a record, in this order: alpha = 2^(LOG2_ALPHA − (P·dx + Q·dy)² − (R·dy)²)."""
WIDTH = 12
"""Floats from one splat to the next: three times four, of which two are not used."""


class OrderedSplats(CpuRenderer):
    """A scene's splats as a view sees them, back to front; a renderer's buffers are kept between views."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._prepare(scene)
        self.most = len(self._keys)
        """The most that a view can show."""
        self._gathered = aligned(self.most * WIDTH).reshape(self.most, WIDTH)

    def seen(self, scene: Scene, view: View) -> Float32[np.ndarray, "n 12"]:
        """Those that can touch the picture, far ones first; the next call overwrites them."""
        self._project(scene, self._prepare(scene), view, "depth")
        n = sort_by_depth(self._keys, self._found, self._spare, self._order, self._histogram)
        _gather(self._records.reshape(-1, RECORD), self._order, n, self._gathered)
        return self._gathered[:n]


@numba.njit(parallel=True, cache=True)  # type: ignore[misc]
def _gather(records: Any, order: Any, n: int, out: Any) -> None:
    for i in numba.prange(n):
        record = order[n - 1 - i] & 0xFFFFFFFF
        for j, field in enumerate(FIELDS):
            out[i, j] = records[record, field]
