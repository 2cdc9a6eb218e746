"""A picture of a dataset's cameras and points from above and from the side, for the eye to check poses by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageDraw, ImageFont

from translight.core.files import whole_file
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Similarity
from translight.reconstruction.dataset import Dataset

_WIDTH_PX, _HEIGHT_PX = 1200, 720
_MARGIN_PX = 44
_BACKGROUND, _INK, _CAMERA, _FLOOR = (250, 250, 247), (60, 60, 60), (200, 60, 20), (150, 170, 150)
_PERCENTILES = (2.0, 98.0)
_STEPS = (1, 2, 5)


def draw_poses(dataset: Dataset, file: Path) -> None:
    """Write a JPEG: from above (X right, Y up) on the left, from the side (Y right, Z up) on the right.

    The scene stands upright in it, its floor level, however it is tilted on the stage.

    Both at one scale, points in their own colours, cameras as the corners of their views. Far points are cut off.
    """
    points, colours = np.zeros((0, 3)), np.zeros((0, 3), np.uint8)
    stage = _upright(dataset)
    if dataset.points is not None:
        points, colours = stage.apply(dataset.points.xyz), dataset.points.rgb
    centres = stage.apply(dataset.centres())
    low, high = _bounds(points, centres)
    canvas = Image.new("RGB", (_WIDTH_PX, _HEIGHT_PX), _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    half = _WIDTH_PX // 2
    room = np.array([half - 2 * _MARGIN_PX, _HEIGHT_PX - 2 * _MARGIN_PX])
    px_per_m = min(
        float((room / np.maximum(high[list(axes)] - low[list(axes)], 1e-9)).min()) for axes in ((0, 1), (1, 2))
    )
    corners = _corners(dataset, 26.0 / px_per_m)
    floor_z = float(stage.apply(np.zeros(3))[2])
    for left, axes, title in ((0, (0, 1), "from above"), (half, (1, 2), "from the side")):
        picked = list(axes)
        middle = (low + high)[picked] / 2

        def pixels(xyz: Float64[np.ndarray, "n 3"], left: int = left, picked: list[int] = picked,
                   middle: Float64[np.ndarray, "2"] = middle) -> Float64[np.ndarray, "n 2"]:  # fmt: skip
            flat = (xyz[:, picked] - middle) * px_per_m * (1, -1)
            return flat + np.array([left + half / 2, _HEIGHT_PX / 2])

        if axes == (1, 2):
            y = float(pixels(np.array([[0.0, 0.0, floor_z]]))[0, 1])
            draw.line((left + _MARGIN_PX, y, left + half - _MARGIN_PX, y), fill=_FLOOR, width=2)
        _dots(canvas, pixels(points), colours, left, half)
        for centre, view in zip(pixels(centres), (pixels(c) for c in corners), strict=True):
            outline = [*map(tuple, view[[0, 1, 2, 3, 0]])]
            draw.line(outline, fill=_CAMERA, width=1)
            for corner in view:
                draw.line([tuple(centre), tuple(corner)], fill=_CAMERA, width=1)
        draw.text((left + _MARGIN_PX, 12), title, fill=_INK, font=ImageFont.load_default(18))
    _scale_bar(draw, px_per_m, "m" if dataset.metres_per_unit is not None else "m, guessed")
    with whole_file(file) as aside:
        canvas.save(aside, quality=88)


def _upright(dataset: Dataset) -> Similarity:
    return Similarity(dataset.stage_from_scene.scale, STAGE_FROM_RDF)


def _bounds(
    points: Float64[np.ndarray, "m 3"], centres: Float64[np.ndarray, "n 3"]
) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
    """The cameras, and most of the points."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    if len(points):
        first, last = np.percentile(points, _PERCENTILES, axis=0)
        low, high = np.minimum(low, first), np.maximum(high, last)
    return low, high


def _corners(dataset: Dataset, depth: float) -> list[Float64[np.ndarray, "4 3"]]:
    """The corners of each camera's picture, so deep before it, on the stage."""
    found = []
    for image in dataset.images:
        w, h = image.camera.width_px, image.camera.height_px
        rays = image.camera.ray(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64))
        found.append(_upright(dataset).apply(image.scene_from_camera.apply(rays * depth)))
    return found


def _dots(canvas: Image.Image, where: Float64[np.ndarray, "n 2"], colours: np.ndarray, left: int, width: int) -> None:
    x, y = np.floor(where).astype(np.intp).T
    inside = (x >= left + 2) & (x < left + width - 3) & (y >= 2) & (y < _HEIGHT_PX - 3)
    pixels = np.array(canvas)
    for dx in (0, 1):
        for dy in (0, 1):
            pixels[y[inside] + dy, x[inside] + dx] = colours[inside]
    canvas.paste(Image.fromarray(pixels))


def _scale_bar(draw: ImageDraw.ImageDraw, px_per_m: float, unit: str) -> None:
    metres = 120.0 / px_per_m
    power = 10.0 ** np.floor(np.log10(metres))
    length = max(step * power for step in _STEPS if step * power <= metres * (1 + 1e-9))
    x, y = _MARGIN_PX, _HEIGHT_PX - 22
    draw.line((x, y, x + length * px_per_m, y), fill=_INK, width=3)
    draw.text((x + length * px_per_m + 10, y - 12), f"{length:g} {unit}", fill=_INK, font=ImageFont.load_default(18))
