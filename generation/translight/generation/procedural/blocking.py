"""The brief's block-out in a procedural place: ground that stays free, and boxes that become part of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64

from translight.generation.brief.blockout import box, in_picture
from translight.generation.brief.brief import Block, Brief
from translight.generation.procedural import shapes
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import merged, moved

_KEPT_FREE = ("actor", "hero")
_LEVEL_M = 0.12


def clearance_m(brief: Brief, xy: Float[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n"]:
    """Metres from points of the floor to the nearest ground that must stay free; 0 within it.

    Free are the footprints of actors and hero objects who stand on the stage, and the ground below the camera's reach.
    """
    points = np.asarray(xy, np.float64)
    reach = brief.stage.reach_m
    nearest = _outside_m(points, 0.5 * reach[0], 0.5 * reach[1])
    for block in brief.blocking:
        if not in_picture(block):
            own = box(block)
            away = np.column_stack([points - own.centre_m[:2], np.zeros(len(points))])
            nearest = np.minimum(nearest, _outside_m(own.box_from_stage(away)[:, :2], own.half_m[0], own.half_m[1]))
    return nearest


def masses(brief: Brief, material: int) -> Mesh | None:
    """Boxes of kind wall and floor as one mesh, for the family to show in a fitting material; None without any.

    Floors that are the ground are left out.
    """
    blocks = [block for block in brief.blocking if block.kind not in _KEPT_FREE and not is_ground(block)]
    if not blocks:
        return None
    return merged([_mass(block, material) for block in blocks])


def is_ground(block: Block) -> bool:
    """Whether it is a floor whose top is level with the stage's: the family's own ground lies there."""
    own = box(block)
    return block.kind == "floor" and abs(float(own.centre_m[2] + own.half_m[2])) < _LEVEL_M


def needs_room(block: Block) -> bool:
    """Whether a place grows around it: neither the ground itself nor a figure that the picture shows far off."""
    return (block.kind in ("wall", "floor") and not is_ground(block)) or not in_picture(block)


def _mass(block: Block, material: int) -> Mesh:
    own = box(block)
    foot_m = own.centre_m - (0.0, 0.0, own.half_m[2])
    return moved(shapes.box(block.size_m, material), foot_m, own.turn_rad)


def _outside_m(points: Float64[np.ndarray, "n 2"], half_x: float, half_y: float) -> Float64[np.ndarray, "n"]:
    """Distance to a rectangle about the origin; 0 within it."""
    over = np.maximum(np.abs(points) - [half_x, half_y], 0.0)
    return np.hypot(over[:, 0], over[:, 1])
