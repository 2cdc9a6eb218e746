"""A view of a layer as the numbers that the kernels take: transforms, intrinsics, limits, tint in one float32 row."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.core.pose import Similarity
from translight.environment.environment import ColourEncoding
from translight.render.contract import NO_TINT, Layer, Order
from translight.render.projection import clamp_limits, eye_in_scene
from translight.render.tint import tint_curve

ROTATION, TRANSLATION, SCALE, EYE = 0, 9, 12, 13
"""camera_from_scene: rotation row by row, translation in metres, scale; and the eye in scene units."""
FX, FY, CX, CY, NEAR = 16, 17, 18, 19, 20
LIMITS, WIDTH, HEIGHT = 21, 25, 26
"""Clamps of x/z (low, high) and y/z (low, high); picture size in pixels."""
STAGE_ROTATION = 27
"""stage_from_camera's rotation row by row, for the sky."""
BY_DISTANCE = 36
"""Where splats are ordered by their distance from the eye: metres² of a scene unit². 0 where by depth."""
ANTIALIASED, TINTED = 37, 38
"""1 where the layer is, else 0."""
TINT = 39
"""tint.py's flat curve, where the layer is tinted."""
LENGTH = 51


def view_row(layer: Layer, encoding: ColourEncoding, view: View, order: Order = "depth") -> Float32[np.ndarray, "51"]:
    """The numbers of one view of a layer whose colours are so encoded."""
    camera = view.camera
    camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ layer.stage_from_scene
    row = np.empty(LENGTH, np.float32)
    row[ROTATION:TRANSLATION] = camera_from_scene.pose.rotation().ravel()
    row[TRANSLATION:SCALE] = camera_from_scene.pose.position_m
    row[SCALE] = camera_from_scene.scale
    row[EYE:FX] = eye_in_scene(layer.stage_from_scene, view.stage_from_camera)
    row[FX:LIMITS] = (camera.fx, camera.fy, camera.cx, camera.cy, view.near_m)
    row[LIMITS:WIDTH] = clamp_limits(camera)
    row[WIDTH], row[HEIGHT] = camera.width_px, camera.height_px
    row[STAGE_ROTATION:BY_DISTANCE] = view.stage_from_camera.rotation().ravel()
    row[BY_DISTANCE] = layer.stage_from_scene.scale**2 if order == "distance" else 0.0
    row[ANTIALIASED], row[TINTED] = layer.antialiased, layer.tint != NO_TINT
    row[TINT:] = tint_curve(layer.tint, encoding) if layer.tint != NO_TINT else 0.0
    return row
