"""The sky behind the splats, added to a blended frame by its transmittance (render/sky.py says what a pixel sees)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from translight.render.cpu.jit import kernel, parallel_kernel
from translight.render.cpu.viewpoint import CX, CY, FX, FY, STAGE_ROTATION


@parallel_kernel
def add_sky(sky: Any, view: Any, rgba: Any) -> None:
    """Add transmittance · sky to every pixel's RGB."""
    for y in numba.prange(len(rgba)):
        _add_row(sky, view, y, rgba[y])


@kernel
def _add_row(sky: Any, v: Any, row: int, rgba: Any) -> None:
    height, width = sky.shape[:2]
    r = v[STAGE_ROTATION:]
    down = (np.float32(row) + np.float32(0.5) - v[CY]) / v[FY]
    for column in range(len(rgba)):
        across = (np.float32(column) + np.float32(0.5) - v[CX]) / v[FX]
        x = r[0] * across + r[1] * down + r[2]
        y = r[3] * across + r[4] * down + r[5]
        z = r[6] * across + r[7] * down + r[8]
        azimuth = math.atan2(x, y)
        elevation = math.atan2(z, math.sqrt(x * x + y * y))
        u = np.float32(0.5 + azimuth / (2.0 * math.pi)) * np.float32(width) - np.float32(0.5)
        w = np.float32(0.5 - elevation / math.pi) * np.float32(height) - np.float32(0.5)
        w = min(max(w, np.float32(0.0)), np.float32(height - 1))
        left, top = math.floor(u), math.floor(w)
        fu, fw = u - left, w - top
        x0, y0 = int(left) % width, int(top)
        x1, y1 = (x0 + 1) % width, min(y0 + 1, height - 1)
        transmittance = np.float32(1.0) - rgba[column, 3]
        for c in range(3):
            upper = sky[y0, x0, c] + fu * (sky[y0, x1, c] - sky[y0, x0, c])
            lower = sky[y1, x0, c] + fu * (sky[y1, x1, c] - sky[y1, x0, c])
            rgba[column, c] += transmittance * (upper + fw * (lower - upper))
