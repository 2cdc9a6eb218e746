"""Heaps of cloud, marched through: a layer of cumulus as numbers, its light towards the eye; clouds.py calls it.

Density: a flat base, domes as high as the cover of the place allows, and billows of noise in three dimensions, so there
is no pattern in the plane, no seam around and none overhead. Light: the source's through the cloud, scattered again
and again by octaves of ever weaker extinction (Wrenninge, Kulla and Lundqvist 2013, "Oz: The Great and Volumetric",
with a diffuse last octave as thick clouds have it), and the sky's from over and the land's from under.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np

from translight.core.kernel_cache import cached
from translight.environment import noise
from translight.environment.noise import fractal_at, unit_of

_FAST = {"contract", "arcp", "nsz", "reassoc"}
_EARTH = 6_360_000.0
_MOST_STEPS = 200
_LIGHT_STEPS = 5
_FIRST_LIGHT_STEP_M = 25.0
_OPAQUE = 0.004


@numba.njit(nogil=True, fastmath=_FAST)
def _billows(x, y, z, start):  # type: ignore[no-untyped-def]
    """Rounded bumps with sharp creases, about −0.25 to 0.6."""
    total, weight = np.float32(0.0), np.float32(1.0)
    for k in range(4):
        one = fractal_at(x, y, z, True, start + np.uint32(k * 7919), 1, np.float32(0.5), np.float32(2.0))
        total += weight * abs(one)
        x, y, z = (
            np.float32(1.7) * x - np.float32(1.3) * y,
            np.float32(1.3) * x + np.float32(1.7) * y,
            np.float32(2.15) * z,
        )
        weight *= np.float32(0.55)
    return total * np.float32(0.6) - np.float32(0.32)


@numba.njit(nogil=True, fastmath=_FAST)
def _cover(x, y, layer, start):  # type: ignore[no-untyped-def]
    """How far over its threshold the layer is above a point of the plan; below 0 there is no cloud."""
    n = fractal_at(
        np.float32(x / layer[2]),
        np.float32(y / layer[2]),
        np.float32(0),
        False,
        start,
        5,
        np.float32(0.5),
        np.float32(2.03),
    )
    return (n - layer[3]) * layer[4]


@numba.njit(nogil=True, fastmath=_FAST)
def _density(x, y, z, cover, layer, start):  # type: ignore[no-untyped-def]
    h = (z - layer[0]) / layer[1]
    if h <= 0.0 or h >= 1.0:
        return 0.0
    # thin cloud is smooth: billows would break it into dots
    rough = layer[6] * min(max(0.2 + 3.0 * cover, 0.0), 1.0)
    shape = cover * min(h * 14.0, 1.0) - h**1.25
    if shape < -rough:
        return 0.0
    d = layer[5]
    puffs = _billows(np.float32(x / d), np.float32(y / d), np.float32(1.25 * z / d), start + np.uint32(77))
    shape = cover * min(max((h + 0.16 * puffs) * 12.0, 0.0), 1.0) - h**1.25
    return min(max((shape + rough * puffs) * 6.0, 0.0), 1.0) * (0.75 + 0.9 * puffs)


@numba.njit(nogil=True, forceinline=True, fastmath=_FAST)
def _phase(cosine, g):  # type: ignore[no-untyped-def]
    q = 1.0 + g * g - 2.0 * g * cosine
    return (1.0 - g * g) / (12.566370614 * q * np.sqrt(q))


def _march(sines, columns, layer, start, light, direct, above, below, out):  # type: ignore[no-untyped-def]
    """For each row and column of ``out`` (h w 5): radiance of cloud, how much it hides, metres to it.

    ``layer``: base, thickness, scale, threshold, gain, size of billows, their strength, extinction per metre, the
    farthest distance, and where the plan begins (x, y). ``light``: unit, towards the source; ``direct``, ``above`` and
    ``below``: its irradiance, the sky's radiance, the land's.
    """
    height, width = out.shape[0], out.shape[1]
    base, thick, sigma, far = layer[0], layer[1], layer[7], layer[8]
    for i in numba.prange(height):
        s = sines[i]
        level2 = 1.0 - s * s
        level = np.sqrt(level2)
        begin = 2.0 * base / (s + np.sqrt(s * s + 2.0 * base * level2 / _EARTH))
        top = base + thick
        end = min(2.0 * top / (s + np.sqrt(s * s + 2.0 * top * level2 / _EARTH)), far)
        for j in range(width):
            dx, dy = level * columns[j, 0], level * columns[j, 1]
            cosine = dx * light[0] + dy * light[1] + s * light[2]
            lobes = (
                0.55 * _phase(cosine, 0.85) + 0.15 * _phase(cosine, -0.2),
                0.5 * _phase(cosine, 0.45) + 0.045,
                0.14,
            )
            seen = 1.0
            red, green, blue, where = 0.0, 0.0, 0.0, 0.0
            jitter = 0.5 + 0.5 * unit_of(np.uint32(i * 40503 + j * 2654435 + 12345) ^ start)
            t = begin
            step = max(thick * 0.022, 0.0035 * begin)
            t += step * jitter
            for _ in range(_MOST_STEPS):
                if t > end or seen < _OPAQUE:
                    break
                step = max(thick * 0.022, 0.0035 * t)
                z = t * s + t * t * level2 / (2.0 * _EARTH)
                x, y = layer[9] + t * dx, layer[10] + t * dy
                cover = _cover(x, y, layer, start)
                if cover < -0.25:
                    t += 2.0 * step
                    continue
                if cover < 0.2:  # thin cloud must not fall between two steps
                    step *= 0.4
                here = _density(x, y, z, cover, layer, start)
                if here > 0.0:
                    depth, reach, gap = 0.0, 0.0, _FIRST_LIGHT_STEP_M
                    for _k in range(_LIGHT_STEPS):
                        at = reach + 0.5 * gap
                        px, py, pz = x + at * light[0], y + at * light[1], z + at * light[2]
                        if pz > top:
                            break
                        depth += gap * _density(px, py, pz, _cover(px, py, layer, start), layer, start)
                        reach += gap
                        gap *= 2.0
                    depth *= sigma
                    sun = lobes[0] * np.exp(-depth) + lobes[1] * np.exp(-0.3 * depth) + lobes[2] * np.exp(-0.06 * depth)
                    h = (z - base) / thick
                    up = 0.35 + 0.65 * min(h * 1.6, 1.0)
                    down = 0.55 * (1.0 - min(h * 1.6, 1.0))
                    gone = seen * (1.0 - np.exp(-sigma * here * step))
                    red += gone * (sun * direct[0] + up * above[0] + down * below[0])
                    green += gone * (sun * direct[1] + up * above[1] + down * below[1])
                    blue += gone * (sun * direct[2] + up * above[2] + down * below[2])
                    where += gone * t
                    seen -= gone
                t += step
            hidden = 1.0 - seen
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = red, green, blue
            out[i, j, 3] = hidden
            out[i, j, 4] = where / hidden if hidden > 1e-4 else far


march = cached(
    numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=_FAST)(_march), Path(noise.__file__).parent
)
"""Compiled ``_march``."""
