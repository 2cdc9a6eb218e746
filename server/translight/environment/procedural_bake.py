"""The procedural scene's colours: shapes, paint and light become a Gaussian cloud and the sky behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from translight.colour.transfer import srgb_encode
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import quaternions_turned
from translight.environment import procedural_light as light
from translight.environment import procedural_terrain as terrain
from translight.environment.procedural_plants import Strokes
from translight.environment.procedural_sky import Sky
from translight.environment.surfels import Surface, Surfels, gaussians, quaternions
from translight.splats.cloud import SplatCloud
from translight.splats.raw import SH_C0

_OVERLAP = 0.60
"""σ over a cell's width: less leaves gaps, more blurs."""
_OPACITY = 0.99
_GAIN = 2.3
"""Land and stone are shown brighter than the sky, as behind a graduated filter."""
_GRAIN = 0.10
"""Cells differ in tone by this, as grains and chips too small to model do."""
_SKYLIGHT = 0.58


def baked(
    surfels: Surfels,
    unseen: Surfels,
    surfaces: list[Surface],
    plants: Strokes,
    sky: Sky,
    eye: np.ndarray,
    rng: np.random.Generator,
    seed: int,
) -> tuple[SplatCloud, np.ndarray]:
    """Albedo, light and air into colours; cells and strokes into one cloud in scene axes; the sky with its floor."""
    albedo = np.empty((len(surfels), 3))
    for i, surface in enumerate(surfaces):
        own = surfels.surface == i
        albedo[own] = surface.paint(surfels.point[own], surfels.normal[own])
    albedo *= rng.normal(1.0, _GRAIN, (len(surfels), 1)).clip(0.5, 1.5)
    land, hidden_land = surfels.surface == 0, unseen.surface == 0
    normal = surfels.normal.copy()
    normal[land] = terrain.rippled(surfels.point[land], normal[land], seed)

    casters = np.concatenate([surfels.point[~land], unseen.point[~hidden_land], plants.centre])
    radii = [_radius(surfels)[~land], _radius(unseen)[~hidden_land], np.full(len(plants), 0.03)]
    bake = _Bake(
        sky,
        light.sky_light(sky),
        light.cast_shadows(casters, np.concatenate(radii), sky.sun_direction),
        light.shelters(surfels.point[~land]),
    )
    colour = bake.surface(surfels.point, surfels.normal, normal, albedo)
    point = np.concatenate([surfels.point, plants.centre])
    colour = light.hazy(np.concatenate([colour, bake.leaves(plants)]), point, eye, sky)
    scales, wxyz = gaussians(surfels, _OVERLAP)
    stroke_scales, stroke_wxyz = _stroke_gaussians(plants)
    cloud = SplatCloud(
        np.ascontiguousarray(STAGE_FROM_RDF.inverse().apply(point), dtype=np.float32),
        np.concatenate([scales, stroke_scales]).astype(np.float32),
        _rdf(np.concatenate([wxyz, stroke_wxyz])),
        np.concatenate([np.full(len(surfels), _OPACITY), np.full(len(plants), 0.95)]).astype(np.float32),
        ((srgb_encode(colour) - 0.5) / SH_C0).astype(np.float32)[:, None, :].copy(),
    )
    return cloud, _with_floor(bake, eye, seed)


@dataclass(frozen=True, slots=True, eq=False)
class _Bake:
    """The scene's light, as everything in it receives it."""

    sky: Sky
    ambient: np.ndarray
    shadows: light.ShadowMap
    shelter: light.Shelter

    def surface(self, point: np.ndarray, flat: np.ndarray, normal: np.ndarray, albedo: np.ndarray) -> np.ndarray:
        """Radiance of matt surfaces; ``flat`` is the shape's normal, ``normal`` the shaded one."""
        sun = np.maximum(normal @ self.sky.sun_direction, 0.0) * light.sunlit(self.shadows, point + 0.08 * flat)
        around = light.irradiance(self.ambient, normal) * light.openness(self.shelter, point, flat)[:, None]
        return _GAIN / np.pi * albedo * (self.sky.sun * sun[:, None] + _SKYLIGHT * around)

    def leaves(self, plants: Strokes) -> np.ndarray:
        """Radiance of leaves, which shine through about as well as they reflect."""
        lit = light.sunlit(self.shadows, plants.centre + 0.1 * self.sky.sun_direction)
        sun = (0.25 + 0.5 * np.abs(plants.facing @ self.sky.sun_direction)) * lit
        up = np.broadcast_to([0.0, 0.0, 1.0], plants.centre.shape)
        around = 0.6 * light.irradiance(self.ambient, up[:1]) * light.openness(self.shelter, plants.centre, up)[:, None]
        return _GAIN / np.pi * plants.albedo * (self.sky.sun * sun[:, None] + around)


def _with_floor(bake: _Bake, eye: np.ndarray, seed: int) -> np.ndarray:
    """The sky's picture with the land going on below the horizon, as ``eye`` sees it where no splats are."""
    picture = bake.sky.picture.copy()
    height, width = picture.shape[:2]
    elevation = (0.5 - (np.arange(height // 2, height) + 0.5) / height) * np.pi
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    reach = np.minimum(eye[2] / np.tan(-elevation), terrain.FARTHEST_M)[:, None]
    x, y = reach * np.sin(azimuth), reach * np.cos(azimuth) + eye[1]
    point = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    up = np.broadcast_to([0.0, 0.0, 1.0], point.shape)
    albedo = terrain.ground_colour(point, seed)
    colour = bake.surface(point, up, terrain.rippled(point, up, seed), albedo)
    picture[height // 2 :] = light.hazy(colour, point, eye, bake.sky).reshape(-1, width, 3)
    return picture


def _radius(surfels: Surfels) -> np.ndarray:
    """Half the width of each cell, metres."""
    return 0.5 * np.sqrt(np.linalg.norm(np.cross(surfels.span_u, surfels.span_v), axis=1))


def _stroke_gaussians(plants: Strokes) -> tuple[np.ndarray, np.ndarray]:
    half = np.linalg.norm(plants.along, axis=1)
    first = plants.along / half[:, None]
    third = plants.facing - first * np.einsum("ij,ij->i", plants.facing, first)[:, None]
    third /= np.maximum(np.linalg.norm(third, axis=1, keepdims=True), 1e-9)
    scales = np.column_stack([0.5 * half, 0.5 * plants.width_m, 0.12 * plants.width_m])
    return scales, quaternions(np.stack([first, np.cross(third, first), third], axis=2))


def _rdf(wxyz: np.ndarray) -> np.ndarray:
    """Stage orientations in scene axes: multiplied from the left by a quarter turn."""
    turned = quaternions_turned(STAGE_FROM_RDF.inverse().wxyz, wxyz)
    return np.ascontiguousarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), dtype=np.float32)
