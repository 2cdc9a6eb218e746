"""Finding the floor of an environment: the plane that most opaque splats lie on and few lie under (plane_fit.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ReconstructionError
from translight.environment.environment import Environment
from translight.reconstruction.plane_fit import planes_through, refined_plane

_OPAQUE = 0.3
"""Fainter splats are haze, and stand on nothing (as in ``environment/placement.py``)."""
_MOST_POINTS = 20_000
_TRIALS = 1500
_BATCH = 50
_TOLERANCE = 0.005
"""Of the scene's size, how far from the plane a splat may lie."""
_MOST_TILT_DEG = 40.0
_LEAST_SHARE = 0.05
_REFINEMENTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """The plane normal·p = height_m of stage points, normal up; ``share`` of the opaque splats lie within tolerance.

    ``rms_m`` is how far those lie from it, ``tilt_deg`` how far its normal leans from what was taken for up.
    """

    normal: Float64[np.ndarray, "3"]
    height_m: float
    share: float
    rms_m: float
    tilt_deg: float

    def beneath(self, point_m: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
        """The point of the floor nearest to a point."""
        return point_m - (self.normal @ point_m - self.height_m) * self.normal


def find_floor(environment: Environment, up: Float64[np.ndarray, "3"], seed: int = 0) -> Floor:
    """The floor of an environment as it stands, looked for within 40° of being level for ``up`` (stage, unit length).

    The same seed finds the same floor. Raises ReconstructionError when fewer than a twentieth of the opaque splats lie
    in any such plane.
    """
    rng = np.random.default_rng(seed)
    splats = environment.splats
    usable = np.isfinite(splats.means).all(axis=1) & (splats.opacities >= _OPAQUE)
    points = environment.stage_from_scene.apply(splats.means[usable])
    if len(points) > _MOST_POINTS:
        points = points[rng.choice(len(points), _MOST_POINTS, replace=False)]
    if len(points) < 10:
        raise ReconstructionError(f"no floor: only {len(points)} splats are opaque; set it with three points")
    low, high = np.percentile(points, (5, 95), axis=0)
    tolerance = max(_TOLERANCE * float(np.linalg.norm(high - low)), 1e-9)
    best, best_score = None, -np.inf
    for _ in range(_TRIALS // _BATCH):
        normals, heights = planes_through(points[rng.integers(0, len(points), (_BATCH, 3))])
        sides = np.where(normals @ up < 0, -1.0, 1.0)
        level = sides * (normals @ up) >= np.cos(np.radians(_MOST_TILT_DEG))
        if not level.any():
            continue
        normals, heights = (normals * sides[:, None])[level], (heights * sides)[level]
        above = points @ normals.T - heights
        on, under = (np.abs(above) <= tolerance).sum(axis=0), (above < -3 * tolerance).sum(axis=0)
        # a table top is a plane as well: what lies under a plane speaks against it
        scores = on - 0.5 * under
        i = int(np.argmax(scores))
        if scores[i] > best_score:
            best, best_score = (normals[i], float(heights[i])), float(scores[i])
    share = 0.0
    if best is not None:
        normal, height, near = refined_plane(points, *best, tolerance, _REFINEMENTS)
        share = float(np.mean(near))
    if best is None or share < _LEAST_SHARE:
        raise ReconstructionError(
            f"no floor: the best level plane holds {share:.1%} of the opaque splats; set it with three points"
        )
    rms = float(np.sqrt(np.mean((points[near] @ normal - height) ** 2)))
    return Floor(normal, height, share, rms, float(np.degrees(np.arccos(np.clip(normal @ up, -1, 1)))))
