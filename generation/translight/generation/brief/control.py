"""Maps of the block-out in panorama for ControlNets: distance, depth and edges, around the camera's eye.

Exact: one ray a pixel against blockout.py's boxes and the floor, a disc at z = 0 as wide as the stage is deep. Only
what the picture shall show is drawn: an actor or hero who stands on the stage would else be painted on the wall too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from translight.generation.brief.blockout import NO_FACE, boxes, in_picture
from translight.generation.brief.brief import Block, Brief
from translight.generation.brief.parameters import Control
from translight.generation.panorama import directions

_NOTHING, _FLOOR, _FIRST = 0, 1, 2
"""Ids of surfaces: every face of every box has one of its own."""
_FACES = 6
_ROWS = 64
"""Rows of rays that are in memory at a time."""


def control(brief: Brief, height_px: int, *, depth_weight: float, edges_weight: float, floor: bool = True) -> Control:
    """Maps of 2·height by height pixels. ``floor`` False: there is no ground, as in space."""
    shown = [block for block in brief.blocking if in_picture(block)]
    radius = brief.stage.depth_m if floor else 0.0
    distance, surface = surfaces(shown, brief.lens.height_m, radius, height_px)
    return Control(distance, depth_picture(distance), edge_picture(distance, surface), depth_weight, edges_weight)


def surfaces(
    blocks: Sequence[Block], eye_height_m: float, floor_radius_m: float, height_px: int
) -> tuple[Float32[np.ndarray, "h w"], Int32[np.ndarray, "h w"]]:
    """Distance along each ray from (0, 0, eye height), infinite where it meets nothing, and the surface's id."""
    eye = np.array([0.0, 0.0, eye_height_m])
    distance = np.full((height_px, 2 * height_px), np.inf, np.float32)
    surface = np.full((height_px, 2 * height_px), _NOTHING, np.int32)
    solid = boxes(blocks)
    for top in range(0, height_px, _ROWS):
        rows = slice(top, min(top + _ROWS, height_px))
        rays = directions(height_px, rows).astype(np.float64)
        nearest, where = distance[rows], surface[rows]
        down = np.minimum(rays[..., 2], -1e-12)
        floor = -eye_height_m / down
        reached = (rays[..., 2] < 0) & (floor * np.hypot(rays[..., 0], rays[..., 1]) <= floor_radius_m)
        nearest[reached], where[reached] = floor[reached], _FLOOR
        for i, one in enumerate(solid):
            near = one.near(eye, rays)
            met, face = one.meet(eye, rays[near])
            closer = (face != NO_FACE) & (met < nearest[near])
            nearest[near] = np.where(closer, met, nearest[near])
            where[near] = np.where(closer, _FIRST + _FACES * i + face.astype(np.int32), where[near])
    return distance, surface


def depth_picture(distance_m: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Inverse distance: 255 at the nearest thing within 45° of the horizon and whatever is nearer, 0 at infinity.

    As MiDaS's pictures, on which depth ControlNets are trained, without their offset. The nearest is sought only where
    a film camera looks: else the floor under the eye would take all the brightness.
    """
    height = distance_m.shape[0]
    seen = distance_m[height // 4 : height - height // 4]
    near = float(seen.min()) if seen.size and np.isfinite(seen).any() else 1.0
    return np.round(255 * np.minimum(near / distance_m, 1.0)).astype(np.uint8)


def edge_picture(distance_m: Float32[np.ndarray, "h w"], surface: Int32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """White where the surface changes to the right or below, around the seam too: on the nearer one's own pixel."""
    edge = np.zeros(surface.shape, bool)
    differs = surface != np.roll(surface, -1, axis=1)
    nearer = distance_m <= np.roll(distance_m, -1, axis=1)
    edge |= differs & nearer
    edge |= np.roll(differs & ~nearer, 1, axis=1)
    differs, nearer = surface[:-1] != surface[1:], distance_m[:-1] <= distance_m[1:]
    edge[:-1] |= differs & nearer
    edge[1:] |= differs & ~nearer
    return np.where(edge, np.uint8(255), np.uint8(0))
