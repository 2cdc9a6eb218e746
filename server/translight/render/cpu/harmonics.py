"""Colours from spherical harmonics, a vector of splats at a time (render/sh.py has the basis)."""

from __future__ import annotations

from typing import Any

import numpy as np

from translight.render.cpu.jit import inlined
from translight.render.cpu.memory import load
from translight.render.cpu.prepare import CHUNK
from translight.render.cpu.simd import larger, square_root
from translight.render.cpu.viewpoint import EYE
from translight.render.sh import SH_0, SH_1, SH_2, SH_3, SH_OFFSET

_0, _1 = np.float32(SH_0), np.float32(SH_1)
_2A, _2B, _2C = (np.float32(value) for value in SH_2)
_3A, _3B, _3C, _3D, _3E = (np.float32(value) for value in SH_3)
_MINUS, _TWO, _THREE, _FOUR = np.float32(-1.0), np.float32(2.0), np.float32(3.0), np.float32(4.0)
_ZERO, _OFFSET = np.float32(0.0), np.float32(SH_OFFSET)


@inlined
def _add(sh: Any, at: int, basis: Any, red: Any, green: Any, blue: Any) -> Any:
    return (
        red + basis * load(sh, at),
        green + basis * load(sh, at + CHUNK),
        blue + basis * load(sh, at + 2 * CHUNK),
    )


@inlined
def squared_distance(mx: Any, my: Any, mz: Any, view: Any) -> Any:
    """Of splats from the view's eye, in scene units."""
    x, y, z = mx - view[EYE], my - view[EYE + 1], mz - view[EYE + 2]
    return x * x + y * y + z * z


@inlined
def colour(sh: Any, at: int, fields: int, mx: Any, my: Any, mz: Any, view: Any) -> Any:
    """Red, green and blue of the splats whose ``fields`` coefficients start at ``at``, seen from the view's eye."""
    step = 3 * CHUNK
    red = _0 * load(sh, at) + _OFFSET
    green = _0 * load(sh, at + CHUNK) + _OFFSET
    blue = _0 * load(sh, at + 2 * CHUNK) + _OFFSET
    if fields > 3:
        x, y, z = mx - view[EYE], my - view[EYE + 1], mz - view[EYE + 2]
        inverse = np.float32(1.0) / square_root(x * x + y * y + z * z)
        x, y, z = x * inverse, y * inverse, z * inverse
        red, green, blue = _add(sh, at + step, _MINUS * _1 * y, red, green, blue)
        red, green, blue = _add(sh, at + 2 * step, _1 * z, red, green, blue)
        red, green, blue = _add(sh, at + 3 * step, _MINUS * _1 * x, red, green, blue)
        if fields > 12:
            xx, yy, zz = x * x, y * y, z * z
            red, green, blue = _add(sh, at + 4 * step, _2A * x * y, red, green, blue)
            red, green, blue = _add(sh, at + 5 * step, _MINUS * _2A * y * z, red, green, blue)
            red, green, blue = _add(sh, at + 6 * step, _2B * (_TWO * zz - xx - yy), red, green, blue)
            red, green, blue = _add(sh, at + 7 * step, _MINUS * _2A * x * z, red, green, blue)
            red, green, blue = _add(sh, at + 8 * step, _2C * (xx - yy), red, green, blue)
            if fields > 27:
                ring = _FOUR * zz - xx - yy
                red, green, blue = _add(sh, at + 9 * step, _MINUS * _3A * y * (_THREE * xx - yy), red, green, blue)
                red, green, blue = _add(sh, at + 10 * step, _3B * x * y * z, red, green, blue)
                red, green, blue = _add(sh, at + 11 * step, _MINUS * _3C * y * ring, red, green, blue)
                red, green, blue = _add(
                    sh, at + 12 * step, _3D * z * (_TWO * zz - _THREE * (xx + yy)), red, green, blue
                )
                red, green, blue = _add(sh, at + 13 * step, _MINUS * _3C * x * ring, red, green, blue)
                red, green, blue = _add(sh, at + 14 * step, _3E * z * (xx - yy), red, green, blue)
                red, green, blue = _add(sh, at + 15 * step, _MINUS * _3A * x * (xx - _THREE * yy), red, green, blue)
    return larger(red, _ZERO), larger(green, _ZERO), larger(blue, _ZERO)
