"""Depth maps of overlapping views, each in its own scale and shift, merged into one panorama of distances.

A depth network's map of a view is right up to a scale and a shift of inverse depth (Ranftl et al., "Towards Robust
Monocular Depth Estimation", 2020). Where views overlap, what they say must agree along every ray: linear equations,
solved together for all views. Views cover all directions, so the seam is an overlap as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose
from translight.generation.panorama import directions

FARTHEST_M = 10_000.0
"""Inverse depths at or below this much's inverse are held to be the farthest."""
_FLOOR_DEG = -25.0
_SAMPLES = 48
"""Rows of the grid of directions that equations are taken at."""
_ROUNDS = 8
_NOISE = 1e-3
"""Disagreement, as a share of the usual inverse depth, that is always allowed."""
_LEAST_SCALE = 0.05
"""A view whose scale comes out below this share of the usual one says nothing, or the opposite."""
_PRIOR = 1e-3
"""Pull towards the maps' own values, small against the overlaps, which settles the one scale that they leave open."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthView:
    """One view's map: inverse depth (1/z, camera axes) up to a scale and, unless ``metric``, a shift; 0 is far."""

    camera: Camera
    stage_from_camera: Pose
    inverse: Float32[np.ndarray, "h w"]
    metric: bool = False


def ring_of_views(size_px: int) -> list[tuple[Camera, Pose]]:
    """Fourteen square views of 90° that see every direction, and most at least twice: six level, four up, four down."""
    camera = Camera.from_fov(size_px, size_px, horizontal_deg=90)
    turns = [(60.0 * k, 0.0) for k in range(6)] + [(90.0 * k + 30, tilt) for tilt in (58.0, -58.0) for k in range(4)]
    return [
        (camera, camera_from_pan_tilt_roll(np.radians(pan), np.radians(tilt), 0.0, (0.0, 0.0, 0.0)))
        for pan, tilt in turns
    ]


def merged(views: Sequence[DepthView], height_px: int) -> Float32[np.ndarray, "h w"]:
    """Distances along the rays of a panorama of 2·height by height, all in the first view's unit.

    Where all views are ``metric`` that is metres; otherwise ``scaled_to_floor`` brings it there. Raises GenerationError
    where the views leave a direction unseen, do not overlap, or hold values that are not finite.
    """
    for number, view in enumerate(views):
        if view.inverse.shape != (view.camera.height_px, view.camera.width_px) or not np.isfinite(view.inverse).all():
            raise GenerationError(f"depth of view {number}: finite values of the camera's size are wanted")
    fits = _solved(views)
    total = np.zeros((height_px, 2 * height_px))
    weights = np.zeros_like(total)
    for start in range(0, height_px, 64):
        rows = slice(start, min(start + 64, height_px))
        rays = directions(height_px, rows).astype(np.float64)
        for view, (scale, shift) in zip(views, fits, strict=True):
            value, slant, weight, seen = _looked_up(view, rays)
            total[rows][seen] += weight[seen] * (scale * value[seen] + shift) / slant[seen]
            weights[rows][seen] += weight[seen]
    if not (weights > 0).all():
        raise GenerationError(f"the views leave {float((weights == 0).mean()):.1%} of all directions unseen")
    return (1 / np.maximum(total / weights, 1 / FARTHEST_M)).astype(np.float32)


def scaled_to_floor(distance: Float32[np.ndarray, "h w"], eye_height_m: float) -> Float32[np.ndarray, "h w"]:
    """Distances in metres of those in an unknown unit: what lies below ``_FLOOR_DEG`` is mostly the level floor.

    One factor, the weighted median of what the floor, ``eye_height_m`` below the eye, asks for.
    """
    height = len(distance)
    elevation = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    low = elevation < np.radians(_FLOOR_DEG)
    factor = eye_height_m / -np.sin(elevation[low])[:, None] / distance[low]
    weight = np.broadcast_to(np.cos(elevation[low])[:, None], factor.shape).ravel()
    order = np.argsort(factor.ravel())
    half = np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum())
    return (distance * factor.ravel()[order[half]]).astype(np.float32)


def _solved(views: Sequence[DepthView]) -> Float64[np.ndarray, "v 2"]:
    """Scale and shift of each view: least squares over overlaps, reweighted so that edges and errors count little."""
    rays = directions(_SAMPLES).reshape(-1, 3).astype(np.float64)
    level = np.hypot(rays[:, 0], rays[:, 1])
    looks = [_looked_up(view, rays) for view in views]
    typical = max(float(np.median(np.concatenate([value[seen] for value, _, _, seen in looks]))), 1e-9)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for i in range(len(views)):
        for j in range(i + 1, len(views)):
            both = looks[i][3] & looks[j][3]
            if not both.any():
                continue
            weight = np.sqrt(level[both])
            columns = []
            for k, sign in ((i, 1.0), (j, -1.0)):
                value, slant = looks[k][0][both] / typical, looks[k][1][both]
                columns += [sign * weight * value / slant, sign * weight / slant]
            pairs.append((np.array([2 * i, 2 * i + 1, 2 * j, 2 * j + 1]), np.stack(columns, axis=1)))
    if len(views) > 1 and not pairs:
        raise GenerationError("the views do not overlap: their depths cannot be brought together")
    wanted = np.tile([1.0, 0.0], len(views))
    prior = np.full(2 * len(views), _PRIOR**2 * max(sum(len(part) for _, part in pairs), 1))
    prior[1::2] *= np.array([1e6 if view.metric else 1.0 for view in views])
    prior[0] *= 1e6  # the first view's scale is the unit
    solution, usual = wanted, np.inf
    for _ in range(_ROUNDS):
        normal, right = np.diag(prior), prior * wanted
        for at, part in pairs:
            rest = np.abs(part @ solution[at])
            weighted = part / (1 + (rest / usual) ** 2)[:, None]
            normal[np.ix_(at, at)] += weighted.T @ part
        solution = np.linalg.solve(normal, right)
        if pairs:
            usual = max(1.5 * float(np.median(np.abs(np.concatenate([p @ solution[at] for at, p in pairs])))), _NOISE)
    fits = solution.reshape(-1, 2) * (1.0, typical)
    if not (fits[:, 0] > _LEAST_SCALE * np.median(fits[:, 0])).all():
        raise GenerationError(f"depth of view {int(np.argmin(fits[:, 0]))} contradicts its neighbours'")
    return fits


def _looked_up(
    view: DepthView, rays: Float64[np.ndarray, "*n 3"]
) -> tuple[Float64[np.ndarray, "*n"], Float64[np.ndarray, "*n"], Float64[np.ndarray, "*n"], Bool[np.ndarray, "*n"]]:
    """Bilinear values along rays, |ray| at z = 1, weights that end at the picture's border, and which rays are seen."""
    camera = view.camera
    local = rays @ view.stage_from_camera.rotation()
    z = np.where(local[..., 2] > 1e-6, local[..., 2], np.inf)
    u, v = camera.fx * local[..., 0] / z + camera.cx, camera.fy * local[..., 1] / z + camera.cy
    ahead = np.isfinite(z)
    seen = ahead & (u > 0) & (u < camera.width_px) & (v > 0) & (v < camera.height_px)
    x, y = np.clip(u - 0.5, 0, camera.width_px - 1), np.clip(v - 0.5, 0, camera.height_px - 1)
    left, top = np.minimum(x.astype(int), camera.width_px - 2), np.minimum(y.astype(int), camera.height_px - 2)
    a, b = x - left, y - top
    m = view.inverse
    value = (m[top, left] * (1 - a) + m[top, left + 1] * a) * (1 - b)
    value = value + (m[top + 1, left] * (1 - a) + m[top + 1, left + 1] * a) * b
    across = np.minimum(u / camera.width_px, 1 - u / camera.width_px)
    down = np.minimum(v / camera.height_px, 1 - v / camera.height_px)
    weight = np.clip(np.minimum(across, down) / 0.25, 1e-3, 1) ** 2
    return value, np.where(ahead, 1 / np.where(ahead, z, 1.0), 1.0), weight, seen
