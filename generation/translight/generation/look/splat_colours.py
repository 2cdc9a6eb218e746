"""Maps of linear light on an environment's splats and sky, each splat by its mean colour and the map's slope there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.environment import Environment
from translight.generation.look.encoding import ColourMap, decode, encode
from translight.generation.look.palette import Palette, palette
from translight.render.sh import SH_0, SH_OFFSET

_STEP = 1e-3
"""Of an encoded colour, to either side, for the map's slope."""
_EYE_M = (0.0, 0.0, 1.7)
_BLOCK = 1 << 17


def recoloured(environment: Environment, colour_map: ColourMap) -> Environment:
    """The environment with all its light mapped.

    A splat's constant colour is mapped exactly; what changes with direction follows by the map's derivative there,
    so a glint that is far from its splat's mean colour is mapped by the mean's rule.
    """
    sh = environment.splats.sh
    out = np.empty_like(sh)
    kind = environment.encoding

    def curve(codes: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        return encode(colour_map(np.maximum(decode(codes, kind), 0)), kind)

    for start in range(0, len(sh), _BLOCK):
        part = slice(start, start + _BLOCK)
        mean = np.maximum(sh[part, 0].astype(np.float64) * SH_0 + SH_OFFSET, 0)
        out[part, 0] = (curve(mean) - SH_OFFSET) / SH_0
        rest = sh[part, 1:].astype(np.float64)
        if rest.shape[1]:
            slopes = np.stack([_slope(curve, mean, channel) for channel in range(3)], axis=-1)
            out[part, 1:] = np.einsum("nij,nkj->nki", slopes, rest)
    sky = environment.sky
    if sky is not None:
        sky = in_rows(colour_map, sky)
    return replace(environment, splats=replace(environment.splats, sh=out), sky=sky)


def in_rows(colour_map: ColourMap, light: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """A picture's light mapped, some rows at a time."""
    out = np.empty_like(light, dtype=np.float32)
    step = max(1, _BLOCK // light.shape[1])
    for top in range(0, light.shape[0], step):
        out[top : top + step] = colour_map(np.maximum(light[top : top + step], 0))
    return out


def splat_palette(environment: Environment, what: str) -> Palette:
    """The colours of an environment as seen from the stage's middle: splats by the solid angle they stand for."""
    splats = environment.splats
    light = decode(np.maximum(splats.sh[:, 0] * np.float32(SH_0) + np.float32(SH_OFFSET), 0), environment.encoding)
    apart = environment.stage_from_scene.apply(splats.means) - np.array(_EYE_M)
    area = np.sort(splats.scales.astype(np.float64), axis=1)[:, 1:].prod(axis=1) * environment.stage_from_scene.scale**2
    weights = splats.opacities * np.minimum(area / np.maximum((apart**2).sum(axis=1), 1e-6), 1.0)
    return palette(light.astype(np.float32), weights, what)


def _slope(curve: ColourMap, mean: Float64[np.ndarray, "n 3"], channel: int) -> Float64[np.ndarray, "n 3"]:
    """Of a map of codes, along a channel; one-sided at black."""
    step = np.zeros(3)
    step[channel] = _STEP
    low = np.maximum(mean - step, 0)
    high = mean + step
    return (curve(high) - curve(low)) / (high - low)[:, channel, None]
