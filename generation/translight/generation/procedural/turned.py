"""A place's own axes against the stage's, for families whose walls and roads are square to one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Brief
from translight.generation.procedural.blocking import needs_room
from translight.generation.procedural.scene import Placed


@dataclass(frozen=True, slots=True)
class Turned:
    """A place turned about the stage's Z, from +Y to the right, whose z = 0 lies at ``height_m`` of the stage."""

    turn_rad: float
    height_m: float = 0.0

    def place(self, stage_xy: np.ndarray) -> Float64[np.ndarray, "n 2"]:
        """Points (n 2) of the stage's floor, or directions, in the place's axes."""
        return np.asarray(np.asarray(stage_xy, np.float64) @ self._matrix()[:2, :2])

    def stage(self, place_xy: np.ndarray) -> Float64[np.ndarray, "n 2"]:
        """The inverse."""
        return np.asarray(np.asarray(place_xy, np.float64) @ self._matrix()[:2, :2].T)

    def copies(self, placed: Sequence[Placed]) -> list[Placed]:
        """What was placed in the place's axes, placed on the stage."""
        made = []
        for copies in placed:
            matrix = self._matrix() @ copies.stage_from_mesh
            matrix[:, 2, 3] += self.height_m
            made.append(replace(copies, stage_from_mesh=matrix))
        return made

    def kept_free(self, brief: Brief, margin_m: float) -> tuple[float, float, float, float]:
        """The place's rectangle (x0, y0, x1, y1) around the camera's reach and what needs room, and a margin."""
        x, y = 0.5 * brief.stage.reach_m[0], 0.5 * brief.stage.reach_m[1]
        reach = np.array([(-x, -y), (x, -y), (-x, y), (x, y)])
        x0, y0, x1, y1 = self.around([reach, *(box(block).foot_m() for block in brief.blocking if needs_room(block))])
        return x0 - margin_m, y0 - margin_m, x1 + margin_m, y1 + margin_m

    def around(self, stage_xy: Sequence[np.ndarray]) -> tuple[float, float, float, float]:
        """The place's rectangle (x0, y0, x1, y1) around points (n 2) of the stage's floor."""
        points = self.place(np.concatenate(stage_xy))
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x0, y0, x1, y1

    def _matrix(self) -> Float64[np.ndarray, "3 3"]:
        c, s = np.cos(self.turn_rad), np.sin(self.turn_rad)
        return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
