"""The diffuse light, smoothed along surfaces: an à-trous wavelet filter that stops at edges.

Dammertz et al., "Edge-Avoiding À-Trous Wavelet Transform for fast Global Illumination Filtering" (2010), with the
plane distance of Schied et al., "Spatiotemporal Variance-Guided Filtering" (2017). Light is filtered without the
surface's colour, so textures stay sharp. Among leaves and grass, where hardly a neighbour has the same slope, light of
surroundings is that of all slopes at about the same distance: else each blade would keep the noise of its few rays.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float32

from translight.generation.procedural.rays.jit import inlined, kernel
from translight.generation.procedural.rays.pixels import ALBEDO, COLOUR, DISTANCE, LAMPLIGHT, LIGHT, NORMAL
from translight.generation.procedural.rays.workers import share_rows

_PASSES, _LAMP_PASSES = 4, 2
"""Light of lamps has shadows: it is smoothed within 6 pixels only."""
HALO_PX = 2 * (2**_PASSES - 1)
"""How far the passes reach together."""
_FEW, _FEWEST = 3.0, 1.0
"""Neighbours alike, weighed as the pixel itself is: from few to fewest (none but itself), slopes count ever less."""
_ANY_SLOPE = 0.25
"""The weight of a neighbour of any slope, where slopes count less: of 1 for one of the same slope."""


def filtered(
    traced: Float32[np.ndarray, "h w f"], own: slice, wraps: bool, workers: int
) -> Float32[np.ndarray, "k w 3"]:
    """The light of the ``own`` rows, smoothed with their neighbours; ``wraps``: left and right borders meet."""
    # Normal and distance, side by side: every pixel asks a hundred others for them.
    guide = np.concatenate([traced[..., NORMAL:ALBEDO], traced[..., DISTANCE : DISTANCE + 1]], axis=-1)
    total = _smoothed(guide, traced[..., LIGHT:LAMPLIGHT], _PASSES, True, wraps, workers)[own]
    lamps = traced[..., LAMPLIGHT:COLOUR]
    return total + _smoothed(guide, lamps, _LAMP_PASSES, False, wraps, workers)[own] if lamps.any() else total


def _smoothed(
    guide: Float32[np.ndarray, "h w 4"],
    light: Float32[np.ndarray, "h w 3"],
    passes: int,
    leaves: bool,
    wraps: bool,
    workers: int,
) -> Float32[np.ndarray, "h w 3"]:
    """``leaves``: with slopes that count less where hardly any are alike; lamps' shadows would suffer from it."""
    light = np.ascontiguousarray(light)
    for n in range(passes):
        smoothed = np.empty_like(light)
        share_rows(workers, len(light), 16, partial(_pass_rows, guide, light, 1 << n, leaves, wraps, smoothed))
        light = smoothed
    return light


def _pass_rows(
    guide: np.ndarray,
    light: np.ndarray,
    step: int,
    leaves: bool,
    wraps: bool,
    out: np.ndarray,
    _worker: int,
    first: int,
    last: int,
) -> None:
    _pass(guide, light, step, leaves, wraps, first, last, out)


@inlined
def _mirrored(at: int, count: int) -> int:
    """A neighbour's place; beyond a border the one that the pixel has on its other side."""
    if at < 0:
        return min(1, count - 1)
    return at if at < count else max(count - 2, 0)


@kernel
def _pass(guide: Any, light: Any, step: int, leaves: bool, wraps: bool, first: int, last: int, out: Any) -> None:
    height, width = light.shape[0], light.shape[1]
    few, fewest, zero = np.float32(_FEW * 0.375**2), np.float32(_FEWEST * 0.375**2), np.float32(0.0)
    for y in range(first, last):
        for x in range(width):
            t = guide[y, x, 3]
            if not t < np.inf:
                for c in range(3):
                    out[y, x, c] = light[y, x, c]
                continue
            # What the distance changes by, from pixel to pixel: of the smaller side, so edges do not widen it.
            left, right = _mirrored(x - 1, width), _mirrored(x + 1, width)
            if wraps:
                left, right = (x - 1 + width) % width, (x + 1) % width
            above, below = _mirrored(y - 1, height), _mirrored(y + 1, height)
            gx = min(abs(guide[y, left, 3] - t), abs(guide[y, right, 3] - t))
            gy = min(abs(guide[above, x, 3] - t), abs(guide[below, x, 3] - t))
            r, g, b, weights = _around(guide, light, x, y, gx, gy, step, wraps, False)
            if weights > zero:
                r, g, b = r / weights, g / weights, b / weights
            else:
                r, g, b = light[y, x, 0], light[y, x, 1], light[y, x, 2]
            if leaves and weights < few:
                any_r, any_g, any_b, any_weights = _around(guide, light, x, y, gx, gy, step, wraps, True)
                if any_weights > zero:
                    mix = min((few - weights) / (few - fewest), np.float32(1.0))
                    r += mix * (any_r / any_weights - r)
                    g += mix * (any_g / any_weights - g)
                    b += mix * (any_b / any_weights - b)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = r, g, b


@inlined
def _around(
    guide: Any, light: Any, x: int, y: int, gx: float, gy: float, step: int, wraps: bool, any_slope: bool
) -> Any:  # fmt: skip
    """The light of a pixel and 24 neighbours, summed by weight (3), and the weights' sum."""
    height, width = light.shape[0], light.shape[1]
    zero, one, two, sixteen = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(16.0)
    stride, per_m, least = np.float32(step), np.float32(0.004), np.float32(1e-4)
    floor = np.float32(_ANY_SLOPE)
    weight = (np.float32(0.375), np.float32(0.25), np.float32(0.0625))
    nx, ny, nz, t = guide[y, x, 0], guide[y, x, 1], guide[y, x, 2], guide[y, x, 3]
    r = g = b = weights = np.float32(0.0)
    for j in range(-2, 3):
        yy = y + j * step
        if yy < 0 or yy >= height:
            continue
        for i in range(-2, 3):
            xx = x + i * step
            if wraps:
                xx = (xx + width) % width
            elif xx < 0 or xx >= width:
                continue
            s = guide[yy, xx, 3]
            if not s < np.inf:
                continue
            allowed = two * stride * (np.float32(abs(i)) * gx + np.float32(abs(j)) * gy) + per_m * stride * t + least
            cosine = max(nx * guide[yy, xx, 0] + ny * guide[yy, xx, 1] + nz * guide[yy, xx, 2], zero)
            # The sixteenth power of the cosine, and of a line that is nearly the exponential's.
            w = max(one - abs(s - t) / (sixteen * allowed), zero)
            if not any_slope:
                w *= cosine
            w *= w
            w *= w
            w *= w
            w *= w
            if any_slope:
                w *= floor + (one - floor) * cosine
            w *= weight[abs(i)] * weight[abs(j)]
            r += w * light[yy, xx, 0]
            g += w * light[yy, xx, 1]
            b += w * light[yy, xx, 2]
            weights += w
    return r, g, b, weights
