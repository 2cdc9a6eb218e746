"""Maps of colour on splats and skies: affine ones, exactly; through another encoding, by each splat's own tangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float32, Float64

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.environment.environment import ColourEncoding, Environment
from translight.environment.plate import Plate
from translight.render.sh import SH_0, SH_OFFSET
from translight.splats.cloud import SplatCloud

_STEP = 1e-4
"""Of a colour, for the slopes of the encoding's curve."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """c ↦ gain·c + lift of colours as column vectors (3,)."""

    gain: Float64[np.ndarray, "3 3"]
    lift: Float64[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> Self:
        """The map that changes nothing."""
        return cls(np.eye(3), np.zeros(3))

    def apply(self, colours: np.ndarray) -> np.ndarray:
        """Colours (…, 3), mapped."""
        return colours @ self.gain.T + self.lift


def recoloured(
    environment: Environment, colour_map: ColourMap, light: ColourEncoding, *, sky_too: bool = True
) -> Environment:
    """The environment with its colours mapped, where ``light`` names the encoding whose values the map is of.

    Where that is the environment's own, the splats' harmonics are transformed exactly: the constant one takes the
    lift, the others the gain; so the whole picture is mapped, but for where a colour was or becomes negative and is
    clamped. Where it is not, each splat is mapped by its mean colour and the slope there. The sky, which is linear,
    is mapped as what it is shown as, and never below 0; its plates are too.
    """
    if light == environment.encoding:
        splats = _affine(environment.splats, colour_map)
    else:
        splats = _by_tangent(
            environment.splats,
            lambda c: _encoded(colour_map.apply(_encoded(c, environment.encoding, light)), light, environment.encoding),
        )
    sky, plates = environment.sky, environment.plates
    if sky is not None and sky_too:
        sky = _light_mapped(sky, colour_map, light)
        plates = tuple(_plate_mapped(plate, colour_map, light) for plate in plates)
    return replace(environment, splats=splats, sky=sky, plates=plates)


def reencoded(environment: Environment, encoding: ColourEncoding) -> Environment:
    """The environment with its splats' colours in another encoding, each splat by its mean colour and the slope there.

    Blending in another encoding mixes other colours where splats overlap softly, so the picture is nearly the same.
    """
    if environment.encoding == encoding:
        return environment
    own = environment.encoding
    splats = _by_tangent(environment.splats, lambda c: _encoded(c, own, encoding))
    return replace(environment, splats=splats, encoding=encoding)


def _light_mapped(
    light: Float32[np.ndarray, "h w 3"], colour_map: ColourMap, shown: ColourEncoding
) -> Float32[np.ndarray, "h w 3"]:
    mapped = _encoded(colour_map.apply(_encoded(light.astype(np.float64), "linear", shown)), shown, "linear")
    return np.ascontiguousarray(np.maximum(mapped, 0.0), dtype=np.float32)


def _plate_mapped(plate: Plate, colour_map: ColourMap, shown: ColourEncoding) -> Plate:
    frames = plate.frames.copy()
    for frame in frames:
        mapped = _light_mapped(frame[..., :3].astype(np.float32), colour_map, shown)
        frame[..., :3] = np.minimum(mapped, np.finfo(np.float16).max)
    return replace(plate, frames=frames)


def _affine(cloud: SplatCloud, colour_map: ColourMap) -> SplatCloud:
    sh = cloud.sh.astype(np.float64) @ colour_map.gain.T
    sh[:, 0] += (colour_map.apply(np.full(3, SH_OFFSET)) - SH_OFFSET) / SH_0
    return replace(cloud, sh=np.ascontiguousarray(sh, dtype=np.float32))


def _by_tangent(cloud: SplatCloud, curve: Callable[[np.ndarray], np.ndarray]) -> SplatCloud:
    """Each splat's mean colour through ``curve`` (n 3) → (n 3), its other harmonics through the slope at the mean."""
    mean = np.maximum(cloud.sh[:, 0].astype(np.float64) * SH_0 + SH_OFFSET, 0.0)
    sh = np.empty(cloud.sh.shape)
    sh[:, 0] = (curve(mean) - SH_OFFSET) / SH_0
    if cloud.sh_degree:
        rest = cloud.sh[:, 1:].astype(np.float64)
        sh[:, 1:] = 0.0
        for channel in range(3):
            step = np.zeros(3)
            step[channel] = _STEP
            slope = (curve(mean + step) - curve(np.maximum(mean - step, 0.0))) / (
                _STEP + np.minimum(mean[:, channel : channel + 1], _STEP)
            )
            sh[:, 1:] += rest[:, :, channel : channel + 1] * slope[:, None, :]
    return replace(cloud, sh=np.ascontiguousarray(sh, dtype=np.float32))


def _encoded(colours: np.ndarray, own: ColourEncoding, wanted: ColourEncoding) -> np.ndarray:
    if own == wanted:
        return colours
    return srgb_encode(colours) if wanted == "srgb" else srgb_decode(colours)
