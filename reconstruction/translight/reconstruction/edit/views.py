"""Where an environment is looked at from to judge an edit: its own cameras, or some around it or in its midst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from translight.core.camera import Camera, View
from translight.render.cameras import DEFAULT_FOV_DEG, NamedView, look_at
from translight.render.contract import Scene
from translight.render.framing import framing

ELEVATIONS_DEG = (0.0, 40.0)
"""Cameras around a thing stand between these heights above its middle, spread evenly by the golden section."""
_STEPS_M = 1.0
"""Cameras in the midst of a place stand this far from the framing's eye, so that near things are seen past."""
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_NEAR_SHARE = 1e-3
_NEAR_MOST_M = 0.01


def views_of(scene: Scene, cameras: Sequence[NamedView], count: int, width_px: int) -> list[View]:
    """``count`` views ``width_px`` wide at most: of the package's cameras evenly, or of ``around`` where it has none.

    Raises ValueError on no views.
    """
    if count < 1:
        raise ValueError(f"an environment is judged from at least one view, got {count}")
    if not cameras:
        return around(scene, count, width_px)
    chosen = sorted({round(i) for i in np.linspace(0, len(cameras) - 1, min(count, len(cameras)))})
    return [_narrowed(cameras[i].view, width_px) for i in chosen]


def around(scene: Scene, count: int, width_px: int) -> list[View]:
    """Views all around: from outside at various heights, or from the midst outwards, some steps from one another."""
    camera = Camera.from_fov(width_px, max(1, round(width_px * 9 / 16)), horizontal_deg=DEFAULT_FOV_DEG)
    seen = framing(scene, camera)
    distance = float(np.linalg.norm(seen.target_m - seen.eye_m))
    near = min(_NEAR_MOST_M, _NEAR_SHARE * distance)
    views = []
    for i in range(count):
        azimuth = 2 * np.pi * i / count
        flat = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        if seen.inside:
            turn = 2 * np.pi * i * _GOLDEN
            eye = seen.eye_m + _STEPS_M * np.array([np.cos(turn), np.sin(turn), 0.0])
            views.append(View(look_at(eye, eye + flat), camera, near))
        else:
            low, high = ELEVATIONS_DEG
            height = np.radians(low + (high - low) * (i * _GOLDEN % 1.0))
            eye = seen.target_m + distance * (-np.cos(height) * flat + np.array([0.0, 0.0, np.sin(height)]))
            views.append(View(look_at(eye, seen.target_m), camera, near))
    return views


def _narrowed(view: View, width_px: int) -> View:
    camera = view.camera
    if camera.width_px <= width_px:
        return view
    height = max(1, round(camera.height_px * width_px / camera.width_px))
    return View(view.stage_from_camera, camera.resized(width_px, height), view.near_m, view.behind)
