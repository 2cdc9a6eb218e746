"""The brief's block-out in a procedural place: ground that stays free, and boxes that become part of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from translight.generation.brief.brief import Block, Brief
from translight.generation.procedural.scene import Mesh

_KEPT_FREE = ("actor", "hero")
_LEVEL_M = 0.12
_QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
_FACES = np.array([half for a, b, c, d in _QUADS for half in ((a, b, c), (a, c, d))], np.int32)
"""Of a box whose corner i has x, y and z from the bits 0, 1 and 2 of i; counter-clockwise from outside."""


def clearance_m(brief: Brief, xy: Float[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
    """Metres from points of the floor to the nearest ground that must stay free; 0 within it.

    Free are the footprints of actors and hero objects, and the ground below the camera's reach.
    """
    points = np.asarray(xy, np.float64)
    reach = brief.stage.reach_m
    nearest = _outside_m(points, 0.5 * reach[0], 0.5 * reach[1])
    for block in brief.blocking:
        if block.kind in _KEPT_FREE:
            right, forward = _axes(block)
            away = points - np.array(block.position_m[:2])
            local = np.stack([away @ right, away @ forward], axis=1)
            nearest = np.minimum(nearest, _outside_m(local, 0.5 * block.size_m[0], 0.5 * block.size_m[1]))
    return nearest


def masses(brief: Brief, material: int) -> Mesh | None:
    """Boxes of kind wall and floor as one mesh, for the family to show in a fitting material; None without any.

    A floor whose top is level with the stage's is left out: the family's own ground lies there.
    """
    boxes = [_corners(block) for block in brief.blocking if block.kind not in _KEPT_FREE and not _is_ground(block)]
    if not boxes:
        return None
    triangles = np.concatenate([_FACES + 8 * i for i in range(len(boxes))])
    return Mesh(
        vertices=np.concatenate(boxes).astype(np.float32),
        triangles=triangles,
        colour=np.ones((8 * len(boxes), 3), np.float32),
        material=np.full(len(triangles), material, np.uint16),
    )


def _is_ground(block: Block) -> bool:
    foot_m = block.position_m[2] if len(block.position_m) == 3 else 0.0
    return block.kind == "floor" and abs(foot_m + block.size_m[2]) < _LEVEL_M


def _axes(block: Block) -> tuple[Float64[np.ndarray, "2"], Float64[np.ndarray, "2"]]:
    """Where the box's own X and Y point on the floor."""
    turn = np.radians(block.turn_deg)
    return np.array([np.cos(turn), -np.sin(turn)]), np.array([np.sin(turn), np.cos(turn)])


def _corners(block: Block) -> Float64[np.ndarray, "8 3"]:
    right, forward = _axes(block)
    foot_m = block.position_m[2] if len(block.position_m) == 3 else 0.0
    bit = (np.arange(8)[:, None] >> np.arange(3)) & 1
    across, along, up = ((bit - [0.5, 0.5, 0.0]) * block.size_m).T
    xy = np.array(block.position_m[:2]) + across[:, None] * right + along[:, None] * forward
    return np.column_stack([xy, foot_m + up])


def _outside_m(points: Float64[np.ndarray, "n 2"], half_x: float, half_y: float) -> Float64[np.ndarray, "n"]:
    """Distance to a rectangle about the origin; 0 within it."""
    over = np.maximum(np.abs(points) - [half_x, half_y], 0.0)
    return np.hypot(over[:, 0], over[:, 1])
