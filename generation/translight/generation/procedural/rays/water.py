"""Water: where a ray meets its waves, how they tilt it, and the light that it mirrors, lets through and scatters."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.generation.procedural.rays.jit import get, inlined, part, stays_apart
from translight.generation.procedural.rays.layout import (
    AMPLITUDE,
    CLEAR,
    DEEP,
    FOAM,
    SUN_LIGHT,
)
from translight.generation.procedural.rays.light import chance, fresnel, glint, sky_on, sunny, to_sun
from translight.generation.procedural.rays.path import arriving, blocked, hit
from translight.generation.procedural.rays.patterns import noise
from translight.generation.procedural.rays.waves import waves

_HEAD_ON, _INDEX = 0.0201, 1.333
"""Reflectance and refractive index of water."""
_PI = np.pi


@inlined
def _foam(F: Any, x: float, y: float, height: float, steepness: float, footprint: float) -> float:
    """Share of foam: on high, steep crests, torn by noise."""
    if get(F, FOAM) <= 0.0 or get(F, AMPLITUDE) <= 0.0:
        return 0.0
    torn = 0.5 * noise(1.7 * x, 1.7 * y, np.float64(0.0), np.int64(3)) + 0.3 * noise(
        6.1 * x, 6.1 * y, np.float64(0.0), np.int64(4)
    )
    if footprint < 0.05:
        torn += 0.2 * noise(23.0 * x, 23.0 * y, np.float64(0.0), np.int64(5))
    crest = height / get(F, AMPLITUDE) + 0.6 * steepness + 0.35 * torn - 1.0 + 0.55 * get(F, FOAM)
    t = min(max(crest / 0.25, 0.0), 1.0)
    return min(get(F, FOAM), 1.0) * t * t * (3.0 - 2.0 * t)


@part
def on_water(
    F: Any, N: Any, stack: Any, px: int, py: int, sample: int, x: float, y: float, z: float, dx: float, dy: float,
    dz: float, t: float, spread: float,
) -> Any:  # fmt: skip
    """Radiance (3) from a point of the surface to the eye, and its normal (3)."""
    stays_apart()
    facing = max(-dz, 0.02)
    height, sx, sy, lost = waves(F, N, x, y, spread * t / np.sqrt(facing))
    foam = _foam(F, x, y, height, np.sqrt(sx * sx + sy * sy), spread * t)
    # Waves too small for the pixel scatter the mirror ray as their slopes would.
    a, b = chance(F, N, px, py, sample, np.int64(2))
    r, phi = np.sqrt(-2.0 * lost * np.log(max(1.0 - a, 1e-6))), 2.0 * _PI * b
    sx, sy = sx + r * np.cos(phi), sy + r * np.sin(phi)
    norm = 1.0 / np.sqrt(sx * sx + sy * sy + 1.0)
    nx, ny, nz = -sx * norm, -sy * norm, norm
    cosine = -(nx * dx + ny * dy + nz * dz)
    if cosine < 0.02:
        # A slope that looks away is hidden by the wave before it: the nearest one that can be seen takes its place.
        k = 0.02 - cosine
        nx, ny, nz = nx - k * dx, ny - k * dy, nz - k * dz
        norm = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz, cosine = nx * norm, ny * norm, nz * norm, 0.02
    share = fresnel(_HEAD_ON, cosine)
    wx, wy, wz = dx + 2.0 * cosine * nx, dy + 2.0 * cosine * ny, dz + 2.0 * cosine * nz
    if wz < 0.01:
        wz = 0.02 - wz
    norm = 1.0 / np.sqrt(wx * wx + wy * wy + wz * wz)
    lift = 1e-3 + 2e-6 * t
    red, green, blue = arriving(
        F, N, stack, px, py, sample, np.int64(10), x, y, z + lift, wx * norm, wy * norm, wz * norm, spread, np.int64(1),
        np.int64(1),
    )  # fmt: skip
    red, green, blue = share * red, share * green, share * blue
    up_r, up_g, up_b = sky_on(F, N, nx, ny, nz)
    if sunny(F):
        a, b = chance(F, N, px, py, sample, np.int64(1))
        lx, ly, lz = to_sun(F, a, b)
        nl = nx * lx + ny * ly + nz * lz
        if nl > 0.0 and not blocked(F, N, stack, x, y, z + lift, lx, ly, lz, np.inf):
            hx, hy, hz = lx - dx, ly - dy, lz - dz
            norm = 1.0 / max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-9)
            nh, vh = (nx * hx + ny * hy + nz * hz) * norm, (lx * hx + ly * hy + lz * hz) * norm
            s = glint(np.sqrt(2.0 * lost + 4e-4), cosine, nl, nh) * fresnel(_HEAD_ON, vh) * (1.0 - foam)
            red, green, blue = (
                red + s * get(F, SUN_LIGHT),
                green + s * get(F, SUN_LIGHT + 1),
                blue + s * get(F, SUN_LIGHT + 2),
            )
            k = max(lz, 0.0) / _PI
            up_r, up_g, up_b = (
                up_r + k * get(F, SUN_LIGHT),
                up_g + k * get(F, SUN_LIGHT + 1),
                up_b + k * get(F, SUN_LIGHT + 2),
            )
    # What is under it: refracted by Snell's law, dimmed on the way to the floor.
    eta = 1.0 / _INDEX
    k = eta * cosine - np.sqrt(1.0 - eta * eta * (1.0 - cosine * cosine))
    wx, wy, wz = eta * dx + k * nx, eta * dy + k * ny, eta * dz + k * nz
    tr = tg = tb = 0.0
    clear = 12.0 * max(get(F, CLEAR), max(get(F, CLEAR + 1), get(F, CLEAR + 2)))
    s, kind, _, _, _, _ = hit(F, N, stack, x, y, z - lift, wx, wy, wz, clear, np.int64(0))
    if kind != 0:
        tr, tg, tb = np.exp(-s / get(F, CLEAR)), np.exp(-s / get(F, CLEAR + 1)), np.exp(-s / get(F, CLEAR + 2))
    if max(tr, max(tg, tb)) > 0.003:
        fr, fg, fb = arriving(
            F, N, stack, px, py, sample, np.int64(14), x, y, z - lift, wx, wy, wz, spread, np.int64(1), np.int64(2)
        )
        # The sun's and the sky's way down is dimmed as well.
        down = max(s * -wz, 0.0)
        red += (1.0 - share) * tr * fr * np.exp(-down / get(F, CLEAR))
        green += (1.0 - share) * tg * fg * np.exp(-down / get(F, CLEAR + 1))
        blue += (1.0 - share) * tb * fb * np.exp(-down / get(F, CLEAR + 2))
    red += (1.0 - share) * (1.0 - tr) * get(F, DEEP) * up_r
    green += (1.0 - share) * (1.0 - tg) * get(F, DEEP + 1) * up_g
    blue += (1.0 - share) * (1.0 - tb) * get(F, DEEP + 2) * up_b
    red += foam * (0.85 * up_r - red)
    green += foam * (0.85 * up_g - green)
    blue += foam * (0.85 * up_b - blue)
    return red, green, blue, nx, ny, nz
