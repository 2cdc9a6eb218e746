"""A brief from above: stage, reach, blocking, camera with its angle of view, and the sun; sheet.py places it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageDraw, ImageFont

from translight.generation.brief.blockout import box, in_picture
from translight.generation.brief.brief import BlockKind, Brief
from translight.generation.brief.optics import field_of_view_deg

PAPER, INK, FAINT = (24, 24, 26), (225, 225, 225), (58, 58, 62)
KINDS: dict[BlockKind, tuple[int, int, int]] = {
    "actor": (240, 150, 50),
    "hero": (214, 90, 170),
    "wall": (96, 134, 180),
    "floor": (110, 130, 84),
}
CAMERA, _SUN = (110, 215, 140), (255, 214, 90)
_NEAREST_M = 4.0
_BEYOND = 3.0
"""The place gets a plan of its own where it goes so many times farther than the stage."""


def extents_m(brief: Brief) -> tuple[float, float]:
    """Half the sides of two square plans: of the reach and who stands on the stage, and of all of it."""
    reach = max(brief.stage.reach_m[:2]) / 2
    near, far = max(_NEAREST_M, reach), brief.stage.depth_m if brief.stage.depth_m < 20 else 0.0
    for block in brief.blocking:
        corner = float(np.abs(box(block).foot_m()).max())
        far = max(far, corner)
        if not in_picture(block):
            near = max(near, corner)
    near = 1.2 * near
    return near, max(1.15 * far, _BEYOND * near)


def plan(brief: Brief, side_px: int, half_m: float, title: str) -> Image.Image:
    """A square picture, the stage's origin in its middle, +Y up, +X to the right, ``half_m`` metres to each side."""
    picture = Image.new("RGB", (side_px, side_px), PAPER)
    draw = ImageDraw.Draw(picture, "RGBA")
    scale = side_px / 2 / half_m

    def at(xy: Float64[np.ndarray, "n 2"]) -> list[tuple[float, float]]:
        return [(side_px / 2 + x * scale, side_px / 2 - y * scale) for x, y in np.asarray(xy, np.float64)]

    step = _round_step(half_m)
    for k in range(-math.floor(half_m / step), math.floor(half_m / step) + 1):
        metres = k * step
        draw.line(at(np.array([[metres, -half_m], [metres, half_m]])), fill=FAINT)
        draw.line(at(np.array([[-half_m, metres], [half_m, metres]])), fill=FAINT)
    depth = brief.stage.depth_m * scale
    if depth < side_px:
        middle = side_px / 2
        draw.ellipse((middle - depth, middle - depth, middle + depth, middle + depth), outline=(150, 150, 150), width=1)
    _view(draw, brief, at, half_m)
    for block in sorted(brief.blocking, key=lambda one: one.kind != "floor"):
        corners = at(box(block).foot_m())
        colour = KINDS[block.kind]
        draw.polygon(corners, fill=(*colour, 210 if in_picture(block) else 110), outline=colour)
    _names(draw, brief, at, side_px)
    _sun(draw, brief, side_px)
    draw.text((10, 8), f"{title}, grid {step:g} m", INK, ImageFont.load_default(15), stroke_width=2, stroke_fill=PAPER)
    draw.rectangle((0, 0, side_px - 1, side_px - 1), outline=FAINT)
    return picture


def sun_words(brief: Brief) -> str:
    """The sun's place in numbers."""
    light = brief.light
    return f"sun {light.sun_azimuth_deg:+g}° right of +Y, {light.sun_elevation_deg:+g}° high"


def _names(
    draw: ImageDraw.ImageDraw, brief: Brief, at: Callable[[Any], list[tuple[float, float]]], side_px: int
) -> None:
    """Each block's name below it, or above where another name stands; none on blocks of a few pixels."""
    font = ImageFont.load_default(13)
    taken: list[tuple[float, float, float]] = []
    for block in brief.blocking:
        across, down = np.array(at(box(block).foot_m())).T
        x, y = at(np.array([block.position_m[:2]]))[0]
        if not (0 < x < side_px and 0 < y < side_px) or max(np.ptp(across), np.ptp(down)) < 5:
            continue
        name = " ".join(block.name.split())
        half = draw.textlength(name, font) / 2
        places = (min(float(down.max()) + 2, side_px - 18.0), max(float(down.min()) - 18, 26.0))
        clear = (p for p in places if all(abs(p - ty) > 14 or abs(x - tx) > half + th for tx, ty, th in taken))
        top = next(clear, None)
        if top is not None:
            taken.append((x, top, half))
            draw.text((x, top), name, INK, font, anchor="ma", stroke_width=2, stroke_fill=PAPER)


def _view(
    draw: ImageDraw.ImageDraw, brief: Brief, at: Callable[[Any], list[tuple[float, float]]], half_m: float
) -> None:
    """The camera at the origin, its horizontal angle of view, and the volume that it moves in."""
    half = math.radians(field_of_view_deg(brief.lens)[0] / 2)
    far = 3 * half_m
    sides = np.array([[-math.sin(half), math.cos(half)], [math.sin(half), math.cos(half)]]) * far
    draw.polygon(at(np.array([[0.0, 0.0], *sides])), fill=(*CAMERA, 26))
    for side in sides:
        draw.line(at(np.array([[0.0, 0.0], side])), fill=CAMERA, width=1)
    x, y = brief.stage.reach_m[0] / 2, brief.stage.reach_m[1] / 2
    draw.polygon(at(np.array([[-x, -y], [x, -y], [x, y], [-x, y]])), outline=CAMERA)
    ((left, top),) = at(np.zeros((1, 2)))
    draw.polygon([(left, top - 9), (left - 7, top + 6), (left + 7, top + 6)], fill=CAMERA)


def _sun(draw: ImageDraw.ImageDraw, brief: Brief, side_px: int) -> None:
    """A disc on the rim in the sun's azimuth, hollow when it is below the horizon, with a ray towards the middle."""
    azimuth = math.radians(brief.light.sun_azimuth_deg)
    outward = np.array([math.sin(azimuth), -math.cos(azimuth)])
    middle = side_px / 2 + outward * (side_px / 2 - 26) / max(abs(outward))
    down = brief.light.sun_elevation_deg <= 0
    inward = middle - outward * 56
    draw.line([tuple(middle), tuple(inward)], fill=_SUN, width=2)
    x, y = middle
    draw.ellipse((x - 11, y - 11, x + 11, y + 11), fill=PAPER if down else _SUN, outline=_SUN, width=2)


def _round_step(half_m: float) -> float:
    """Of 1, 2, 5 times a power of ten, the one that makes four to nine lines on each side."""
    power = 10.0 ** math.floor(math.log10(half_m / 4))
    return max(step * power for step in (1, 2, 5) if step * power <= half_m / 4)
