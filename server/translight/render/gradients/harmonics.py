"""The way back through colours from spherical harmonics (cpu/harmonics.py), a vector of splats at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.render.cpu.jit import inlined
from translight.render.cpu.memory import load, store
from translight.render.cpu.prepare import CHUNK
from translight.render.cpu.simd import floats
from translight.render.sh import SH_0, SH_1, SH_2, SH_3

_0, _1 = np.float32(SH_0), np.float32(SH_1)
_2A, _2B, _2C = (np.float32(value) for value in SH_2)
_3A, _3B, _3C, _3D, _3E = (np.float32(value) for value in SH_3)
_MINUS, _TWO, _THREE, _FOUR, _SIX = (np.float32(value) for value in (-1, 2, 3, 4, 6))


@inlined
def _through(sh: Any, k: int, basis: Any, red: Any, green: Any, blue: Any) -> Any:
    """Put a coefficient's gradient in its place, and return what the basis function's own gradient is a multiple of."""
    at = 3 * k * CHUNK
    along = red * load(sh, at) + green * load(sh, at + CHUNK) + blue * load(sh, at + 2 * CHUNK)
    store(sh, at, basis * red)
    store(sh, at + CHUNK, basis * green)
    store(sh, at + 2 * CHUNK, basis * blue)
    return along


@inlined
def colour_gradient(sh: Any, active: int, x: Any, y: Any, z: Any, red: Any, green: Any, blue: Any) -> Any:
    """Coefficients (``active`` vectors, ``CHUNK`` apart) become their gradients; returns the direction's (3).

    ``x``, ``y``, ``z`` is the unit direction from the eye; ``red``, ``green``, ``blue`` the colours' gradients, 0 where
    a colour was clamped. The direction's gradient is that of the polynomials, and points out of the sphere as well.
    """
    zero = floats(np.float32(0.0))
    dx, dy, dz = zero, zero, zero
    _through(sh, 0, floats(_0), red, green, blue)
    if active > 3:
        dy = dy - _1 * _through(sh, 1, _MINUS * _1 * y, red, green, blue)
        dz = dz + _1 * _through(sh, 2, _1 * z, red, green, blue)
        dx = dx - _1 * _through(sh, 3, _MINUS * _1 * x, red, green, blue)
    if active > 12:
        xx, yy, zz = x * x, y * y, z * z
        g = _2A * _through(sh, 4, _2A * x * y, red, green, blue)
        dx, dy = dx + g * y, dy + g * x
        g = _2A * _through(sh, 5, _MINUS * _2A * y * z, red, green, blue)
        dy, dz = dy - g * z, dz - g * y
        g = _TWO * _2B * _through(sh, 6, _2B * (_TWO * zz - xx - yy), red, green, blue)
        dx, dy, dz = dx - g * x, dy - g * y, dz + _TWO * g * z
        g = _2A * _through(sh, 7, _MINUS * _2A * x * z, red, green, blue)
        dx, dz = dx - g * z, dz - g * x
        g = _TWO * _2C * _through(sh, 8, _2C * (xx - yy), red, green, blue)
        dx, dy = dx + g * x, dy - g * y
    if active > 27:
        xx, yy, zz = x * x, y * y, z * z
        xy, xz, yz = x * y, x * z, y * z
        ring, lobe = _FOUR * zz - xx - yy, _THREE * (xx - yy)
        g = _3A * _through(sh, 9, _MINUS * _3A * y * (_THREE * xx - yy), red, green, blue)
        dx, dy = dx - _SIX * g * xy, dy - g * lobe
        g = _3B * _through(sh, 10, _3B * xy * z, red, green, blue)
        dx, dy, dz = dx + g * yz, dy + g * xz, dz + g * xy
        g = _3C * _through(sh, 11, _MINUS * _3C * y * ring, red, green, blue)
        dx, dy, dz = dx + _TWO * g * xy, dy - g * (ring - _TWO * yy), dz - np.float32(8.0) * g * yz
        g = _3D * _through(sh, 12, _3D * z * (_TWO * zz - _THREE * (xx + yy)), red, green, blue)
        dx, dy, dz = dx - _SIX * g * xz, dy - _SIX * g * yz, dz + g * (_SIX * zz - _THREE * (xx + yy))
        g = _3C * _through(sh, 13, _MINUS * _3C * x * ring, red, green, blue)
        dx, dy, dz = dx - g * (ring - _TWO * xx), dy + _TWO * g * xy, dz - np.float32(8.0) * g * xz
        g = _3E * _through(sh, 14, _3E * z * (xx - yy), red, green, blue)
        dx, dy, dz = dx + _TWO * g * xz, dy - _TWO * g * yz, dz + g * (xx - yy)
        g = _3A * _through(sh, 15, _MINUS * _3A * x * (xx - _THREE * yy), red, green, blue)
        dx, dy = dx - g * lobe, dy + _SIX * g * xy
    return dx, dy, dz
