"""Relighting by a tint: colours times a factor in linear light, as a curve in the encoding that they are blended in.

Linear colours are multiplied. For sRGB's power segment, c ↦ 1.055·l^(1/2.4) − 0.055, a factor k in linear light is
an affine map, c ↦ g·c + 0.055·(g − 1) with g = k^(1/2.4); on the linear segment near black it is c ↦ k·c. What is
applied is the lesser of the two where k ≥ 1 and the larger where k < 1, which joins them: black stays black, and only
dark codes that cross from one segment into the other are off, by 0.4/255 for factors of ½ to 2, 1.9/255 for ¼ to 4.
Source: the curve of IEC 61966-2-1:1999 (colour/transfer.py).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.environment.environment import ColourEncoding

_OFFSET, _POWER = 0.055, 1 / 2.4
SIGN, SLOPE, GAIN, LIFT = 0, 3, 6, 9
"""Of a flat tint: where each begins, for red, green and blue."""


def tint_curve(tint: tuple[float, float, float], encoding: ColourEncoding) -> Float64[np.ndarray, "12"]:
    """The curve of a tint, flat: sign s, and s·k, s·g, s·lift, each for red, green and blue.

    A colour c becomes s·min(s·k·c, s·g·c + s·lift). Raises ValueError on a factor that is negative or not finite.
    """
    k = np.asarray(tint, dtype=np.float64)
    if k.shape != (3,) or not (np.isfinite(k).all() and (k >= 0).all()):
        raise ValueError(f"a tint is three factors of linear light, 0 or above, got {tint!r}")
    if encoding == "linear":
        return np.concatenate([np.ones(3), k, k, np.zeros(3)])
    g = k**_POWER
    sign = np.where(k >= 1, 1.0, -1.0)
    return np.concatenate([sign, sign * k, sign * g, sign * _OFFSET * (g - 1)])


def tint_between(
    first: tuple[float, float, float], second: tuple[float, float, float], fraction: float, encoding: ColourEncoding
) -> tuple[float, float, float]:
    """The tint that shows what mixing pictures of the two would, in their encoding, ``fraction`` of the second."""
    power = 1.0 if encoding == "linear" else _POWER
    gains = [np.asarray(tint, dtype=np.float64) ** power for tint in (first, second)]
    red, green, blue = ((1 - fraction) * gains[0] + fraction * gains[1]) ** (1 / power)
    return float(red), float(green), float(blue)


def tinted(colours: np.ndarray, curve: Float64[np.ndarray, "12"]) -> Float64[np.ndarray, "*n 3"]:
    """Colours (…, 3), 0 or above, after the tint."""
    sign, slope, gain, lift = curve.reshape(4, 3)
    return sign * np.minimum(slope * colours, gain * colours + lift)
