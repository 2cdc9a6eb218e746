"""Camera moves for films: once around a scene, or smoothly through the entries of a cameras.json (cameras.py)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from translight.core.camera import Camera, View
from translight.core.pose import Pose, quaternion_multiply, rotation_vector
from translight.render.cameras import NamedView, look_at
from translight.render.framing import Framing

LEG_S = 2.0
"""From one entry to the next, where a file names no times."""


def orbit(around: Framing, camera: Camera, frames: int, near_m: float) -> list[View]:
    """One turn, counter-clockwise from above, in equal steps that join up when the film repeats.

    Around the target when the eye stands outside the scene; on the spot when it stands inside.
    """
    views = []
    for i in range(frames):
        turn = Pose.exp([0.0, 0.0, 0.0, 0.0, 0.0, 2 * np.pi * i / frames])
        offset = turn.apply(around.target_m - around.eye_m)
        eye = around.eye_m if around.inside else around.target_m - offset
        views.append(View(look_at(eye, eye + offset), camera, near_m))
    return views


def times_of(stops: Sequence[NamedView]) -> list[float]:
    """When each stop is passed, from 0 s. Raises ValueError unless all name a time, growing, or none does."""
    named = [stop.time_s for stop in stops if stop.time_s is not None]
    if not named:
        return [LEG_S * i for i in range(len(stops))]
    if len(named) != len(stops):
        raise ValueError("either every camera has a time_s or none has")
    if any(after <= before for before, after in pairwise(named)):
        raise ValueError("time_s must grow from one camera to the next")
    return [time - named[0] for time in named]


def through(stops: Sequence[NamedView], times_s: Sequence[float], at_s: float) -> View:
    """The view at a time on a smooth path through ``stops``, which are passed at ``times_s``; held beyond its ends.

    Position and rotation follow cubic Bézier curves by de Casteljau's steps, each a straight line in position and a
    great arc in rotation (Shoemake, "Animating Rotation with Quaternion Curves", 1985), with Catmull–Rom velocities.
    Focal lengths change by equal ratios.
    """
    views = [stop.view for stop in stops]
    if len(views) == 1:
        return views[0]
    i = int(np.clip(np.searchsorted(times_s, at_s, side="right") - 1, 0, len(views) - 2))
    span = times_s[i + 1] - times_s[i]
    u = float(np.clip((at_s - times_s[i]) / span, 0.0, 1.0))
    a, b = views[i], views[i + 1]
    points = [
        a.stage_from_camera,
        _moved(a.stage_from_camera, _velocity(views, times_s, i) * (span / 3)),
        _moved(b.stage_from_camera, _velocity(views, times_s, i + 1) * (-span / 3)),
        b.stage_from_camera,
    ]
    while len(points) > 1:
        points = [before.interpolate(after, u) for before, after in pairwise(points)]
    return View(points[0], _between(a.camera, b.camera, u), a.near_m + (b.near_m - a.near_m) * u)


def _velocity(views: Sequence[View], times_s: Sequence[float], i: int) -> Float64[np.ndarray, "6"]:
    """Metres and radians (stage axes) a second at a stop, from the stop before to the stop after."""
    before, after = max(i - 1, 0), min(i + 1, len(views) - 1)
    total = np.zeros(6)
    # leg by leg, so that no turn is measured the short way round over two legs
    for j in range(before, after):
        a, b = views[j].stage_from_camera, views[j + 1].stage_from_camera
        total[:3] += b.position_m - a.position_m
        total[3:] += rotation_vector(quaternion_multiply(b.wxyz, a.inverse().wxyz))
    return total / (times_s[after] - times_s[before])


def _moved(pose: Pose, by: Float64[np.ndarray, "6"]) -> Pose:
    turn = Pose.exp([0.0, 0.0, 0.0, *by[3:]])
    return Pose(quaternion_multiply(turn.wxyz, pose.wxyz), pose.position_m + by[:3])


def _between(a: Camera, b: Camera, u: float) -> Camera:
    fx, fy = a.fx ** (1 - u) * b.fx**u, a.fy ** (1 - u) * b.fy**u
    return Camera(a.width_px, a.height_px, fx, fy, a.cx + (b.cx - a.cx) * u, a.cy + (b.cy - a.cy) * u)
