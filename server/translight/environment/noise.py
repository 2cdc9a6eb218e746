"""Seeded value noise and its fractal sums on arrays of points: the texture of everything in the procedural scene.

Lattice values are an integer hash of the cell and the seed, so the noise needs no table, has no period that shows and
is the same on every machine.
"""

from __future__ import annotations

import numba
import numpy as np
from jaxtyping import Float, Float32

_PRIMES = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D)
_SEED_STEP, _SEED_START = 0x27D4EB2F, 0x165667B1
_TURN = np.float32(0.8), np.float32(0.6)
"""Octaves are turned against one another, by this cosine and sine, which hides the lattice's directions."""


def noise(points: Float[np.ndarray, "n d"], seed: int) -> Float32[np.ndarray, "n"]:
    """Value noise within [−1, 1] at points of 2 or 3 dimensions, one lattice cell a unit, with continuous slope."""
    return fractal(points, seed, 1)


def fractal(
    points: Float[np.ndarray, "n d"], seed: int, octaves: int, gain: float = 0.5, lacunarity: float = 2.03
) -> Float32[np.ndarray, "n"]:
    """Octaves of noise, each ``lacunarity`` times finer and ``gain`` times weaker; within [−1, 1], mostly ±0.5."""
    p = np.asarray(points)
    rows = np.zeros((len(p), 3), dtype=np.float32)
    rows[:, : p.shape[1]] = p
    out = np.empty(len(p), dtype=np.float32)
    _fractal(rows, p.shape[1] == 3, start_of(seed), octaves, np.float32(gain), np.float32(lacunarity), out)
    return out


def hashed(keys: np.ndarray, seed: int) -> Float32[np.ndarray, "n"]:
    """A number within [0, 1) for each integer key: the same key, the same number."""
    mixed = np.ascontiguousarray(np.asarray(keys).astype(np.int64).astype(np.uint32) * _PRIMES[0])
    out = np.empty(mixed.shape, dtype=np.float32)
    _hashed(mixed, start_of(seed), out)
    return out


def smoothstep(low: float, high: float, x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """0 at ``low`` and before it, 1 at ``high`` and beyond it (either may be the larger), a smooth cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def start_of(seed: int) -> np.uint32:
    """The lattice that a seed names, for kernels."""
    return np.uint32((seed * _SEED_STEP + _SEED_START) & 0xFFFFFFFF)


@numba.njit(cache=True, nogil=True, inline="always")
def unit_of(key: np.uint32) -> np.float32:
    """Within [−1, 1) of a key: Ellis's "lowbias32" finaliser (hash prospector, 2018)."""
    k = np.uint32(key ^ (key >> np.uint32(16)))
    k = np.uint32(k * np.uint32(0x7FEB352D))
    k = np.uint32(k ^ (k >> np.uint32(15)))
    k = np.uint32(k * np.uint32(0x846CA68B))
    k = np.uint32(k ^ (k >> np.uint32(16)))
    return np.float32(k >> np.uint32(8)) * np.float32(2.0**-23) - np.float32(1.0)


@numba.njit(cache=True, nogil=True, inline="always")
def _fade(f: np.float32) -> np.float32:
    return f * f * f * (f * (f * np.float32(6.0) - np.float32(15.0)) + np.float32(10.0))


@numba.njit(cache=True, nogil=True, inline="always")
def _plane(ix: np.uint32, iy: np.uint32, u: np.float32, v: np.float32, base: np.uint32) -> np.float32:
    """One lattice square, interpolated."""
    x0, x1 = np.uint32(ix * _PRIMES[0]), np.uint32((ix + np.uint32(1)) * _PRIMES[0])
    y0, y1 = np.uint32(iy * _PRIMES[1]) ^ base, np.uint32((iy + np.uint32(1)) * _PRIMES[1]) ^ base
    a, b = unit_of(x0 ^ y0), unit_of(x1 ^ y0)
    c, d = unit_of(x0 ^ y1), unit_of(x1 ^ y1)
    lower, upper = a + u * (b - a), c + u * (d - c)
    return lower + v * (upper - lower)


@numba.njit(nogil=True, forceinline=True)
def fractal_at(x, y, z, solid, start, octaves, gain, lacunarity):  # type: ignore[no-untyped-def]
    """Fractal noise at one point, for kernels: all float32, ``start`` from start_of, ``solid`` False in the plane."""
    one, cosine, sine = np.float32(1.0), _TURN[0] * lacunarity, _TURN[1] * lacunarity
    total, weight, weights = np.float32(0.0), one, np.float32(0.0)
    base = start
    for _ in range(octaves):
        fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
        ix, iy, iz = np.uint32(np.int64(fx)), np.uint32(np.int64(fy)), np.uint32(np.int64(fz))
        u, v, w = _fade(x - fx), _fade(y - fy), _fade(z - fz)
        value = _plane(ix, iy, u, v, np.uint32(iz * _PRIMES[2]) ^ base)
        if solid:
            above = _plane(ix, iy, u, v, np.uint32((iz + np.uint32(1)) * _PRIMES[2]) ^ base)
            value += w * (above - value)
        total += weight * value
        weights += weight
        weight *= gain
        x, y, z = cosine * x - sine * y, sine * x + cosine * y, lacunarity * z
        base = np.uint32(base + np.uint32(_SEED_STEP))
    return total / weights


@numba.njit(cache=True, nogil=True)
def _fractal(p, solid, start, octaves, gain, lacunarity, out):  # type: ignore[no-untyped-def]
    for i in range(len(p)):
        out[i] = fractal_at(p[i, 0], p[i, 1], p[i, 2], solid, start, octaves, gain, lacunarity)


@numba.njit(cache=True, nogil=True)
def _hashed(keys, start, out):  # type: ignore[no-untyped-def]
    for i in range(len(keys)):
        out[i] = np.float32(0.5) + np.float32(0.5) * unit_of(keys[i] ^ start)
