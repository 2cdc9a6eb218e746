"""The block-out as geometry: boxes that stand on the stage, and where rays meet them; control.py draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from translight.generation.brief.brief import Block

NO_FACE = 255
"""Of a ray that meets no box."""


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A block in stage axes, turned about Z by ``turn_rad`` from +Y to the right."""

    centre_m: Float64[np.ndarray, "3"]
    half_m: Float64[np.ndarray, "3"]
    turn_rad: float

    def box_from_stage(self, vectors: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """Vectors (not points) along the box's own width, depth and height."""
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0)
        return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)

    def holds(self, point_m: Sequence[float]) -> bool:
        """Whether a point lies within or on it."""
        inside = np.abs(self.box_from_stage(np.asarray(point_m, np.float64) - self.centre_m)) <= self.half_m
        return bool(inside.all())

    def overlaps(self, centre_m: Sequence[float], half_m: Sequence[float]) -> bool:
        """Whether it shares room with an upright box along the stage's axes (separating axes, Gottschalk 1996)."""
        away = self.centre_m - np.asarray(centre_m)
        if abs(away[2]) >= self.half_m[2] + half_m[2]:
            return False
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        own = np.array([[cos, -sin], [sin, cos]])
        for axis in (*own, *np.eye(2)):
            spans = np.abs(own @ axis) @ self.half_m[:2] + np.abs(axis) @ np.asarray(half_m[:2])
            if abs(away[:2] @ axis) >= spans:
                return False
        return True

    def foot_m(self) -> Float64[np.ndarray, "4 2"]:
        """Corners of its foot, seen from above, clockwise from front left (from +Y, −X)."""
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        x, y = (np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * self.half_m[:2]).T
        return np.stack([cos * x + sin * y, cos * y - sin * x], axis=-1) + self.centre_m[:2]

    def near(self, eye_m: Float[np.ndarray, "3"], directions: Float[np.ndarray, "*n 3"]) -> Bool[np.ndarray, "*n"]:
        """Whether unit directions go through the ball around it: the others need no closer look."""
        to_centre = self.centre_m - eye_m
        beyond = float(to_centre @ to_centre - self.half_m @ self.half_m)
        if beyond <= 0:
            return np.ones(directions.shape[:-1], bool)
        # the tangent's cosine times the distance, with room for directions that were rounded to float32
        return directions @ to_centre >= math.sqrt(beyond) - 1e-6 * np.linalg.norm(to_centre)

    def meet(
        self, eye_m: Float[np.ndarray, "*#n 3"], directions: Float[np.ndarray, "*n 3"]
    ) -> tuple[Float64[np.ndarray, "*n"], UInt8[np.ndarray, "*n"]]:
        """Where rays from outside enter it, in lengths of their directions, and by which face.

        Slabs (Kay and Kajiya, "Ray Tracing Complex Scenes", 1986). Faces are 0 and 1 for the lower and upper of the
        box's width, 2 and 3 of its depth, 4 and 5 of its height. A miss is infinite and NO_FACE.
        """
        origin = self.box_from_stage(np.asarray(eye_m, np.float64) - self.centre_m)
        along = self.box_from_stage(directions)
        along = np.where(np.abs(along) < 1e-12, 1e-12, along)  # a ray within a slab's plane never leaves it
        lower, upper = (-self.half_m - origin) / along, (self.half_m - origin) / along
        enter, leave = np.minimum(lower, upper), np.maximum(lower, upper)
        axis = enter.argmax(axis=-1)
        first = np.take_along_axis(enter, axis[..., None], axis=-1)[..., 0]
        forward = np.take_along_axis(along, axis[..., None], axis=-1)[..., 0] > 0
        hit = (first <= leave.min(axis=-1)) & (first > 0)
        face = np.where(hit, 2 * axis + ~forward, NO_FACE).astype(np.uint8)
        return np.where(hit, first, np.inf), face


def box(block: Block) -> Box:
    """The box of one block."""
    x, y, *z = block.position_m
    half = np.array(block.size_m, np.float64) / 2
    return Box(np.array([x, y, (z[0] if z else 0.0) + half[2]]), half, math.radians(block.turn_deg))


def boxes(blocks: Sequence[Block]) -> tuple[Box, ...]:
    """The boxes of blocks, in their order."""
    return tuple(box(block) for block in blocks)


def in_picture(block: Block) -> bool:
    """Whether the picture shows it; else it stands on the stage before the wall, and its room is kept free."""
    return block.kind in ("wall", "floor") or block.in_picture
