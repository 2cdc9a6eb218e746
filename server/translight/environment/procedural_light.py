"""Light for the procedural scene, baked from its sky: sun, shadows, the sky's own light, shelter and haze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.procedural_sky import Sky

_TEXEL_M = 0.06
_SHADOW_HALF_WIDTH_M = 75.0
_SHADOW_DEPTH_M = 150.0
_SHADOW_HEIGHT_M = 16.0
_BIAS_M = 0.35
_FOOTPRINTS = (0, 1, 2, 4, 7)
_SHELTER_CELL_M = 0.3
_SHELTER_HALF_WIDTH_M = 40.0
_SHELTER_TOP_M = 2.6
_DIRECTIONS = 7
_REACHES_M = (0.35, 0.95, 2.6)
_DUST_TINT = np.array([1.0, 0.87, 0.97])
_CLEAR_M = 22.0
_HAZE_M = np.array([440.0, 360.0, 280.0])
"""Distance over which red, green and blue fall to 1/e."""
_COSINE_LOBE = np.pi, 2 * np.pi / 3, np.pi / 4


@dataclass(frozen=True, slots=True, eq=False)
class ShadowMap:
    """How near to the sun the nearest caster is, on a grid across the sun's direction."""

    axes: Float64[np.ndarray, "3 3"]
    nearest: Float32[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, eq=False)
class Shelter:
    """Tops of what stands on the ground, on a grid of the plan."""

    top: Float32[np.ndarray, "h w"]


def sky_light(sky: Sky) -> Float64[np.ndarray, "9 3"]:
    """Irradiance of the whole picture without the sun's disc, as nine spherical harmonics.

    Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps" (2001).
    """
    rows = sky.picture.shape[0] // 32
    small = np.minimum(sky.picture, 4.0).reshape(32, rows, 64, rows, 3).mean(axis=(1, 3))
    elevation = (0.5 - (np.arange(32) + 0.5) / 32) * np.pi
    azimuth = ((np.arange(64) + 0.5) / 64 - 0.5) * 2 * np.pi
    e, a = np.meshgrid(elevation, azimuth, indexing="ij")
    directions = np.stack([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)], axis=-1)
    solid = np.cos(e) * (np.pi / 32) * (2 * np.pi / 64)
    coefficients = np.einsum("hwk,hwc,hw->kc", _harmonics(directions), small, solid)
    bands = np.repeat(_COSINE_LOBE, (1, 3, 5))
    return coefficients * bands[:, None]


def irradiance(light: Float64[np.ndarray, "9 3"], normals: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    """The sky's irradiance on surfaces of these normals."""
    return np.maximum(_harmonics(normals) @ light, 0.0)


def cast_shadows(
    points: Float64[np.ndarray, "n 3"], radii_m: Float64[np.ndarray, "n"], sun_direction: Float64[np.ndarray, "3"]
) -> ShadowMap:
    """The map of discs of ``radii_m`` at ``points``."""
    right = np.cross(sun_direction, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, sun_direction), sun_direction])
    width = int(2 * _SHADOW_HALF_WIDTH_M / _TEXEL_M)
    height = int((_SHADOW_HEIGHT_M + _SHADOW_DEPTH_M * sun_direction[2]) / _TEXEL_M)
    nearest = np.full((height, width), -1e9, np.float32)
    column, row, depth = _shadow_coordinates(axes, points)
    flat = nearest.reshape(-1)
    wanted = radii_m / _TEXEL_M
    for low, high in zip(_FOOTPRINTS, (*_FOOTPRINTS[1:], None), strict=True):
        chosen = (wanted >= low) & ((wanted < high) if high is not None else True)
        chosen &= (column > 8) & (column < width - 9) & (row > 8) & (row < height - 9)
        at = row[chosen].astype(np.int64) * width + column[chosen].astype(np.int64)
        for dy in range(-low, low + 1):
            for dx in range(-low, low + 1):
                if dx * dx + dy * dy <= low * low + 0.5:
                    np.maximum.at(flat, at + dy * width + dx, depth[chosen])
    return ShadowMap(axes, nearest)


def sunlit(shadows: ShadowMap, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """Share of the sun that reaches each point, softened over a few texels."""
    column, row, depth = _shadow_coordinates(shadows.axes, points)
    height, width = shadows.nearest.shape
    lit = np.zeros(len(points))
    taps = [(dx, dy) for dy in (-1.6, 0.0, 1.6) for dx in (-1.6, 0.0, 1.6)]
    for dx, dy in taps:
        c, r = (column + dx).astype(np.int64), (row + dy).astype(np.int64)
        inside = (c >= 0) & (c < width) & (r >= 0) & (r < height)
        nearest = shadows.nearest[np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)]
        lit += ~inside | (nearest < depth + _BIAS_M)
    return lit / len(taps)


def shelters(points: Float64[np.ndarray, "n 3"]) -> Shelter:
    """The plan's tops of what stands at ``points``, up to where arches begin to hang over free ground."""
    cells = int(2 * _SHELTER_HALF_WIDTH_M / _SHELTER_CELL_M)
    top = np.zeros((2 * cells, cells), np.float32)
    row, column, inside = _plan(points, top.shape)
    inside &= points[:, 2] < _SHELTER_TOP_M
    np.maximum.at(top, (row[inside], column[inside]), points[inside, 2].astype(np.float32))
    return Shelter(top)


def openness(
    shelter: Shelter, points: Float64[np.ndarray, "n 3"], normals: Float64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "n"]:
    """Share of the sky that surfaces see past what stands around them: horizons in a few directions, at few steps."""
    turns = (np.arange(_DIRECTIONS) + 0.25) * (2 * np.pi / _DIRECTIONS)
    hidden, weights = np.zeros(len(points)), np.full(len(points), 1e-6)
    raised = points + 0.1 * normals
    for turn in turns:
        heading = np.array([np.cos(turn), np.sin(turn), 0.0])
        horizon = np.zeros(len(points))
        for reach in _REACHES_M:
            row, column, inside = _plan(raised + reach * heading, shelter.top.shape)
            rise = shelter.top[np.where(inside, row, 0), np.where(inside, column, 0)] - raised[:, 2]
            horizon = np.maximum(horizon, np.where(inside, rise, 0.0) / reach)
        weight = np.maximum(normals @ (heading + np.array([0.0, 0.0, 1.0])), 0.0)
        hidden += weight * horizon**2 / (1 + horizon**2)
        weights += weight
    return 1.0 - hidden / weights


def hazy(
    radiance: Float64[np.ndarray, "n 3"], points: Float64[np.ndarray, "n 3"], eye: Float64[np.ndarray, "3"], sky: Sky
) -> Float64[np.ndarray, "n 3"]:
    """Radiance seen from ``eye`` through the air between, which sends in the light of the horizon behind it."""
    sight = points - eye
    distance = np.linalg.norm(sight, axis=1)
    height, width = sky.clear.shape[:2]
    row = int(height * (0.5 - 2.2 / 180.0))
    column = ((np.arctan2(sight[:, 0], sight[:, 1]) / (2 * np.pi) + 0.5) * width).astype(np.int64) % width
    air = np.minimum(sky.clear[row, column], 1.1) * _DUST_TINT
    left = np.exp(-np.maximum(distance - _CLEAR_M, 0.0)[:, None] / _HAZE_M)
    return radiance * left + 0.82 * air * (1 - left)


def _shadow_coordinates(axes: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column, row and depth; the origin of rows lies where the ground ends farthest from the sun."""
    across, along, depth = axes @ points.T
    return (
        (across + _SHADOW_HALF_WIDTH_M) / _TEXEL_M,
        (along + _SHADOW_DEPTH_M * axes[2, 2]) / _TEXEL_M,
        depth.astype(np.float32),
    )


def _plan(points: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    column = np.floor((points[:, 0] + _SHELTER_HALF_WIDTH_M) / _SHELTER_CELL_M).astype(np.int64)
    row = np.floor((points[:, 1] + 4.0) / _SHELTER_CELL_M).astype(np.int64)
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    return row, column, inside


def _harmonics(directions: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(np.asarray(directions, dtype=np.float64), -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )
