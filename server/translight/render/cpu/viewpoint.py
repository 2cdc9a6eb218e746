"""A view as the numbers that the kernels take: transforms, intrinsics and limits in one float32 row."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.core.pose import Similarity
from translight.render.contract import Order, Scene
from translight.render.projection import clamp_limits, eye_in_scene

ROTATION, TRANSLATION, SCALE, EYE = 0, 9, 12, 13
"""camera_from_scene: rotation row by row, translation in metres, scale; and the eye in scene units."""
FX, FY, CX, CY, NEAR = 16, 17, 18, 19, 20
LIMITS, WIDTH, HEIGHT = 21, 25, 26
"""Clamps of x/z (low, high) and y/z (low, high); picture size in pixels."""
STAGE_ROTATION = 27
"""stage_from_camera's rotation row by row, for the sky."""
BY_DISTANCE = 36
"""1 where splats are ordered by their distance from the eye, 0 by depth."""
LENGTH = 37


def view_row(scene: Scene, view: View, order: Order = "depth") -> Float32[np.ndarray, "37"]:
    """The numbers of one view of a scene."""
    camera = view.camera
    camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ scene.stage_from_scene
    row = np.empty(LENGTH, np.float32)
    row[ROTATION:TRANSLATION] = camera_from_scene.pose.rotation().ravel()
    row[TRANSLATION:SCALE] = camera_from_scene.pose.position_m
    row[SCALE] = camera_from_scene.scale
    row[EYE:FX] = eye_in_scene(scene, view.stage_from_camera)
    row[FX:LIMITS] = (camera.fx, camera.fy, camera.cx, camera.cy, view.near_m)
    row[LIMITS:WIDTH] = clamp_limits(camera)
    row[WIDTH], row[HEIGHT] = camera.width_px, camera.height_px
    row[STAGE_ROTATION:BY_DISTANCE] = view.stage_from_camera.rotation().ravel()
    row[BY_DISTANCE] = order == "distance"
    return row
