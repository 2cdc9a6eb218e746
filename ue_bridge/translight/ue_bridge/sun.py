"""The sun of an environment's sky, for a directional light in Unreal; the sky is ``environment.Environment``'s.

It is the brightest place of the picture's upper half, if it stands out, and what it sends beyond the sky around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Rec.709."""
_DISC_RAD = np.radians(3.0)
"""What belongs to the sun: its disc, the glow around it, and a telephone's smear of both."""
_RING_RAD = np.radians(6.0)
"""Sky up to here says what would be there without it."""
_PASSES = 3
"""The brightest texel may lie at the disc's rim, where a clipped disc is as bright as in its middle."""
_STANDS_OUT = 3.0
"""The peak over the median of the upper half; an overcast sky has no sun."""


@dataclass(frozen=True, slots=True, eq=False)
class Sun:
    """``direction`` (3) towards it, unit, stage axes; ``colour`` (3) linear Rec.709, the largest 1; ``illuminance``
    on a surface that faces it, in the sky's units times steradians: its luminance, integrated."""

    direction: Float64[np.ndarray, "3"]
    colour: Float64[np.ndarray, "3"]
    illuminance: float


def find_sun(sky: Float[np.ndarray, "h w 3"]) -> Sun | None:
    """The sun of an equirectangular picture (middle column stage +Y, right is right, top is up), or None."""
    height, width = sky.shape[:2]
    upper = np.maximum(np.nan_to_num(sky[: (height + 1) // 2].astype(np.float64)), 0.0)
    luminance = upper @ _LUMINANCE
    elevation = (0.5 - (np.arange(len(upper)) + 0.5) / height) * np.pi
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2.0 * np.pi
    directions = np.empty((*luminance.shape, 3))
    directions[..., 0] = np.cos(elevation)[:, None] * np.sin(azimuth)
    directions[..., 1] = np.cos(elevation)[:, None] * np.cos(azimuth)
    directions[..., 2] = np.sin(elevation)[:, None]
    peak = np.unravel_index(int(np.argmax(luminance)), luminance.shape)
    if luminance[peak] <= _STANDS_OUT * max(float(np.median(luminance)), 1e-9):
        return None
    # Rows near the zenith are narrower
    solid_angle = np.broadcast_to(np.cos(elevation)[:, None], luminance.shape) * (np.pi / height) * (2 * np.pi / width)
    direction = directions[peak]
    for _ in range(_PASSES):
        towards = directions @ direction
        disc = towards >= np.cos(_DISC_RAD)
        ring = (towards >= np.cos(_RING_RAD)) & ~disc
        around = np.median(upper[ring], axis=0) if ring.any() else np.zeros(3)
        beyond = np.maximum(upper[disc] - around, 0.0) * solid_angle[disc][:, None]
        received = beyond.sum(axis=0)
        if not received.max() > 0.0:
            return None
        centre = (beyond @ _LUMINANCE) @ directions[disc]
        direction = centre / np.linalg.norm(centre)
    return Sun(direction, received / received.max(), float(received @ _LUMINANCE))
