"""Where to look at a scene from when nobody says: the stage's origin if it is made for that, else outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.camera import Camera
from translight.core.frames import camera_from_pan_tilt_roll
from translight.render.clip import kept
from translight.render.contract import ALPHA_CUT, Layer, Scene

EYE_HEIGHT_M = 1.6
OUTSIDE_TILT_DEG = 12.0
"""A camera outside looks down this much."""
_STRAYS = 0.02
"""This share of the splats on either side of an axis may lie outside what is framed: captures have floaters."""
_SPLAT_SIGMAS = 2.0
_LEAST_RADIUS_M = 0.02
"""Nearer, and the eye would stand within the near plane's reach."""
_MARGIN = 1.1
_RIM_POINTS = 32
_LEAST_SLOPE = 0.05
_STANDING_SHARE = 0.01
_HORIZON_DEG = 5.0
_ELBOW_ROOM_M = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """An eye and what it looks at, on the stage in metres; ``inside``: the scene stands about the eye."""

    eye_m: Float64[np.ndarray, "3"]
    target_m: Float64[np.ndarray, "3"]
    inside: bool


def framing(scene: Scene, camera: Camera) -> Framing:
    """An eye that shows ``scene`` through ``camera``'s field of view.

    Where splats stand broadly before a person at the stage's origin, or all around, that person's eyes, looking forward
    (+Y). Else from −Y, a little above, far enough back that an upright cylinder around the scene fits into the picture.
    """
    points, sizes = (np.concatenate(parts) for parts in zip(*map(_drawn, scene.layers), strict=True))
    eye = np.array([0.0, 0.0, EYE_HEIGHT_M])
    if len(points) == 0 or _stands_before(points - eye):
        return Framing(eye, eye + np.array([0.0, 1.0, 0.0]), inside=True)
    reach = _SPLAT_SIGMAS * sizes
    low, high = np.quantile(points - reach, _STRAYS, axis=0), np.quantile(points + reach, 1 - _STRAYS, axis=0)
    middle, half_height = (low + high) / 2, max((high - low)[2] / 2, _LEAST_RADIUS_M)
    across = np.hypot(*(points - middle).T[:2]) + reach[:, 0]
    radius = max(float(np.quantile(across, 1 - _STRAYS)), _LEAST_RADIUS_M)
    tilt = np.radians(OUTSIDE_TILT_DEG)
    away = np.array([0.0, -np.cos(tilt), np.sin(tilt)]) * _distance(radius, half_height, camera)
    return Framing(middle + away, middle, inside=False)


def _drawn(layer: Layer) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n 1"]]:
    """Centres on the stage and largest standard deviations in metres, of the splats that can be seen at all."""
    splats = layer.splats
    means = splats.means.astype(np.float64)
    drawn = np.isfinite(means).all(axis=1) & (splats.opacities >= ALPHA_CUT) & kept(means, layer.clips)
    sizes = layer.stage_from_scene.scale * splats.scales[drawn].max(axis=1, keepdims=True)
    return layer.stage_from_scene.apply(means[drawn]), sizes


def _distance(radius: float, half_height: float, camera: Camera) -> float:
    """From how far an upright cylinder fits into the picture, looked down upon at the outside tilt; with a margin."""
    angle = np.arange(_RIM_POINTS) * 2 * np.pi / _RIM_POINTS
    rims = [[np.cos(a) * radius, np.sin(a) * radius, h] for a in angle for h in (-half_height, half_height)]
    facing = camera_from_pan_tilt_roll(0.0, -np.radians(OUTSIDE_TILT_DEG), 0.0, (0.0, 0.0, 0.0))
    x, y, z = facing.inverse().apply(rims).T
    left, right, bottom, top = (max(slope, _LEAST_SLOPE) for slope in np.abs(camera.frustum()))
    needed = [x / right - z, -x / left - z, y / bottom - z, -y / top - z]
    return _MARGIN * float(np.max(needed))


def _stands_before(offsets: Float64[np.ndarray, "n 3"]) -> bool:
    """Whether each of the three eighths of a circle ahead has splats at or above the horizon, and none is in reach."""
    across = np.hypot(offsets[:, 0], offsets[:, 1])
    high = np.arctan2(offsets[:, 2], across) > -np.radians(_HORIZON_DEG)
    eighth = np.round(np.arctan2(offsets[:, 0], offsets[:, 1]) / (np.pi / 4))
    shares = [np.mean(high & (eighth == ahead)) for ahead in (-1, 0, 1)]
    near = np.mean(np.linalg.norm(offsets, axis=1) < _ELBOW_ROOM_M)
    return bool(min(shares) >= _STANDING_SHARE and near < _STANDING_SHARE)
