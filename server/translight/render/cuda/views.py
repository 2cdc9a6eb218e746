"""The views that are drawn together, as the words of ``kernels/frame.cu``; and which views may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from translight.core.camera import Camera, View
from translight.core.pose import Similarity
from translight.render.contract import ALPHA_CUT, DILATION_PX2, Order, Scene
from translight.render.cuda.source import MAX_VIEWS, TILE_PX
from translight.render.projection import clamp_limits, eye_in_scene

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
    block["views"] = len(views)
    tiles = pixels = 0
    for entry, view in zip(block["view"], views, strict=False):
        camera = view.camera
        camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ scene.stage_from_scene
        entry["rotation"] = camera_from_scene.pose.rotation()
        entry["translation"], entry["scale"] = camera_from_scene.pose.position_m, camera_from_scene.scale
        entry["eye"] = eye_in_scene(scene, view.stage_from_camera)
        entry["focal"], entry["principal"] = (camera.fx, camera.fy), (camera.cx, camera.cy)
        entry["near_m"], entry["limits"] = view.near_m, clamp_limits(camera)
        entry["size"] = size = camera.width_px, camera.height_px
        entry["stage_rotation"] = view.stage_from_camera.rotation()
        entry["by_distance"] = order == "distance"
        entry["planes"] = culling_planes(camera_from_scene, camera, view.near_m)
        entry["columns"], entry["rows"] = tile_counts(size)
        entry["first_tile"], entry["first_pixel"] = tiles, pixels
        tiles += math.prod(tile_counts(size))
        pixels += size[0] * size[1]
    return block


def culling_planes(camera_from_scene: Similarity, camera: Camera, near_m: float) -> Float64[np.ndarray, "5 5"]:
    """Half-spaces in which splats may be seen: normal in scene axes, offset, what a scale of 1 moves it outwards.

    Left, right, upper and lower border, near plane; ``render/cpu/cull.py`` has the argument, and the same numbers.
    """
    low_x, high_x, low_y, high_y = clamp_limits(camera)
    blur = _REACH * math.sqrt(DILATION_PX2) - 0.5
    across = _REACH * camera.fx * math.hypot(1.0, max(-low_x, high_x))
    down = _REACH * camera.fy * math.hypot(1.0, max(-low_y, high_y))
    right, bottom = camera.width_px - camera.cx, camera.height_px - camera.cy
    # Of a point in camera axes, and of a splat's scale in metres.
    normals = np.array(
        [
            [camera.fx, 0, camera.cx + blur],
            [-camera.fx, 0, right + blur],
            [0, camera.fy, camera.cy + blur],
            [0, -camera.fy, bottom + blur],
            [0, 0, 1],
        ]
    )
    found = np.empty((5, 5))
    found[:, :3] = normals @ camera_from_scene.pose.rotation() * camera_from_scene.scale
    found[:, 3] = normals @ camera_from_scene.pose.position_m
    found[4, 3] -= near_m
    found[:, 4] = camera_from_scene.scale * np.array([across, across, down, down, 0.0])
    return found


def tile_counts(size: Size) -> tuple[int, int]:
    """Columns and rows of tiles that cover a picture."""
    return -(-size[0] // TILE_PX), -(-size[1] // TILE_PX)
