"""The views and layers that are drawn together, as the words of ``kernels/frame.cu``; and which views may be."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Float32

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.rotations import matrix_entries
from translight.environment.environment import ColourEncoding
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

_HEAD, _VIEW, _LAYER, _PLACEMENT = (struct.Struct(fields) for fields in ("<i12f", "<20f4i", "<6f12f", "<37f2i"))
"""Of ``Frame``: what comes before its arrays, and their elements."""
_REACH = math.sqrt(-2.0 * math.log(ALPHA_CUT))
_BLUR = _REACH * math.sqrt(DILATION_PX2) - 0.5


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


@cache
def _offsets(words: np.dtype[np.void]) -> dict[str, int]:
    """Where each field of ``Frame`` begins, in bytes."""
    assert words.fields is not None
    return {name: field[1] for name, field in words.fields.items()}


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

    Plain numbers, packed: arrays of three would cost ten times as much. Raises BackendError on more than
    ``MAX_LAYERS`` layers.
    """
    if len(scene.layers) > MAX_LAYERS:
        raise BackendError(f"the cuda backend draws at most {MAX_LAYERS} layers, got a scene of {len(scene.layers)}")
    n = len(views)
    words = frame_words(n * len(scene.layers))
    at = _offsets(words)
    buffer = bytearray(words.itemsize)
    _HEAD.pack_into(buffer, 0, n, *_tint(scene.sky_tint, scene.encoding))
    seen, tile, pixel = [], 0, 0
    for number, view in enumerate(views):
        camera = view.camera
        columns, rows = tile_counts((camera.width_px, camera.height_px))
        rotation = matrix_entries(*view.stage_from_camera.wxyz.tolist())
        limits = clamp_limits(camera)
        _VIEW.pack_into(
            buffer, at["view"] + number * _VIEW.size, camera.fx, camera.fy, camera.cx, camera.cy, view.near_m, *limits,
            camera.width_px, camera.height_px, *rotation, columns, rows, tile, pixel,
        )  # fmt: skip
        seen.append((_transposed(rotation), view.stage_from_camera.position_m.tolist(), _borders(camera, limits)))
        tile += columns * rows
        pixel += camera.width_px * camera.height_px

    clips: list[Float32[np.ndarray, "half_spaces*5"]] = []
    half_spaces = 0
    for number, layer in enumerate(scene.layers):
        placed, scale = layer.stage_from_scene, float(layer.stage_from_scene.scale)
        turn, origin = matrix_entries(*placed.pose.wxyz.tolist()), placed.pose.position_m.tolist()
        eye = _times(_transposed(turn), [(a - b) / scale for a, b in zip(seen[0][1], origin, strict=True)])
        _LAYER.pack_into(
            buffer, at["layer"] + number * _LAYER.size, scale, *eye, scale**2 if order == "distance" else 0.0,
            layer.antialiased, *_tint(layer.tint, scene.encoding),
        )  # fmt: skip
        for k, (camera_from_stage, position, borders) in enumerate(seen):
            rotation = _product(camera_from_stage, turn)
            translation = _times(camera_from_stage, [a - b for a, b in zip(origin, position, strict=True)])
            first, own = half_spaces, clips_of(layer.clips, views[k], placed)
            if own:
                clips.append(flat(own))
                half_spaces += len(clips[-1]) // HALF_SPACE
            _PLACEMENT.pack_into(
                buffer, at["placement"] + (number * n + k) * _PLACEMENT.size, *rotation, *translation,
                *_planes(rotation, translation, scale, borders, views[k].near_m), first, half_spaces,
            )  # fmt: skip
    return np.frombuffer(buffer, words).reshape(()), np.concatenate(clips) if clips else flat(())


Border = tuple[int, float, float, float]
"""A half-space in camera axes: which axis its normal has a part along beside z, that part, z's, and what a splat's
scale in metres moves it outwards."""


def _borders(camera: Camera, limits: tuple[float, float, float, float]) -> tuple[Border, ...]:
    """Between which a picture's splats lie: left, right, upper and lower border, near plane.

    ``render/cpu/cull.py`` has the argument, and the same numbers.
    """
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    across = _REACH * fx * math.hypot(1.0, max(-limits[0], limits[1]))
    down = _REACH * fy * math.hypot(1.0, max(-limits[2], limits[3]))
    return (
        (0, fx, cx + _BLUR, across),
        (0, -fx, camera.width_px - cx + _BLUR, across),
        (1, fy, cy + _BLUR, down),
        (1, -fy, camera.height_px - cy + _BLUR, down),
        (0, 0.0, 1.0, 0.0),
    )


def _planes(
    rotation: Sequence[float], translation: Sequence[float], scale: float, borders: Sequence[Border], near_m: float
) -> list[float]:
    """Half-spaces in which splats may be seen: normal in scene axes, offset, what a scale of 1 moves it outwards.

    Rotation, translation and scale are camera_from_scene's.
    """
    x, y, z = rotation[6:]
    numbers: list[float] = []
    for axis, part, ahead, outwards in borders:
        along, forwards = scale * part, scale * ahead
        a, b, c = rotation[3 * axis : 3 * axis + 3]
        numbers += (
            along * a + forwards * x, along * b + forwards * y, along * c + forwards * z,
            part * translation[axis] + ahead * translation[2], scale * outwards,
        )  # fmt: skip
    numbers[-2] -= near_m
    return numbers


def _transposed(m: Sequence[float]) -> tuple[float, ...]:
    return m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]


def _times(m: Sequence[float], v: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = v
    return m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z


def _product(a: Sequence[float], b: Sequence[float]) -> tuple[float, ...]:
    (p, s, v), (q, t, w), (r, u, x) = (_times(a, b[k::3]) for k in range(3))
    return p, q, r, s, t, u, v, w, x


@lru_cache(maxsize=256)
def _tint(tint: tuple[float, float, float], encoding: ColourEncoding) -> list[float]:
    """A curve is made once: a scene keeps its tints from frame to frame."""
    return [float(value) for value in tint_curve(tint, encoding)]


def tile_counts(size: Size) -> tuple[int, int]:
    """Columns and rows of tiles that cover a picture."""
    return -(-size[0] // TILE_PX), -(-size[1] // TILE_PX)
