"""Which way is up in a model, by how its cameras were held and by its floors and walls; ``standing.py`` uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from translight.core.pose import Pose
from translight.reconstruction.structure_from_motion.planes import Plane, find_plane

_ROLL = 0.1
"""Radians of roll beyond which a camera counts for little: nobody holds it so by accident."""
_PAN_SPREAD = 0.02
"""Least ratio of the right vectors' middle to largest eigenvalue for them to span the horizontal: ±12° of pan."""
_TWO_WALLS_DEG = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Up:
    """``direction`` is a unit vector of the model's frame, ``source`` says in words what it rests on.

    ``tolerance_deg`` is how far it may be wrong: planes within it may correct it.
    """

    direction: Float64[np.ndarray, "3"]
    source: str
    tolerance_deg: float


def up_of_cameras(world_from_camera: Sequence[Pose]) -> Up:
    """Up as cameras are held: their x axes lie level, however they are tilted and panned.

    The direction that is most at right angles to all x axes, robust against some that roll. Where all look almost one
    way, the x axes leave it open how far up leans forward, and the mean of the cameras' own up is taken.
    """
    rotations = np.array([pose.rotation() for pose in world_from_camera])
    rights, ups = rotations[:, :, 0], -rotations[:, :, 1]
    up = _unit(ups.mean(axis=0))
    weights = np.ones(len(rights))
    for _ in range(10):
        values, vectors = np.linalg.eigh((rights * weights[:, None]).T @ rights)
        if values[1] < _PAN_SPREAD * values[2]:
            right = _unit((rights * weights[:, None]).sum(axis=0))
            mean = (ups * weights[:, None]).sum(axis=0)
            up = _unit(mean - (mean @ right) * right)
            spanned = False
        else:
            up = vectors[:, 0] * (1.0 if ups.sum(axis=0) @ vectors[:, 0] >= 0 else -1.0)
            spanned = True
        weights = 1.0 / (1.0 + (rights @ up / _ROLL) ** 2)
    return Up(up, "how the cameras were held", 10.0 if spanned else 30.0)


def mean_direction(directions: Float64[np.ndarray, "n 3"]) -> tuple[Float64[np.ndarray, "3"], float]:
    """The robust mean of unit vectors (their geometric median, made a unit vector), and the median angle to it, °."""
    mean = _unit(directions.mean(axis=0))
    for _ in range(20):
        distance = np.maximum(np.linalg.norm(directions - mean, axis=1), 1e-6)
        mean = _unit((directions / distance[:, None]).sum(axis=0))
    return mean, float(np.degrees(np.median(np.arccos(np.clip(directions @ mean, -1, 1)))))


def levelled(up: Up, xyz: Float64[np.ndarray, "m 3"], centres: Float64[np.ndarray, "n 3"]) -> tuple[Up, Plane | None]:
    """``up`` corrected by the floor, or by up to two walls where they are larger; and the floor, if there is one."""
    floor = find_floor(up, xyz, centres)
    walls = _find_walls(up, xyz, centres)
    if floor is not None and (not walls or floor.inliers.sum() >= walls[0].inliers.sum()):
        return Up(floor.normal, f"{up.source}, and the floor", 2.0), floor
    if not walls:
        return up, None
    normals = np.array([wall.normal for wall in walls])
    # what is left of up when it lies in every wall
    direction = _unit(up.direction - np.linalg.pinv(normals) @ (normals @ up.direction))
    source = f"{up.source}, and {'a wall' if len(walls) == 1 else 'two walls'}"
    found = Up(direction, source, min(up.tolerance_deg, 5.0))
    return found, find_floor(found, xyz, centres)


def _find_walls(up: Up, xyz: Float64[np.ndarray, "m 3"], centres: Float64[np.ndarray, "n 3"]) -> list[Plane]:
    """The largest upright plane, and another that stands across it."""
    walls: list[Plane] = []
    for _ in range(2):
        wall = find_plane(xyz, centres, lambda normals: _upright(normals, up, walls))
        if wall is None:
            break
        walls.append(wall)
    return walls


def find_floor(up: Up, xyz: Float64[np.ndarray, "m 3"], centres: Float64[np.ndarray, "n 3"]) -> Plane | None:
    """The plane with most points of those below the cameras and level within ``up``'s tolerance; its normal is up."""
    middle = np.median(centres, axis=0)
    least = np.cos(np.radians(up.tolerance_deg))

    below = (xyz - middle) @ up.direction < 0
    plane = find_plane(xyz, centres, lambda normals: np.abs(normals @ up.direction) >= least, below)
    if plane is None:
        return None
    sign = 1.0 if plane.normal @ up.direction >= 0 else -1.0
    return Plane(plane.normal * sign, plane.offset * sign, plane.inliers)


def _upright(normals: Float64[np.ndarray, "k 3"], up: Up, others: Sequence[Plane]) -> Bool[np.ndarray, "k"]:
    upright = np.abs(normals @ up.direction) <= np.sin(np.radians(up.tolerance_deg))
    most = np.cos(np.radians(_TWO_WALLS_DEG))
    for other in others:
        upright &= np.abs(normals @ other.normal) <= most
    return upright


def _unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-12 else np.array([0.0, -1.0, 0.0])
