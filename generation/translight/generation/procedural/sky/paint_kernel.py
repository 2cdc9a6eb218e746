"""Painting a sky texel by texel: the air's glow, thin high cloud, sheets of cloud, marched clouds, and what lies below.

Every kernel changes ``picture`` (h w 3) in place, in parallel over rows. ``rise`` (h 2) holds the rows' sine and cosine
of elevation, ``turn`` (w 2) the columns' sine and cosine of azimuth, as panorama.py lays a picture out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from translight.core.kernel_cache import cached
from translight.environment import noise
from translight.environment.noise import fractal_at

_FAST = {"contract", "arcp", "nsz", "reassoc"}
_EARTH = 6_360_000.0


def _kernel(function: Callable[..., Any]) -> Any:
    compiled = numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=_FAST)(function)
    return cached(compiled, Path(noise.__file__).parent)


@numba.njit(nogil=True, fastmath=_FAST)
def _fractal(x, y, z, solid, start, octaves, gain, lacunarity):  # type: ignore[no-untyped-def]
    """fractal_at, compiled once instead of at each place that calls it."""
    return fractal_at(x, y, z, solid, start, octaves, gain, lacunarity)


@numba.njit(nogil=True, forceinline=True, fastmath=_FAST)
def _phase(cosine, g):  # type: ignore[no-untyped-def]
    q = 1.0 + g * g - 2.0 * g * cosine
    return (1.0 - g * g) / (12.566370614 * q * np.sqrt(q))


@numba.njit(nogil=True, forceinline=True, fastmath=_FAST)
def _to_shell(s, altitude):  # type: ignore[no-untyped-def]
    """Metres along a ray of elevation sine s to a shell over the Earth."""
    return 2.0 * altitude / (s + np.sqrt(s * s + 2.0 * altitude * (1.0 - s * s) / _EARTH))


@_kernel
def glow(picture, rise, turn, row_at, column_at, air, haze, again, light, colour):  # type: ignore[no-untyped-def]
    """Add scattering.Glow's tables, times phase functions and the source's ``colour``, to the rows over the horizon."""
    for i in numba.prange(len(row_at)):
        r = min(int(row_at[i]), air.shape[0] - 2)
        u = row_at[i] - r
        for j in range(picture.shape[1]):
            c = min(int(column_at[j]), air.shape[1] - 2)
            v = column_at[j] - c
            w00, w01, w10, w11 = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
            cosine = rise[i, 1] * (turn[j, 0] * light[0] + turn[j, 1] * light[1]) + rise[i, 0] * light[2]
            rayleigh = 0.0596831 * (1.0 + cosine * cosine)
            mie = 0.86 * _phase(cosine, 0.74) + 0.14 * _phase(cosine, 0.93)
            for k in range(3):
                a = w00 * air[r, c, k] + w01 * air[r, c + 1, k] + w10 * air[r + 1, c, k] + w11 * air[r + 1, c + 1, k]
                h = w00 * haze[r, c, k] + w01 * haze[r, c + 1, k]
                h += w10 * haze[r + 1, c, k] + w11 * haze[r + 1, c + 1, k]
                m = w00 * again[r, c, k] + w01 * again[r, c + 1, k]
                m += w10 * again[r + 1, c, k] + w11 * again[r + 1, c + 1, k]
                picture[i, j, k] += colour[k] * (a * rayleigh + h * mie + m)


@_kernel
def cirrus(picture, rise, turn, start, amount, along, light, direct, sky, lost, shift):  # type: ignore[no-untyped-def]
    """Ice cloud 9 km up, combed along ``along`` (cosine, sine of the wind), mostly lit through.

    ``direct``: irradiance up there; ``sky``: radiance around it; ``lost``: optical depth of the air per metre of path;
    ``shift`` (x, y): metres from the eye to the plan's origin, for clouds that drift.
    """
    for i in numba.prange(rise.shape[0]):
        s, level = rise[i, 0], rise[i, 1]
        far = _to_shell(s, 9000.0)
        for j in range(picture.shape[1]):
            x, y = (far * level * turn[j, 0] + shift[0]) / 9000.0, (far * level * turn[j, 1] + shift[1]) / 9000.0
            p = np.float32(x * along[0] + y * along[1])
            q = np.float32(x * along[1] - y * along[0])
            zero, half, two = np.float32(0), np.float32(0.5), np.float32(2.03)
            bend = _fractal(p * np.float32(0.5), q * np.float32(0.6), zero, False, start, 3, half, two)
            patch = _fractal(p * np.float32(0.23), q * np.float32(0.3), np.float32(3), False, start, 2, half, two)
            veil = _fractal(
                p * np.float32(0.45) + bend * np.float32(0.9),
                q * np.float32(2.1) + bend * np.float32(1.5),
                np.float32(7),
                False,
                start + np.uint32(911),
                8,
                np.float32(0.58),
                two,
            )
            dense = min(max((veil * 0.9 + patch * 0.9 + 1.3 * amount - 0.55) * 1.1, 0.0), 1.0)
            dense = dense * dense * (3.0 - 2.0 * dense) * 0.8
            if dense <= 0.0:
                continue
            cosine = level * (turn[j, 0] * light[0] + turn[j, 1] * light[1]) + s * light[2]
            hides = 1.0 - np.exp(-1.1 * dense * min(1.0 / (s + 0.15), 4.0))
            lobe = 0.5 * _phase(cosine, 0.75) + 0.045
            for k in range(3):
                lit = direct[k] * lobe + sky[k] * 0.8
                clear = np.exp(-lost[k] * far)
                picture[i, j, k] += hides * clear * (lit - picture[i, j, k])


@_kernel
def heaps(picture, rise, turn, clouds, start, lost, haze_height):  # type: ignore[no-untyped-def]
    """Lay marched clouds (h w 5), seen on fewer rows, over the sky: bent by fine noise, so that edges keep detail."""
    scale = clouds.shape[1] / picture.shape[1]
    finer = scale < 0.99
    for i in numba.prange(rise.shape[0]):
        s, level = rise[i, 0], rise[i, 1]
        size = np.float32(clouds.shape[1] / 3.0)
        for j in range(picture.shape[1]):
            row, column = (i + 0.5) * scale - 0.5, (j + 0.5) * scale - 0.5
            if finer:
                x, y, z = (
                    np.float32(level * turn[j, 0]) * size,
                    np.float32(level * turn[j, 1]) * size,
                    np.float32(s) * size,
                )
                row += 0.8 * _fractal(x, y, z, True, start, 3, np.float32(0.6), np.float32(2.03))
                column += 0.8 * _fractal(y, z, x, True, start + np.uint32(5), 3, np.float32(0.6), np.float32(2.03))
            row = min(max(row, 0.0), clouds.shape[0] - 1.001)
            r, c = int(row), int(np.floor(column))
            u, v = row - r, column - c
            c0, c1 = c % clouds.shape[1], (c + 1) % clouds.shape[1]
            w00, w01, w10, w11 = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
            hides = (
                w00 * clouds[r, c0, 3]
                + w01 * clouds[r, c1, 3]
                + w10 * clouds[r + 1, c0, 3]
                + w11 * clouds[r + 1, c1, 3]
            )
            if hides < 1e-4:
                continue
            far = (
                w00 * clouds[r, c0, 4]
                + w01 * clouds[r, c1, 4]
                + w10 * clouds[r + 1, c0, 4]
                + w11 * clouds[r + 1, c1, 4]
            )
            up = max(far * s + far * far * level * level / (2.0 * _EARTH), 1.0) / haze_height
            path = far * (1.0 - np.exp(-up)) / up
            for k in range(3):
                value = w00 * clouds[r, c0, k] + w01 * clouds[r, c1, k]
                value += w10 * clouds[r + 1, c0, k] + w11 * clouds[r + 1, c1, k]
                clear = np.exp(-lost[k] * path)
                picture[i, j, k] = picture[i, j, k] * (1.0 - hides * clear) + value * clear


@_kernel
def sheet(picture, rise, turn, start, altitude, depth, swing, size, slant, light, glow_, horizon, lost, shift):  # type: ignore[no-untyped-def]
    """Close the sky with a layer of cloud: ``glow_`` is the radiance under it where it is ``depth`` thick.

    ``swing``: how its optical depth varies, over ``size`` metres; ``slant``: the same for the relief of its underside,
    seen by light from ``light``. ``horizon`` is what the air adds in the distance, ``lost`` its extinction per metre.
    ``shift`` as for ``cirrus``.
    """
    for i in numba.prange(rise.shape[0]):
        s, level = rise[i, 0], rise[i, 1]
        far = _to_shell(s, altitude)
        half, two = np.float32(0.52), np.float32(2.03)
        # the overcast sky of CIE 110: three times as bright overhead as at the horizon
        shade = (1.0 + 2.0 * s) / 3.0
        octaves = 8 if far < 12.0 * altitude else 6
        for j in range(picture.shape[1]):
            x = np.float32((far * level * turn[j, 0] + shift[0]) / size)
            y = np.float32((far * level * turn[j, 1] + shift[1]) / size)
            wide = _fractal(x * np.float32(0.3), y * np.float32(0.3), np.float32(0), False, start, 3, half, two)
            x, y = x + wide * np.float32(0.8), y - wide * np.float32(0.6)
            tone = _fractal(x, y, np.float32(0), False, start + np.uint32(31), octaves, half, two)
            step = np.float32(0.09)
            beyond = _fractal(
                x + np.float32(light[0]) * step,
                y + np.float32(light[1]) * step,
                np.float32(0),
                False,
                start + np.uint32(31),
                octaves - 2,
                half,
                two,
            )
            cosine = level * (turn[j, 0] * light[0] + turn[j, 1] * light[1]) + s * light[2]
            thick = depth * (1.0 + swing * (tone + 0.7 * wide))
            thin = np.exp(-0.12 * (max(thick, 0.0) - depth))
            relief = 1.0 + slant * (tone - beyond)
            halo = 1.0 + 2.2 * _phase(cosine, 0.6) * 12.566 * np.exp(-0.16 * depth) * thin
            for k in range(3):
                clear = np.exp(-lost[k] * far)
                value = glow_[k] * shade * thin * relief * halo
                picture[i, j, k] = value * clear + horizon[k] * (1.0 - clear)


@_kernel
def below(picture, rise, first, horizon, around, land, lost):  # type: ignore[no-untyped-def]
    """Under the horizon, from row ``first`` on: land of radiance ``land`` far below, behind more and more haze.

    Haze is as bright as the ``horizon`` (w 3) at first, and soon as what is ``around`` (w 3).
    """
    for i in numba.prange(first, rise.shape[0]):
        deep = 120.0 / max(-rise[i, 0], 1e-4)
        sharp = np.exp(rise[i, 0] * 45.0)
        for j in range(picture.shape[1]):
            for k in range(3):
                clear = np.exp(-lost[k] * deep)
                haze = around[j, k] + sharp * (horizon[j, k] - around[j, k])
                picture[i, j, k] = haze * (1.0 - clear) + land[k] * clear
