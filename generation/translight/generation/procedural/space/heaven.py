"""The sky over airless ground: black, with stars, a planet (planet_kernel.py) and a moon; the sun as hard as it is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.noise import start_of
from translight.generation.brief.brief import Brief
from translight.generation.procedural.scene import Sky
from translight.generation.procedural.skies import direction_of
from translight.generation.procedural.sky.stars import add_stars
from translight.generation.procedural.sky.white import SUN_K, balance, white
from translight.generation.procedural.space.planet_kernel import planet

_STAR_GAIN = 1.5e6
"""Times that stars are brighter here than beside sunlit ground."""
_BANDS = (
    ((0.46, 0.30, 0.18), (0.82, 0.70, 0.52), (0.62, 0.48, 0.38), (0.85, 0.72, 0.55), (0.78, 0.70, 0.60)),
    ((0.20, 0.34, 0.52), (0.58, 0.72, 0.80), (0.34, 0.46, 0.66), (0.45, 0.65, 1.00), (0.70, 0.72, 0.76)),
    ((0.38, 0.22, 0.20), (0.80, 0.60, 0.48), (0.70, 0.66, 0.60), (0.95, 0.62, 0.45), (0.74, 0.66, 0.58)),
)
"""Colours of banded giants: dark and light bands, a third among them, the limb's air, the rings."""
_SEAS = ((0.015, 0.045, 0.10), (0.10, 0.13, 0.05), (0.34, 0.26, 0.16), (0.35, 0.60, 1.00), (0.7, 0.7, 0.7))
"""A world of seas: sea, lowland, highland, its air."""
_BARE = ((0.10, 0.095, 0.09), (0.26, 0.25, 0.24), (0.17, 0.16, 0.15), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def sky(brief: Brief, seed: int, height_px: int) -> Sky:
    """Stars all round, a planet before the camera, a small moon beside it. A white that faces the sun is 1.

    Stars are far brighter than beside sunlit ground, as pictures of space show them and no camera does.
    """
    rng = np.random.default_rng([seed, 21])
    picture = np.zeros((height_px, 2 * height_px, 3), np.float32)
    sun = direction_of(brief.light.sun_azimuth_deg, brief.light.sun_elevation_deg)
    add_stars(picture, height_px, seed, np.full(3, _STAR_GAIN))
    colours: tuple[tuple[float, float, float], ...] = _BANDS[int(rng.integers(len(_BANDS)))]
    kind = int(rng.uniform() < 0.35)
    if kind:
        colours = _SEAS
    size = rng.uniform(11.0, 15.5)
    away, height = rng.uniform(-30.0, 30.0, 12), rng.uniform(14.0, 22.0)
    # about a quarter of the circle from the sun the terminator is seen, and no light falls on it from behind
    apart = np.array([sun @ direction_of(azimuth, height) for azimuth in away])
    away = away[np.argmin(np.abs(apart + 0.15))]
    towards = direction_of(away, height)
    axis = _tilted(towards, sun, rng)
    light = white(SUN_K)
    _add(picture, towards, np.radians(size), axis, sun, kind, colours, seed, not kind or rng.uniform() < 0.4, light)
    side = direction_of(away + rng.choice([-1.0, 1.0]) * rng.uniform(24.0, 38.0), rng.uniform(12.0, 38.0))
    _add(picture, side, np.radians(rng.uniform(0.9, 1.8)), axis, sun, 0, _BARE, seed + 9, False, light)
    matrix = balance(brief.light.colour_temperature_k)
    picture[:] = np.maximum(picture @ matrix.T.astype(np.float32), 0.0)
    shines = 1.0 if sun[2] > -0.005 else 0.0
    return Sky(picture, sun, np.maximum(matrix @ light, 0.0) * np.pi * shines)


def _tilted(
    towards: Float64[np.ndarray, "3"], sun: Float64[np.ndarray, "3"], rng: np.random.Generator
) -> Float64[np.ndarray, "3"]:
    """A planet's axis that opens its rings to the eye by 8 to 20 degrees, and to the sun."""
    right = np.cross(towards, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, towards)
    roll, opened = rng.uniform(-0.45, 0.45), rng.uniform(0.14, 0.32)
    axis = np.cos(opened) * (np.cos(roll) * up + np.sin(roll) * right) - np.sin(opened) * towards
    return np.asarray(axis if axis @ sun > 0 or rng.uniform() < 0.3 else axis - 2 * (axis @ towards) * towards)


def _add(
    picture: Float32[np.ndarray, "h w 3"],
    towards: Float64[np.ndarray, "3"],
    radius_rad: float,
    axis: Float64[np.ndarray, "3"],
    sun: Float64[np.ndarray, "3"],
    kind: int,
    colours: tuple[tuple[float, float, float], ...],
    seed: int,
    rings: bool,
    light: Float64[np.ndarray, "3"],
) -> None:
    """Draw one within the rows and columns that it can reach; none stands so high that it reaches overhead."""
    height = picture.shape[0]
    reach = float(np.arcsin(min(2.4 * np.sin(radius_rad), 0.95))) if rings else 1.15 * radius_rad
    elevation, azimuth = float(np.arcsin(towards[2])), float(np.arctan2(towards[0], towards[1]))
    texel = np.pi / height
    first = max(int((0.5 * np.pi - elevation - reach) / texel), 0)
    last = min(int((0.5 * np.pi - elevation + reach) / texel) + 1, height)
    half = float(np.arcsin(min(np.sin(reach) / np.cos(elevation), 1.0)))
    begin = int((azimuth - half + np.pi) / texel)
    count = min(int(2 * half / texel) + 2, 2 * height)
    fine = 2 if height >= 2048 else 3
    centre = towards / np.sin(radius_rad)
    planet(
        picture,
        first,
        last,
        begin,
        count,
        centre,
        axis,
        sun,
        kind,
        np.array(colours),
        start_of(seed),
        rings,
        light,
        fine,
    )
