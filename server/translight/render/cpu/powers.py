"""Powers of two and logarithms to base two of vectors, as good as blending and projection need them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from translight.render.cpu.jit import inlined
from translight.render.cpu.simd import bits_of, floats

_ROUND = np.float32(1.5 * 2**23)
"""Added to a small number, leaves it rounded to a whole one, in the sum's low bits too."""
_ROOT_HALF = np.int32(0x3F3504F3)
"""The bits of √½."""
_LOG2 = tuple(np.float32(2 / math.log(2) / n) for n in (1, 3, 5, 7))
_EXP2 = tuple(np.float32(c) for c in (0.99992807, 0.69326099, 0.24261112, 0.05517165))
"""Of 2^x, with the least relative error over −½ … ½ (7.5e-5)."""


@inlined
def exp2(x: Any) -> Any:
    """2^x within 7.6e-5 of its value for x from −126 to 0.

    A power of two by adding to the exponent, times a cubic: sums and shifts take turns with products, which
    processors with units of their own for each (AMD's) do at the same time.
    """
    whole = x + _ROUND
    rest = x - (whole - _ROUND)
    power = ((_EXP2[3] * rest + _EXP2[2]) * rest + _EXP2[1]) * rest + _EXP2[0]
    return bits_of(bits_of(power) + (bits_of(whole) << 23))


@inlined
def log2(x: Any) -> Any:
    """log₂ x within 3e-7 for normal numbers above 0; at most −126 for smaller ones.

    The exponent, and of a mantissa m within √½ … √2 the series of artanh in (m − 1)/(m + 1).
    """
    bits = bits_of(x)
    exponent = (bits - _ROOT_HALF) >> 23
    mantissa = bits_of(bits - (exponent << 23))
    s = (mantissa - np.float32(1.0)) / (mantissa + np.float32(1.0))
    square = s * s
    series = ((_LOG2[3] * square + _LOG2[2]) * square + _LOG2[1]) * square + _LOG2[0]
    return floats(exponent) + series * s
