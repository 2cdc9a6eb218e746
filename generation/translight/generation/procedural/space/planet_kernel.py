"""A planet in the sky, texel by texel: bands or seas and cloud, an atmosphere's limb, rings and their shadows.

The sphere stands where it stands: each direction is met with it, with the rings' plane, and what was met looks to the
sun through the rings or past the planet. Distances are in radii of the planet.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np

from translight.core.kernel_cache import cached
from translight.environment import noise
from translight.environment.noise import fractal_at

_FAST = {"contract", "arcp", "nsz", "reassoc"}
_INNER, _OUTER = 1.32, 2.35
"""Radii of the rings."""
_AIR = 0.018
"""Height of the atmosphere."""


@numba.njit(nogil=True, fastmath=_FAST)
def _noise(x, y, z, seed, octaves, gain):  # type: ignore[no-untyped-def]
    return fractal_at(
        np.float32(x), np.float32(y), np.float32(z), True, seed, octaves, np.float32(gain), np.float32(2.03)
    )


@numba.njit(nogil=True, fastmath=_FAST)
def _step(low, high, x):  # type: ignore[no-untyped-def]
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@numba.njit(nogil=True, fastmath=_FAST)
def _ring(radius, seed):  # type: ignore[no-untyped-def]
    """How much of the light the rings take at a radius; gaps and ringlets."""
    if radius < _INNER or radius > _OUTER:
        return 0.0
    broad = _noise(radius * 5.0, 0.3, 0.7, seed, 3, 0.6)
    fine = _noise(radius * 46.0, 3.3, 0.7, seed + np.uint32(1), 5, 0.75)
    dense = 0.55 + 0.75 * broad + 0.55 * fine
    gap = 1.0 - np.exp(-(((radius - 1.98) / 0.022) ** 2))
    edge = _step(_INNER, _INNER + 0.16, radius) * _step(_OUTER, _OUTER - 0.02, radius)
    return min(max(dense, 0.02), 0.96) * gap * edge


@numba.njit(nogil=True, fastmath=_FAST)
def _shade(d, centre, axis, sun, kind, colours, seed, rings, out):  # type: ignore[no-untyped-def]
    """Radiance over albedo 1 facing the sun, towards unit ``d``, into out[:3]; into out[3] what is hidden behind."""
    out[0], out[1], out[2], out[3] = 0.0, 0.0, 0.0, 0.0
    along = d[0] * centre[0] + d[1] * centre[1] + d[2] * centre[2]
    far2 = centre[0] ** 2 + centre[1] ** 2 + centre[2] ** 2
    off2 = far2 - along * along
    ahead = 1e9
    if along > 0.0 and off2 < 1.0:
        ahead = along - np.sqrt(1.0 - off2)
        x, y, z = ahead * d[0] - centre[0], ahead * d[1] - centre[1], ahead * d[2] - centre[2]
        lit = x * sun[0] + y * sun[1] + z * sun[2]
        facing = -(x * d[0] + y * d[1] + z * d[2])
        day = _step(-0.10, 0.22, lit) * (0.15 + 0.85 * max(lit, 0.0))
        up = x * axis[0] + y * axis[1] + z * axis[2]
        if kind == 0:
            curl = _noise(3.2 * x, 3.2 * y, 3.2 * z, seed, 4, 0.55)
            eddy = _noise(9.0 * x + curl, 9.0 * y + 2.0 * curl, 9.0 * z - curl, seed + np.uint32(2), 6, 0.6)
            at = up * (1.0 + 0.02 * curl) + 0.018 * eddy + 0.01 * curl
            band = _noise(at * 7.0, 0.4, 0.1, seed + np.uint32(3), 5, 0.62)
            tone = min(max(0.5 + 1.25 * band + 0.20 * eddy, 0.0), 1.0)
            other = min(max(0.5 + 1.1 * _noise(at * 3.0, 5.4, 0.1, seed + np.uint32(4), 3, 0.5), 0.0), 1.0)
            for k in range(3):
                c = colours[0, k] + tone * (colours[1, k] - colours[0, k])
                out[k] = (c + 0.55 * other * (colours[2, k] - c)) * day
        else:
            shape = _noise(1.7 * x, 1.7 * y, 1.7 * z, seed, 9, 0.55)
            dry = _step(0.02, 0.06, shape)
            ice = _step(0.78, 0.9, abs(up) + 0.25 * shape)
            bend = _noise(2.2 * x, 2.2 * y, 2.2 * z, seed + np.uint32(7), 4, 0.5)
            cloud = _noise(3.0 * x + 1.6 * bend, 3.0 * y + 1.6 * bend, 4.5 * z, seed + np.uint32(8), 9, 0.6)
            cover = _step(0.0, 0.42, cloud + 0.18 * bend) * 0.92
            tall = min(max(0.5 + 2.0 * shape, 0.0), 1.0)
            for k in range(3):
                c = colours[0, k] + dry * (colours[1, k] + tall * (colours[2, k] - colours[1, k]) - colours[0, k])
                c += ice * (0.75 - c)
                out[k] = (c + cover * (0.82 - c)) * day
        # the air over it: blue where it is looked through lengthwise, red along the terminator
        veil = (1.0 - min(max(facing, 0.0), 1.0)) ** 3.2 * _step(-0.18, 0.35, lit)
        dusk = np.exp(-(((lit - 0.02) / 0.09) ** 2))
        for k in range(3):
            out[k] += colours[3, k] * 0.75 * veil * (1.0 - out[k])
        out[0] *= 1.0 + 0.5 * dusk
        out[2] *= 1.0 - 0.4 * dusk
        # the night side: what its own air and rings send it
        for k in range(3):
            out[k] = max(out[k], 0.0) + 0.0025 * (0.3 + colours[3, k])
        out[3] = 1.0
        if rings:
            toward = sun[0] * axis[0] + sun[1] * axis[1] + sun[2] * axis[2]
            t = -up / toward if abs(toward) > 1e-3 else -1.0
            if t > 0.0:
                rx, ry, rz = x + t * sun[0], y + t * sun[1], z + t * sun[2]
                dark = 1.0 - 0.9 * _ring(np.sqrt(rx * rx + ry * ry + rz * rz), seed + np.uint32(50))
                for k in range(3):
                    out[k] *= dark
    elif along > 0.0:
        over = (np.sqrt(off2) - 1.0) / _AIR
        if over < 6.0:
            x, y, z = along * d[0] - centre[0], along * d[1] - centre[1], along * d[2] - centre[2]
            lit = (x * sun[0] + y * sun[1] + z * sun[2]) / np.sqrt(off2)
            through = d[0] * sun[0] + d[1] * sun[1] + d[2] * sun[2]
            shine = np.exp(-over) * _step(-0.25, 0.3, lit) * (0.7 + 1.6 * max(through, 0.0) ** 6)
            for k in range(3):
                out[k] += colours[3, k] * 0.8 * shine
            out[3] = 0.6 * np.exp(-over)
    if rings:
        slope = d[0] * axis[0] + d[1] * axis[1] + d[2] * axis[2]
        toward = sun[0] * axis[0] + sun[1] * axis[1] + sun[2] * axis[2]
        level = centre[0] * axis[0] + centre[1] * axis[1] + centre[2] * axis[2]
        t = level / slope if abs(slope) > 1e-6 else -1.0
        if 0.0 < t < ahead:
            x, y, z = t * d[0] - centre[0], t * d[1] - centre[1], t * d[2] - centre[2]
            radius = np.sqrt(x * x + y * y + z * z)
            dense = _ring(radius, seed + np.uint32(50))
            if dense > 0.0:
                near = x * sun[0] + y * sun[1] + z * sun[2]
                miss = np.sqrt(max(x * x + y * y + z * z - near * near, 0.0))
                shadow = 1.0 if near > 0.0 else _step(0.97, 1.03, miss)
                same = toward * -slope > 0.0
                light = 0.75 * dense if same else 0.55 * dense * (1.0 - 0.75 * dense)
                light *= shadow * (0.35 + 0.65 * min(abs(toward) * 3.0, 1.0))
                for k in range(3):
                    out[k] = out[k] * (1.0 - dense) + light * colours[4, k]
                out[3] = out[3] + dense * (1.0 - out[3])


def _planet(picture, first, last, begin, count, centre, axis, sun, kind, colours, seed, rings, gain, fine):  # type: ignore[no-untyped-def]
    """Lay the planet over rows ``first`` to ``last`` and ``count`` columns from ``begin``, ``fine``² samples each."""
    height, width = picture.shape[0], picture.shape[1]
    for i in numba.prange(first, last):
        d, one, total = np.empty(3), np.empty(4), np.empty(4)
        for jj in range(count):
            j = (begin + jj) % width
            total[:] = 0.0
            for a in range(fine):
                elevation = (0.5 - (i + (a + 0.5) / fine) / height) * np.pi
                d[2] = np.sin(elevation)
                for b in range(fine):
                    azimuth = ((j + (b + 0.5) / fine) / width - 0.5) * 2 * np.pi
                    d[0], d[1] = np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth)
                    _shade(d, centre, axis, sun, kind, colours, seed, rings, one)
                    for k in range(4):
                        total[k] += one[k] / (fine * fine)
            for k in range(3):
                picture[i, j, k] = picture[i, j, k] * (1.0 - total[3]) + gain[k] * total[k]


planet = cached(
    numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=_FAST)(_planet), Path(noise.__file__).parent
)
"""Compiled ``_planet``."""
