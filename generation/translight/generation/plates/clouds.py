"""Clouds that drift over a part of an environment's sky, as a film for loop.py; procedural/drift.py draws them.

Clouds at their heights cross a few texels a second, so they are drawn a few times a second, and what lies between is
mixed of two neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float32

from translight.core.errors import GenerationError
from translight.environment.plate import Area
from translight.generation.brief.brief import Brief
from translight.generation.plates.window import Window, directions, smooth, soft_edge
from translight.generation.procedural.drift import drifting_sky
from translight.generation.procedural.skies import direction_of

KEYS_PER_S = 6
"""Pictures that are drawn of a second of the drift."""
_SUN_DEG, _SUN_FADE_DEG = 1.5, 2.0
"""Around the sun the still sky stays, whose disc the clouds' film does not have."""


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """``key(i)`` is the drift after i / KEYS_PER_S seconds of film; ``cover`` how much of the sky the plate covers."""

    key: Callable[[int], Float32[np.ndarray, "h w 3"]]
    cover: Float32[np.ndarray, "h w"]
    gain: tuple[float, float, float]
    """That makes its first picture as bright as the still sky, in each colour."""


def clouds(
    brief: Brief, seed: int, still: Float32[np.ndarray, "h w 3"], window: Window, *, speed: float = 1.0
) -> tuple[Area, Clouds]:
    """The clouds of a brief over its still sky, ``speed`` times as fast as the wind drives them.

    Raises GenerationError where the window reaches below the horizon, or there are no clouds that move.
    """
    if window.low_deg < 0:
        raise GenerationError(f"clouds are above the horizon: the window begins at {window.low_deg:g}°")
    height = still.shape[0]
    area = window.area(height)
    columns = area.columns(2 * height)
    at = drifting_sky(brief, seed, height, area.rows, columns)
    first = at(0.0)
    shown = still[area.rows][:, columns]
    gain = np.median((shown + 1e-9) / (first + 1e-9), axis=(0, 1)).astype(np.float32)
    cover = soft_edge(area, height) * _beside_the_sun(brief, area, height)
    red, green, blue = (float(value) for value in gain)

    def key(number: int) -> Float32[np.ndarray, "h w 3"]:
        return np.asarray(at(number * speed / KEYS_PER_S) * gain, np.float32)

    return area, Clouds(key, cover, (red, green, blue))


def between_keys(keys: list[np.ndarray], rate: Fraction) -> Callable[[int], Float32[np.ndarray, "h w 3"]]:
    """The film's frame by its number, at ``rate``, mixed of the two keys around its time."""

    def frame(number: int) -> Float32[np.ndarray, "h w 3"]:
        at = number * KEYS_PER_S / rate
        first = min(int(at), len(keys) - 1)
        share = np.float32(at - first)
        one, other = (np.asarray(keys[min(k, len(keys) - 1)], np.float32) for k in (first, first + 1))
        return one + share * (other - one)

    return frame


def keys_for(frames: int, rate: Fraction) -> int:
    """How many keys a film of so many frames is mixed of."""
    return int(-(-(frames - 1) * KEYS_PER_S // rate)) + 1


def _beside_the_sun(brief: Brief, area: Area, height: int) -> Float32[np.ndarray, "h w"]:
    sun = direction_of(brief.light.sun_azimuth_deg, brief.light.sun_elevation_deg)
    away = np.degrees(np.arccos(np.clip(directions(area, height) @ sun, -1, 1)))
    return smooth((away - _SUN_DEG) / _SUN_FADE_DEG).astype(np.float32)
