"""Sums of sines as a surface: height and slopes at a point, and where a ray from above meets them."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart, summing
from translight.generation.procedural.rays.layout import AMPLITUDE, DISPLACED, LEVEL, WAVE_F, WAVES

_STEPS = 20
_FLAT = 3000.0
"""Amplitudes of distance beyond which waves no longer hide one another in a pixel."""

_TURN = 2.0 * np.pi


@inlined
def _sine(phase: float) -> float:
    """sin, to 2e-9: an odd polynomial within half a turn, of least largest error; several are reckoned at once."""
    x = phase - _TURN * np.floor(phase / _TURN + 0.5)
    u = x * x
    p = 1.3451498248606697e-10
    p = p * u - 2.4676975830806303e-8
    p = p * u + 2.7529454902771797e-6
    p = p * u - 1.9840155360168892e-4
    p = p * u + 8.33331038900709e-3
    p = p * u - 0.1666666457976708
    p = p * u + 0.9999999944793359
    return p * x


@part
def waves(F: Any, N: Any, x: float, y: float, footprint: float) -> Any:
    """Height over the level, slopes along x and y, and the slope variance along each of what the footprint hides.

    Heights are of the displaced waves only.
    """
    stays_apart()
    height = sx = sy = lost = 0.0
    count, w = get(N, WAVES), get(N, WAVE_F)
    for n in range(count):
        a, kx, ky = get(F, w + n), get(F, w + count + n), get(F, w + 2 * count + n)
        k2 = kx * kx + ky * ky
        # A wave is drawn whole at 4 pixels a length, and not at all at 2.
        shown = 1.0
        if footprint > 0.0:
            shown = min(max(np.pi / (np.sqrt(k2) * footprint) - 1.0, 0.0), 1.0)
            lost += 0.25 * a * a * k2 * (1.0 - shown * shown)
        if shown > 0.0 or n < get(N, DISPLACED):
            phase = kx * x + ky * y + get(F, w + 3 * count + n)
            if n < get(N, DISPLACED):
                height += a * _sine(phase)
            slope = shown * a * _sine(phase + 0.25 * _TURN)
            sx += slope * kx
            sy += slope * ky
    return height, sx, sy, lost


@summing
def raised(F: Any, N: Any, x: float, y: float) -> float:
    """The height over the level alone."""
    stays_apart()
    height = 0.0
    count, a = get(N, WAVES), get(N, WAVE_F)
    kx, ky, phase = a + count, a + 2 * count, a + 3 * count
    for n in range(get(N, DISPLACED)):
        height += get(F, a + n) * _sine(get(F, kx + n) * x + get(F, ky + n) * y + get(F, phase + n))
    return height


@part
def water_hit(F: Any, N: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, far: float) -> float:
    """The distance at which a ray from above meets the surface, or infinity."""
    stays_apart()
    level, amplitude = get(F, LEVEL), get(F, AMPLITUDE)
    if dz >= 0.0 and oz > level + amplitude:
        return np.inf
    if oz < level - amplitude:
        return np.inf
    plane = (level - oz) / dz if dz < 0.0 else np.inf
    if get(N, DISPLACED) == 0 or plane > _FLAT * amplitude:
        return plane if 0.0 < plane < far else np.inf
    if dz >= 0.0:
        return np.inf
    t, last = max((level + amplitude - oz) / dz, 0.0), (level - amplitude - oz) / dz
    if t >= far:
        return np.inf
    f = oz + dz * t - level - raised(F, N, ox + dx * t, oy + dy * t)
    if f <= 0.0:
        return np.inf
    step = (last - t) / _STEPS
    for _n in range(_STEPS + 1):
        if t >= far:
            return np.inf
        s = t + step
        g = oz + dz * s - level - raised(F, N, ox + dx * s, oy + dy * s)
        if g <= 0.0:
            for _k in range(3):
                middle = t + (s - t) * f / (f - g)
                m = oz + dz * middle - level - raised(F, N, ox + dx * middle, oy + dy * middle)
                if m > 0.0:
                    t, f = middle, m
                else:
                    s, g = middle, m
            t = t + (s - t) * f / (f - g)
            return t if t < far else np.inf
        t, f = s, g
    return np.inf
