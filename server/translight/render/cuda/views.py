"""The views and layers that are drawn together, as the words of ``kernels/frame.cu``; and which views may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import View
from translight.core.errors import BackendError
from translight.core.rotations import rotations
from translight.render.clip import clips_of, flat
from translight.render.contract import ALPHA_CUT, DILATION_PX2, Order, Scene
from translight.render.cuda.source import MAX_LAYERS, MAX_VIEWS, TILE_PX
from translight.render.projection import clamp_limits
from translight.render.tint import tint_curve


def _floats(**shapes: tuple[int, ...]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(name, "<f4", shape) for name, shape in shapes.items()]


def _ints(*names: str) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(name, "<i4", ()) for name in names]


VIEW = np.dtype(
    _floats(focal=(2,), principal=(2,), near_m=(), limits=(4,), size=(2,), stage_rotation=(3, 3))
    + _ints("columns", "rows", "first_tile", "first_pixel")
)
"""``View`` of frame.cu."""
LAYER = np.dtype(_floats(scale=(), eye=(3,), by_distance=(), antialiased=(), tint=(12,)))
"""``Layer`` of frame.cu."""
PLACEMENT = np.dtype(_floats(rotation=(3, 3), translation=(3,), planes=(5, 5)) + _ints("first_clip", "end_clip"))
"""``Placement`` of frame.cu."""
HALF_SPACE = 5
"""Numbers of a half-space of clip.py's flat conditions."""
Size = tuple[int, int]
"""Width and height in pixels."""

_REACH = math.sqrt(-2.0 * math.log(ALPHA_CUT))


@cache
def frame_words(placements: int = MAX_LAYERS * MAX_VIEWS) -> np.dtype[np.void]:
    """``Frame`` of frame.cu, up to so many placements, since no more than are read need be uploaded."""
    return np.dtype(
        [
            ("views", "<i4"),
            ("sky_tint", "<f4", (12,)),
            ("view", VIEW, (MAX_VIEWS,)),
            ("layer", LAYER, (MAX_LAYERS,)),
            ("placement", PLACEMENT, (placements,)),
        ]
    )


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


def frame_block(
    scene: Scene, views: Sequence[View], order: Order
) -> tuple[np.ndarray, Float32[np.ndarray, "half_spaces*5"]]:
    """One ``Frame`` of up to ``MAX_VIEWS`` views of one eye, and the clips of all layers, flat, a view's after another.

    A tenth of a millisecond a layer, for all views together. Raises BackendError on more than ``MAX_LAYERS`` layers.
    """
    if len(scene.layers) > MAX_LAYERS:
        raise BackendError(f"the cuda backend draws at most {MAX_LAYERS} layers, got a scene of {len(scene.layers)}")
    n = len(views)
    block = np.zeros((), frame_words(n * len(scene.layers)))
    block["views"], block["sky_tint"] = n, tint_curve(scene.sky_tint, scene.encoding)
    eyes = np.array([view.stage_from_camera.position_m for view in views])
    stage_from_camera = rotations(np.array([view.stage_from_camera.wxyz for view in views]))
    camera_from_stage = stage_from_camera.transpose(0, 2, 1)
    cameras = [view.camera for view in views]
    intrinsics = np.array([(c.fx, c.fy, c.cx, c.cy, c.width_px, c.height_px) for c in cameras], np.float64)
    limits = np.array([clamp_limits(camera) for camera in cameras])
    near_m = np.array([view.near_m for view in views])

    entries = block["view"][:n]
    entries["focal"], entries["principal"], entries["size"] = intrinsics[:, :2], intrinsics[:, 2:4], intrinsics[:, 4:]
    entries["near_m"], entries["limits"], entries["stage_rotation"] = near_m, limits, stage_from_camera
    counts = np.array([tile_counts((c.width_px, c.height_px)) for c in cameras])
    entries["columns"], entries["rows"] = counts.T
    entries["first_tile"][1:] = np.cumsum(counts.prod(axis=1))[:-1]
    entries["first_pixel"][1:] = np.cumsum(intrinsics[:, 4] * intrinsics[:, 5])[:-1]

    clips: list[Float32[np.ndarray, "half_spaces*5"]] = []
    for number, (layer, entry) in enumerate(zip(scene.layers, block["layer"], strict=False)):
        placed = layer.stage_from_scene
        stage_from_scene = placed.pose.rotation()
        entry["scale"], entry["antialiased"] = placed.scale, layer.antialiased
        entry["eye"] = (eyes[0] - placed.pose.position_m) @ stage_from_scene / placed.scale
        entry["by_distance"] = placed.scale**2 if order == "distance" else 0.0
        entry["tint"] = tint_curve(layer.tint, scene.encoding)

        placements = block["placement"][number * n : (number + 1) * n]
        rotation = camera_from_stage @ stage_from_scene
        translation = (camera_from_stage @ (placed.pose.position_m - eyes)[:, :, None])[:, :, 0]
        placements["rotation"], placements["translation"] = rotation, translation
        placements["planes"] = culling_planes(rotation, translation, placed.scale, intrinsics, limits, near_m)
        own = [flat(clips_of(layer.clips, view, placed)) for view in views]
        ends = sum(map(len, clips)) + np.cumsum([len(part) for part in own])
        placements["end_clip"] = ends // HALF_SPACE
        placements["first_clip"] = (ends - [len(part) for part in own]) // HALF_SPACE
        clips += own
    return block, np.concatenate(clips)


def culling_planes(
    rotation: Float64[np.ndarray, "v 3 3"], translation: Float64[np.ndarray, "v 3"], scale: float,
    intrinsics: Float64[np.ndarray, "v 6"], limits: Float64[np.ndarray, "v 4"], near_m: Float64[np.ndarray, "v"],
) -> Float64[np.ndarray, "v 5 5"]:  # fmt: skip
    """Half-spaces in which splats may be seen: normal in scene axes, offset, what a scale of 1 moves it outwards.

    Left, right, upper and lower border, near plane; ``render/cpu/cull.py`` has the argument, and the same numbers.
    Rotation, translation and scale are camera_from_scene's; intrinsics fx, fy, cx, cy, width and height.
    """
    fx, fy, cx, cy, width, height = intrinsics.T
    blur = _REACH * math.sqrt(DILATION_PX2) - 0.5
    # Of a point in camera axes, and of a splat's scale in metres.
    normals = np.zeros((len(fx), 5, 3))
    normals[:, 0, 0], normals[:, 1, 0], normals[:, 2, 1], normals[:, 3, 1] = fx, -fx, fy, -fy
    normals[:, :4, 2] = np.stack([cx, width - cx, cy, height - cy], axis=1) + blur
    normals[:, 4, 2] = 1.0
    outwards = np.zeros((len(fx), 5))
    outwards[:, :2] = (_REACH * fx * np.hypot(1.0, np.maximum(-limits[:, 0], limits[:, 1])))[:, None]
    outwards[:, 2:4] = (_REACH * fy * np.hypot(1.0, np.maximum(-limits[:, 2], limits[:, 3])))[:, None]
    found = np.empty((len(fx), 5, 5))
    found[:, :, :3] = normals @ rotation * scale
    found[:, :, 3] = (normals @ translation[:, :, None])[:, :, 0]
    found[:, 4, 3] -= near_m
    found[:, :, 4] = outwards * scale
    return found


def tile_counts(size: Size) -> tuple[int, int]:
    """Columns and rows of tiles that cover a picture."""
    return -(-size[0] // TILE_PX), -(-size[1] // TILE_PX)
