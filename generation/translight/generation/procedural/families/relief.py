"""Sums of gradient noise for ground.py's heights: smooth, ridged and eroded, each octave faded below the footprint.

Gradient noise: Perlin, "Improving Noise" (2002), with a hash in place of its table. Ridges: Musgrave in "Texturing and
Modeling" (3rd ed., 2003), chapter 16. Erosion: Quilez, "Value noise derivatives" (2008): an octave counts less
where the coarser ones are steep, which leaves smooth flanks and rough tops.
"""

from __future__ import annotations

from enum import IntEnum

import numba
import numpy as np
from jaxtyping import Float, Float64

_TURN = 0.8, 0.6
"""Cosine and sine between octaves; it hides the lattice's directions."""
_LACUNARITY = 2.03
_SEED_STEP = 0x9E3779B9


class Kind(IntEnum):
    """How octaves add up."""

    SMOOTH = 0
    RIDGED = 1
    ERODED = 2


def relief(
    x: Float[np.ndarray, "*n"],
    y: Float[np.ndarray, "*n"],
    seed: int,
    *,
    wavelength_m: float,
    footprint_m: float,
    octaves: int = 24,
    gain: float = 0.5,
    kind: Kind = Kind.SMOOTH,
) -> Float64[np.ndarray, "*n"]:
    """A sum of octaves at points of the plane, its first of weight 1 and ``wavelength_m``, about 0 ± 0.5.

    An octave counts in full from four footprints a wave and not at all below two, so equal points keep their coarse
    height at every detail. RIDGED runs from about −1 to 1, ridges up.
    """
    px, py = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
    out = np.empty(px.shape)
    start = np.uint32((seed * _SEED_STEP + 0x7F4A7C15) & 0xFFFFFFFF)
    _sum(px.ravel(), py.ravel(), start, wavelength_m, footprint_m, octaves, gain, int(kind), out.ravel())
    return out


@numba.njit(cache=True, nogil=True, inline="always")
def _corner(ix: np.uint32, iy: np.uint32, base: np.uint32) -> tuple[float, float]:
    """A gradient within the unit square's circle for a lattice corner: Ellis's lowbias32 over both coordinates."""
    k = np.uint32(np.uint32(ix * np.uint32(0x9E3779B1)) ^ np.uint32(iy * np.uint32(0x85EBCA77)) ^ base)
    k = np.uint32(k ^ (k >> np.uint32(16)))
    k = np.uint32(k * np.uint32(0x7FEB352D))
    k = np.uint32(k ^ (k >> np.uint32(15)))
    k = np.uint32(k * np.uint32(0x846CA68B))
    k = np.uint32(k ^ (k >> np.uint32(16)))
    gx = np.float64(k & np.uint32(0xFFFF)) / 32767.5 - 1.0
    gy = np.float64(k >> np.uint32(16)) / 32767.5 - 1.0
    return gx, gy


@numba.njit(cache=True, nogil=True)
def _sum(xs, ys, start, wavelength, footprint, octaves, gain, kind, out):  # type: ignore[no-untyped-def]
    c0, s0 = _TURN
    for i in range(len(xs)):
        x, y = xs[i] / wavelength, ys[i] / wavelength
        length, weight, base = wavelength, 1.0, start
        total, carry, slope_x, slope_y = 0.0, 1.0, 0.0, 0.0
        cosine, sine = 1.0, 0.0
        for _ in range(octaves):
            t = (length / footprint - 2.0) / 2.0
            if t <= 0.0:
                break
            t = min(t, 1.0)
            fade = t * t * (3.0 - 2.0 * t)
            fx, fy = np.floor(x), np.floor(y)
            ix, iy = np.uint32(np.int64(fx)), np.uint32(np.int64(fy))
            one = np.uint32(1)
            px, py = x - fx, y - fy
            ax, ay = _corner(ix, iy, base)
            bx, by = _corner(np.uint32(ix + one), iy, base)
            cx, cy = _corner(ix, np.uint32(iy + one), base)
            dx, dy = _corner(np.uint32(ix + one), np.uint32(iy + one), base)
            a, b = ax * px + ay * py, bx * (px - 1.0) + by * py
            c, d = cx * px + cy * (py - 1.0), dx * (px - 1.0) + dy * (py - 1.0)
            u, v = px * px * px * (px * (px * 6.0 - 15.0) + 10.0), py * py * py * (py * (py * 6.0 - 15.0) + 10.0)
            mixed = a - b - c + d
            n = a + u * (b - a) + v * (c - a) + u * v * mixed
            if kind == 1:
                ridge = 1.0 - min(abs(n) * 2.2, 1.0)
                ridge *= ridge
                total += fade * weight * carry * (ridge * 2.0 - 1.0)
                carry = min(1.0, 0.15 + 1.6 * ridge * carry)
            elif kind == 2:
                du = 30.0 * px * px * (px * (px - 2.0) + 1.0)
                dv = 30.0 * py * py * (py * (py - 2.0) + 1.0)
                gx = ax + u * (bx - ax) + v * (cx - ax) + u * v * (ax - bx - cx + dx) + du * (b - a + v * mixed)
                gy = ay + u * (by - ay) + v * (cy - ay) + u * v * (ay - by - cy + dy) + dv * (c - a + u * mixed)
                slope_x += fade * (cosine * gx + sine * gy)
                slope_y += fade * (cosine * gy - sine * gx)
                total += fade * weight * n / (1.0 + slope_x * slope_x + slope_y * slope_y)
            else:
                total += fade * weight * n
            weight *= gain
            length /= _LACUNARITY
            x, y = _LACUNARITY * (c0 * x - s0 * y), _LACUNARITY * (s0 * x + c0 * y)
            cosine, sine = c0 * cosine - s0 * sine, s0 * cosine + c0 * sine
            base = np.uint32(base + np.uint32(0x27D4EB2F))
        out[i] = total
