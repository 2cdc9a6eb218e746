"""How a model stands: upright, its floor at y = 0, in metres if anything tells them, looking along stage +Y."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.reconstruction.structure_from_motion.gps import GpsFit, fit_gps
from translight.reconstruction.structure_from_motion.model import SparseModel
from translight.reconstruction.structure_from_motion.planes import Plane
from translight.reconstruction.structure_from_motion.upright import (
    Up,
    find_floor,
    levelled,
    mean_direction,
    up_of_cameras,
)

EYE_M = 1.7
"""Where the stage's own eye is, above the stage floor."""
AERIAL_M = 4.0
"""Cameras higher above the floor than this were flown, or stood on a roof: nobody on the floor saw the scene so."""
HELD_M = 1.6
"""Where nothing tells the size, cameras are taken to have been held at this height."""
REACH_M = 8.0
"""Where no floor is seen either, half of all points are taken to be nearer than this."""
_LOWEST_PERCENTILE = 5.0
_LEAST_BELOW = 0.02
"""Of the points, the part that must lie below the cameras to tell the ground."""
_LEAST_HEIGHT_SHARE = 0.02
"""Of the distance to the points: a floor nearer to the cameras than this is no measure of their height."""
_LEVEL_VIEW = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """``scene_from_model`` makes the scene (RDF, floor at y = 0), ``stage_from_scene`` places it on the stage.

    ``metres_per_unit`` of the scene is 1 where its size is known, None where it was guessed. ``facts`` hold JSON.
    """

    scene_from_model: Similarity
    stage_from_scene: Similarity
    metres_per_unit: float | None
    facts: dict[str, Any]


def stand(
    model: SparseModel,
    positions_m: Float64[np.ndarray, "n 3"],
    gimbal_ups: Float64[np.ndarray, "n 3"],
    model_unit_m: float | None = None,
) -> Standing:
    """Stand a model up. Rows are the model's images; those that hold NaN are not known.

    ``positions_m`` are GPS (east, north, up), ``gimbal_ups`` up in each camera's frame, ``model_unit_m`` the size of
    the model's unit by a known distance, which goes before GPS.
    """
    centres = model.centres()
    gps = fit_gps(centres, positions_m)
    up, floor = _up(model, centres, gps, gimbal_ups)
    direction = up.direction
    held = float(np.median(centres @ direction))
    ground, found = _ground(model, centres, direction, floor)
    reach = float(np.median(np.linalg.norm(model.xyz - np.median(centres, axis=0), axis=1))) if len(model.xyz) else 1.0
    scale, how = _scale(gps, model_unit_m, None if ground is None else held - ground, reach)
    if ground is None:
        ground, found = held - HELD_M / scale, f"{HELD_M} m below the cameras: nothing is seen below them"
    heading, looks = _heading(model, direction)
    scene_from_model = _frame(direction, heading, np.median(centres, axis=0), ground, scale)
    height_m = scale * (held - ground)
    metres_known = bool(how["known"])
    aerial = metres_known and height_m > AERIAL_M
    stage_from_scene = Similarity(1.0, STAGE_FROM_RDF)
    facts: dict[str, Any] = {
        "up": {"by": up.source, "tolerance_deg": round(up.tolerance_deg, 1)},
        "floor": {"by": found, "points": 0 if floor is None else int(floor.inliers.sum())},
        "scale": how,
        "heading": looks,
        "camera_height_m": round(height_m, 2),
        "floor_z_m": 0.0,
    }
    if gps is not None and gps.levels:
        north = scene_from_model.pose.rotation() @ gps.enu_from_world.pose.rotation().T @ np.array([0.0, 1.0, 0.0])
        facts["north_deg"] = round(float(np.degrees(np.arctan2(north[0], north[2]))), 1)
    if aerial:
        middle = scene_from_model.apply(centres[_middle(centres)])
        eye = STAGE_FROM_RDF.apply(middle)
        stage_from_scene = Similarity(1.0, replace(STAGE_FROM_RDF, position_m=np.array([0.0, 0.0, EYE_M]) - eye))
        facts["floor_z_m"] = round(float(EYE_M - eye[2]), 3)
        facts["aerial"] = f"taken {height_m:.0f} m above the floor: the stage's eye is where the middle still was taken"
    return Standing(scene_from_model, stage_from_scene, 1.0 if metres_known else None, facts)


def _up(
    model: SparseModel, centres: Float64[np.ndarray, "n 3"], gps: GpsFit | None, gimbal_ups: Float64[np.ndarray, "n 3"]
) -> tuple[Up, Plane | None]:
    """Up and the floor: by GPS, by the gimbal, or by how the cameras were held and what is level or upright."""
    if gps is not None and gps.levels:
        up = Up(gps.enu_from_world.pose.rotation()[2], "GPS", max(gps.tilt_deg, 5.0))
        return up, find_floor(up, model.xyz, centres)
    known = np.flatnonzero(np.isfinite(gimbal_ups).all(axis=1))
    if len(known) >= 2:
        turned = np.array([model.world_from_camera[i].rotation() @ gimbal_ups[i] for i in known])
        direction, spread_deg = mean_direction(turned)
        if spread_deg < 5.0:
            up = Up(direction, "the drone's gimbal", max(spread_deg, 5.0))
            return up, find_floor(up, model.xyz, centres)
    return levelled(up_of_cameras(model.world_from_camera), model.xyz, centres)


def _ground(
    model: SparseModel, centres: Float64[np.ndarray, "n 3"], up: Float64[np.ndarray, "3"], floor: Plane | None
) -> tuple[float | None, str]:
    """The ground's height along up, and what it is; None where nothing is seen below the cameras."""
    heights = model.xyz @ up
    if floor is not None:
        return float(np.median(heights[floor.inliers])), "a level plane below the cameras"
    below = heights[heights < np.median(centres @ up)]
    if len(below) < _LEAST_BELOW * len(heights) or not len(below):
        return None, ""
    return float(np.percentile(below, _LOWEST_PERCENTILE)), "the lowest points: no level plane was found"


def _scale(
    gps: GpsFit | None, model_unit_m: float | None, height: float | None, reach: float
) -> tuple[float, dict[str, Any]]:
    """Metres per unit of the model, known or guessed, and how.

    ``height`` is the cameras' above the ground, where it is known, ``reach`` how far the points are, in that unit.
    """
    facts: dict[str, Any] = {}
    if gps is not None:
        facts["gps"] = {
            "positions": gps.given,
            "agreeing": gps.used,
            "residual_m": round(gps.residual_m, 2),
            "spread_m": round(gps.spread_m, 1),
            "size_error_percent": round(100 * gps.scale_error, 1),
        }
    if model_unit_m is not None:
        return model_unit_m, {"by": "a known distance", "known": True, **facts}
    if gps is not None and gps.scales:
        return gps.enu_from_world.scale, {"by": "GPS", "known": True, **facts}
    why = "no GPS and no known distance" if gps is None else "GPS is too coarse for so small a capture"
    if height is not None and height > _LEAST_HEIGHT_SHARE * reach:
        guess = f"{why}: guessed, cameras {HELD_M} m above the floor"
        return HELD_M / height, {"by": guess, "known": False, **facts}
    guess = f"{why}: guessed, half of the points within {REACH_M:g} m"
    return REACH_M / max(reach, 1e-9), {"by": guess, "known": False, **facts}


def _heading(model: SparseModel, up: Float64[np.ndarray, "3"]) -> tuple[Float64[np.ndarray, "3"], str]:
    """A level unit vector along which most is seen, and by what it was chosen.

    The mean view; for cameras that look down the mean of their pictures' upper edges; and where views go all round,
    the middle still's.
    """
    rotations = np.array([pose.rotation() for pose in model.world_from_camera])
    views, tops = rotations[:, :, 2], -rotations[:, :, 1]

    def level(directions: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        return directions - (directions @ up)[:, None] * up

    for directions, name in ((level(views), "the mean view"), (level(tops), "the pictures' upper edges")):
        mean = directions.mean(axis=0)
        if np.linalg.norm(mean) > _LEVEL_VIEW:
            return mean / np.linalg.norm(mean), name
    middle = _middle(model.centres())
    candidates = np.array([level(views)[middle], level(tops)[middle]])
    best = candidates[np.linalg.norm(candidates, axis=1).argmax()]
    return best / np.linalg.norm(best), "the middle still's view"


def _middle(centres: Float64[np.ndarray, "n 3"]) -> int:
    """The camera nearest to the middle of all."""
    return int(np.linalg.norm(centres - np.median(centres, axis=0), axis=1).argmin())


def _frame(
    up: Float64[np.ndarray, "3"],
    heading: Float64[np.ndarray, "3"],
    middle: Float64[np.ndarray, "3"],
    ground: float,
    scale: float,
) -> Similarity:
    """RDF: y down, z along the heading, origin on the ground under the middle."""
    y, z = -up, heading
    R = np.array([np.cross(y, z), y, z])
    origin = middle + (ground - middle @ up) * up
    return Similarity(scale, Pose.from_matrix(np.column_stack([R, -scale * R @ origin])))
