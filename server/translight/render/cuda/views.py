"""The views that are drawn together, as the words of ``kernels/frame.cu``; and which views may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from translight.core.camera import View
from translight.render.contract import Order, Scene
from translight.render.cpu.cull import planes
from translight.render.cpu.viewpoint import LENGTH, view_row
from translight.render.cuda.source import MAX_VIEWS, TILE_PX

VIEW = np.dtype(
    [
        ("row", "<f4", LENGTH),
        ("planes", "<f4", 25),
        *((name, "<i4") for name in ("columns", "rows", "first_tile", "first_pixel")),
    ]
)
"""``View`` of frame.cu: its floats are ``render/cpu/viewpoint.py``'s row, then ``render/cpu/cull.py``'s planes."""
FRAME = np.dtype([("views", "<i4"), ("view", VIEW, MAX_VIEWS)])
Size = tuple[int, int]
"""Width and height in pixels."""


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
        size = (view.camera.width_px, view.camera.height_px)
        row = view_row(scene, view, order)
        entry["row"], entry["planes"] = row, planes(row)
        entry["columns"], entry["rows"] = tile_counts(size)
        entry["first_tile"], entry["first_pixel"] = tiles, pixels
        tiles += int(entry["columns"]) * int(entry["rows"])
        pixels += size[0] * size[1]
    return block


def tile_counts(size: Size) -> tuple[int, int]:
    """Columns and rows of tiles that cover a picture."""
    return -(-size[0] // TILE_PX), -(-size[1] // TILE_PX)
