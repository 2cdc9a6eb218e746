"""The encodings in which colours are mapped, and how light above a map's reach is carried; all of look/ uses them.

A wall's light is linear and goes far above 1, where neither a LUT, a film's curve nor a still tells what to do. One
rule holds everywhere: a colour whose largest channel stands above a knee is dimmed to the knee, mapped there, and
brightened again by as much. So hue and ratio of highlights come from the map at the knee, the map stays continuous,
and no stop above the knee is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from translight.colour.transfer import srgb_decode, srgb_encode

Encoding = Literal["srgb", "linear", "log"]
"""``log`` is ACEScct's curve (Academy S-2016-001) on our Rec.709 channels: stops above 2⁻⁷, a straight toe below."""
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
ColourMap = Callable[[Float[np.ndarray, "*n 3"]], Float[np.ndarray, "*n 3"]]
"""Linear light to linear light, each colour by itself; float32 stays float32."""

CODE_OF_A_STOP = 1 / 17.52
"""Log codes between a light and twice that light, above the toe."""

_CUT_LINEAR, _CUT_CODE = 2.0**-7, 0.155251141552511
_TOE_SLOPE, _TOE_CODE = 10.5402377416545, 0.0729055341958355
_LOG_SHIFT = 9.72


def encode(light: Float[np.ndarray, "*n"], encoding: Encoding) -> Float[np.ndarray, "*n"]:
    """Codes of linear light, in the floating type of the input."""
    if encoding == "linear":
        return light
    if encoding == "srgb":
        return srgb_encode(light)
    stops = np.log2(np.maximum(light, _CUT_LINEAR))
    codes = np.where(light <= _CUT_LINEAR, _TOE_SLOPE * light + _TOE_CODE, (stops + _LOG_SHIFT) * CODE_OF_A_STOP)
    return codes.astype(light.dtype, copy=False)


def decode(codes: Float[np.ndarray, "*n"], encoding: Encoding) -> Float[np.ndarray, "*n"]:
    """Linear light of codes; a log code above 2 counts as 2 (2²⁵ times white)."""
    if encoding == "linear":
        return codes
    if encoding == "srgb":
        return srgb_decode(codes)
    stops = np.clip(codes, _CUT_CODE, 2.0) / CODE_OF_A_STOP - _LOG_SHIFT
    light = np.where(codes <= _CUT_CODE, (codes - _TOE_CODE) / _TOE_SLOPE, np.exp2(stops))
    return light.astype(codes.dtype, copy=False)


def carried(
    colour_map: ColourMap, light: Float[np.ndarray, "*n 3"], knee: float, share: float = 1.0
) -> Float[np.ndarray, "*n 3"]:
    """The map, with what stands above the knee carried on: ``share`` stops out for each stop above it."""
    above = np.maximum(light.max(axis=-1, keepdims=True) / np.asarray(knee, light.dtype), 1)
    return colour_map(light / above) * above ** np.asarray(share, light.dtype)


def mixed(
    light: Float[np.ndarray, "*n 3"], mapped: Float[np.ndarray, "*n 3"], strength: float
) -> Float[np.ndarray, "*n 3"]:
    """Between two lights in stops: 0 is the first, 1 the second."""
    if strength == 1:
        return mapped
    first = encode(light, "log")
    return decode(first + np.asarray(strength, light.dtype) * (encode(mapped, "log") - first), "log")
