"""Where to look at a scene from when nobody says: in its middle where it surrounds a person, else from outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.camera import Camera
from translight.render.contract import ALPHA_CUT, Scene

EYE_HEIGHT_M = 1.6
OUTSIDE_TILT_DEG = 12.0
"""A camera outside looks down this much."""
_STRAYS = 0.02
"""This share of the splats on either side of an axis may lie outside what is framed: captures have floaters."""
_SECTORS = 8
_SURROUNDED_SHARE = 0.01
_HORIZON_DEG = 5.0
_ELBOW_ROOM_M = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """An eye and what it looks at, on the stage in metres; ``inside``: the scene stands around the eye."""

    eye_m: Float64[np.ndarray, "3"]
    target_m: Float64[np.ndarray, "3"]
    inside: bool


def framing(scene: Scene, camera: Camera) -> Framing:
    """An eye that shows ``scene`` through ``camera``'s field of view.

    Where splats stand on all sides of a person at the stage's origin, that person's eyes, looking forward (+Y). Else
    from −Y, a little above, far enough back that a ball around the scene fits into the picture.
    """
    drawn = np.isfinite(scene.splats.means).all(axis=1) & (scene.splats.opacities >= ALPHA_CUT)
    points = scene.stage_from_scene.apply(scene.splats.means[drawn])
    eye = np.array([0.0, 0.0, EYE_HEIGHT_M])
    if len(points) == 0 or _surrounds(points - eye):
        return Framing(eye, eye + np.array([0.0, 1.0, 0.0]), inside=True)
    low, high = np.quantile(points, [_STRAYS, 1 - _STRAYS], axis=0)
    middle, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-6)
    left, right, bottom, top = camera.frustum()
    half_angle = np.arctan(max(min(-left, right, -bottom, top), 0.05))
    tilt = np.radians(OUTSIDE_TILT_DEG)
    away = np.array([0.0, -np.cos(tilt), np.sin(tilt)]) * radius / np.sin(half_angle)
    return Framing(middle + away, middle, inside=False)


def _surrounds(offsets: Float64[np.ndarray, "n 3"]) -> bool:
    """Whether each of eight sectors around has splats at or above the horizon, and none is within reach."""
    across = np.hypot(offsets[:, 0], offsets[:, 1])
    high = np.arctan2(offsets[:, 2], across) > -np.radians(_HORIZON_DEG)
    sector = np.floor((np.arctan2(offsets[:, 0], offsets[:, 1]) / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    shares = np.bincount(sector[high], minlength=_SECTORS) / len(offsets)
    near = np.mean(np.linalg.norm(offsets, axis=1) < _ELBOW_ROOM_M)
    return bool((shares >= _SURROUNDED_SHARE).all() and near < _SURROUNDED_SHARE)
