"""The procedural scene's land: a plain at the stage's height, and dunes to the horizon."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from translight.environment.noise import fractal, noise, smoothstep
from translight.environment.surfels import Surface, grid

NEAREST_M = 3.0
"""The land begins this far beyond the stage's origin: before it is the stage's own floor."""
FARTHEST_M = 300.0
_AZIMUTH_RAD = 1.45
_CENTRE_Y = -4.0
_WIND = np.array([-0.35, 0.937])
_RIPPLES = (0.42, 0.17, 15.0), (1.9, 0.07, 60.0)
"""Length from crest to crest, steepness, and the distance over which they fade: metres but the second."""
_SAND = np.array([0.52, 0.405, 0.285])


def height(xy: Float[np.ndarray, "n 2"], seed: int) -> Float[np.ndarray, "n"]:
    """Metres above the stage floor at stage positions (n 2)."""
    p = np.asarray(xy, dtype=np.float64)
    x, y = p[:, 0], p[:, 1]
    away = np.hypot(x, y - _CENTRE_Y)
    metres = 0.10 * smoothstep(7.0, 20.0, away) * fractal(p / 6.0, seed + 11, 2)
    # the colonnade and the arcade stand on a flat strip between the dunes
    aside = smoothstep(9.0, 30.0, np.abs(x - 0.5) - 0.04 * y)
    share = smoothstep(14.0, 60.0, away) * np.maximum(aside, smoothstep(75.0, 130.0, y))
    some = share > 0.0
    metres[some] += share[some] * _dunes(p[some], seed)
    return metres


def land(seed: int, weight: Callable[[np.ndarray], np.ndarray]) -> Surface:
    """The ground from NEAREST_M to FARTHEST_M as one surface, v growing with the logarithm of the distance."""
    low, high = np.log(NEAREST_M - _CENTRE_Y), np.log(FARTHEST_M)

    def point(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        # near lines are straight along X, as the edge of the stage is; far ones are circles
        radius = np.exp(low + (high - low) * v)
        azimuth = u * _AZIMUTH_RAD
        straight = 1.0 / np.cos(azimuth)
        bend = np.exp(-3.5 * v)
        reach = radius * (straight * bend + 1.0 - bend)
        xy = np.stack([reach * np.sin(azimuth), _CENTRE_Y + reach * np.cos(azimuth)], axis=1)
        return np.column_stack([xy, height(xy, seed)])

    def paint(points: np.ndarray, _: np.ndarray) -> np.ndarray:
        return ground_colour(points, seed)

    return Surface(point, grid(0, (-1.0, 1.0), (0.0, 1.0), 48, 24), paint, weight)


def rippled(points: np.ndarray, normals: np.ndarray, seed: int) -> np.ndarray:
    """Normals of sand with wind ripples, which are too small for the surface itself; they fade with the distance."""
    p = points[:, :2]
    away = np.hypot(p[:, 0], p[:, 1] - _CENTRE_Y)
    flat = smoothstep(0.80, 0.97, normals[:, 2])
    bend = fractal(p / 2.6, seed + 21, 3)
    patchy = 0.6 + 0.4 * noise(p / 3.7, seed + 22)
    lean = np.zeros(len(p))
    for length, strength, reach in _RIPPLES:
        phase = (p @ _WIND) * (2 * np.pi / length) + 3.5 * np.pi * bend
        lean += strength * patchy * np.exp(-away / reach) * np.cos(phase)
    slow = 0.05 * fractal(p / 1.9, seed + 23, 3)
    sideways = 0.08 * fractal(p / 1.3, seed + 24, 3)
    turned = normals + np.column_stack(
        [
            flat * (_WIND[0] * (lean + slow) + _WIND[1] * sideways),
            flat * (_WIND[1] * (lean + slow) - _WIND[0] * sideways),
            np.zeros(len(p)),
        ]
    )
    return turned / np.linalg.norm(turned, axis=1, keepdims=True)


def _dunes(p: np.ndarray, seed: int) -> np.ndarray:
    """Crescent ridges across the wind: sharp crests, long windward sides."""
    warp = np.stack([fractal(p / 60.0, seed + 31, 2), fractal(p / 60.0, seed + 32, 2)], axis=1)
    q = p @ np.array([[0.90, 0.30], [-0.43, 0.95]]) / np.array([52.0, 30.0]) + 0.7 * warp
    crest = 1.0 - np.sqrt(noise(q, seed + 33) ** 2 + 0.002)
    small = 1.0 - np.sqrt(noise(q * 2.7, seed + 34) ** 2 + 0.01)
    near = np.exp(-np.hypot(p[:, 0], p[:, 1]) / 45.0)  # farther off, cells are longer than these are
    return 5.2 * crest**2 + 1.4 * near * small**2 - 1.6


def ground_colour(points: np.ndarray, seed: int) -> np.ndarray:
    """Albedo (n 3) of sand and gravel at stage points (n 3)."""
    p = points[:, :2]
    away = np.hypot(p[:, 0], p[:, 1] - _CENTRE_Y)
    tone = 1.0 + 0.16 * fractal(p / 2.3, seed + 51, 4) + 0.10 * fractal(p / 17.0, seed + 52, 2)
    sand = _SAND * tone[:, None]
    gravel = smoothstep(0.12, 0.45, fractal(p / 0.9, seed + 53, 3)) * np.exp(-away / 30.0)
    return sand * (1 - 0.28 * gravel)[:, None]
