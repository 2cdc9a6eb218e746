"""The views that are drawn together, as the words of ``kernels/frame.cu``; and which views may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from translight.core.camera import View
from translight.render.contract import ALPHA_CUT, DILATION_PX2, Order, Scene
from translight.render.cuda.source import MAX_VIEWS, TILE_PX
from translight.render.projection import clamp_limits

_FLOATS = {
    "rotation": (3, 3), "translation": (3,), "scale": (), "eye": (3,), "focal": (2,), "principal": (2,), "near_m": (),
    "limits": (4,), "size": (2,), "stage_rotation": (3, 3), "by_distance": (), "planes": (5, 5),
}  # fmt: skip
VIEW = np.dtype(
    [(name, "<f4", shape) for name, shape in _FLOATS.items()]
    + [(name, "<i4") for name in ("columns", "rows", "first_tile", "first_pixel")]
)
"""``View`` of frame.cu."""
FRAME = np.dtype([("views", "<i4"), ("view", VIEW, MAX_VIEWS)])
Size = tuple[int, int]
"""Width and height in pixels."""

_REACH = math.sqrt(-2.0 * math.log(ALPHA_CUT))
_BLUR_PX = _REACH * math.sqrt(DILATION_PX2) - 0.5


def together(views: Sequence[View], order: Order) -> list[list[int]]:
    """The views' numbers in groups that are drawn at once: those of one eye, where the order is by distance from it."""
    groups: dict[object, list[list[int]]] = {}
    for number, view in enumerate(views):
        key: object = view.stage_from_camera.position_m.tobytes() if order == "distance" else number
        of_eye = groups.setdefault(key, [[]])
        if len(of_eye[-1]) == MAX_VIEWS:
            of_eye.append([])
        of_eye[-1].append(number)
    return [group for of_eye in groups.values() for group in of_eye]


def frame_block(scene: Scene, views: Sequence[View], order: Order) -> np.ndarray:
    """One ``FRAME`` of up to ``MAX_VIEWS`` views of one eye."""
    block = np.zeros((), FRAME)
    block["views"] = n = len(views)
    entries = block["view"][:n]
    placement = scene.stage_from_scene
    stage_from_scene, scale = placement.pose.rotation(), placement.scale
    cameras = [view.camera for view in views]
    limits = [clamp_limits(camera) for camera in cameras]
    eyes = np.array([view.stage_from_camera.position_m for view in views]) - placement.pose.position_m
    stage_from_camera = np.array([view.stage_from_camera.rotation() for view in views])
    camera_from_stage = stage_from_camera.transpose(0, 2, 1)
    rotation = camera_from_stage @ stage_from_scene
    translation = -(camera_from_stage @ eyes[:, :, None])
    entries["rotation"], entries["translation"], entries["scale"] = rotation, translation[:, :, 0], scale
    entries["eye"] = eyes @ stage_from_scene / scale
    entries["focal"] = [(camera.fx, camera.fy) for camera in cameras]
    entries["principal"] = [(camera.cx, camera.cy) for camera in cameras]
    entries["size"] = [(camera.width_px, camera.height_px) for camera in cameras]
    entries["near_m"], entries["limits"] = [view.near_m for view in views], limits
    entries["stage_rotation"], entries["by_distance"] = stage_from_camera, order == "distance"
    planes = np.array([_borders(view, own) for view, own in zip(views, limits, strict=True)])
    entries["planes"][:, :, :3] = planes[:, :, :3] @ rotation * scale
    entries["planes"][:, :, 3] = (planes[:, :, :3] @ translation)[:, :, 0] + planes[:, :, 3]
    entries["planes"][:, :, 4] = planes[:, :, 4] * scale
    tiles = pixels = 0
    for entry, camera in zip(entries, cameras, strict=True):
        size = camera.width_px, camera.height_px
        columns, rows = tile_counts(size)
        entry["columns"], entry["rows"], entry["first_tile"], entry["first_pixel"] = columns, rows, tiles, pixels
        tiles, pixels = tiles + columns * rows, pixels + size[0] * size[1]
    return block


def _borders(view: View, limits: tuple[float, float, float, float]) -> list[tuple[float, float, float, float, float]]:
    """Half-spaces of camera axes in which splats may be seen: normal, offset, how far a scale of a metre moves it out.

    Left, right, upper and lower border, near plane; ``render/cpu/cull.py`` has the argument, and the same numbers.
    """
    camera, (low_x, high_x, low_y, high_y) = view.camera, limits
    across = _REACH * camera.fx * math.hypot(1.0, max(-low_x, high_x))
    down = _REACH * camera.fy * math.hypot(1.0, max(-low_y, high_y))
    return [
        (camera.fx, 0.0, camera.cx + _BLUR_PX, 0.0, across),
        (-camera.fx, 0.0, camera.width_px - camera.cx + _BLUR_PX, 0.0, across),
        (0.0, camera.fy, camera.cy + _BLUR_PX, 0.0, down),
        (0.0, -camera.fy, camera.height_px - camera.cy + _BLUR_PX, 0.0, down),
        (0.0, 0.0, 1.0, -view.near_m, 0.0),
    ]


def tile_counts(size: Size) -> tuple[int, int]:
    """Columns and rows of tiles that cover a picture."""
    return -(-size[0] // TILE_PX), -(-size[1] // TILE_PX)
