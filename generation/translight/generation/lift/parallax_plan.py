"""The parallax budget as a picture: a plan of the stage from above, coloured by holes (parallax.py)."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from translight.generation.lift.parallax import Parallax

_SIZE_PX, _MARGIN_PX, _TEXT_PX = 480, 60, 15
_WELL, _EDGE, _ILL = np.array([27, 120, 90]), np.array([250, 230, 150]), np.array([190, 40, 30])
"""Colours of no holes, of the limit, and of ten times the limit."""
_INK = (20, 20, 20)


def plan(parallax: Parallax) -> UInt8[np.ndarray, "h w 3"]:
    """Forward is up. The colour is the share of holes, the box the stage's reach, the line how far one may go."""
    from PIL import Image, ImageDraw, ImageFont

    extent = float(parallax.offsets_m[-1])
    heat = _heat(parallax)
    sheet = Image.new("RGB", (_SIZE_PX + 2 * _MARGIN_PX, _SIZE_PX + 3 * _MARGIN_PX), (255, 255, 255))
    sheet.paste(Image.fromarray(heat), (_MARGIN_PX, _MARGIN_PX))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT_PX)

    def at(x_m: float, y_m: float) -> tuple[float, float]:
        scale = _SIZE_PX / (2 * extent)
        return _MARGIN_PX + (x_m + extent) * scale, _MARGIN_PX + (extent - y_m) * scale

    half = parallax.stage_m[0] / 2, parallax.stage_m[1] / 2
    draw.rectangle([*at(-half[0], half[1]), *at(half[0], -half[1])], outline=(255, 255, 255), width=3)
    names = ("right", "ahead right", "ahead", "ahead left", "left", "back left", "back", "back right")
    ring = []
    for k, name in enumerate(names):
        far, angle = parallax.reach_m[name], np.pi / 4 * k
        ring.append(at(far * np.cos(angle), far * np.sin(angle)))
    draw.line([*ring, ring[0]], fill=_INK, width=2)
    x, y = at(0, 0)
    draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=_INK)
    for metres in np.arange(-np.floor(extent), np.floor(extent) + 1):
        draw.text((at(metres, -extent)[0], _MARGIN_PX + _SIZE_PX + 6), f"{metres:g}", _INK, font, anchor="ma")
        draw.text((_MARGIN_PX - 8, at(-extent, metres)[1]), f"{metres:g}", _INK, font, anchor="rm")
    draw.text((_MARGIN_PX, 14), f"Parallax budget: black, {parallax.limit:.1%} holes at most", _INK, font)
    draw.text((_MARGIN_PX, 34), "white box: the stage's reach; metres from the eye", _INK, font)
    low = _MARGIN_PX + _SIZE_PX + 32
    inside = parallax.facts()["holes_within_stage"]
    text = f"holes within the stage: {inside['mean']:.2%} on average, {inside['most']:.2%} at most, "
    draw.text((_MARGIN_PX, low), text + f"{parallax.corners:.2%} at corners", _INK, font)
    text = f"up {parallax.reach('up')}, down {parallax.reach('down')} (+: not looked farther)"
    draw.text((_MARGIN_PX, low + 22), text, _INK, font)
    return np.asarray(sheet)


def _heat(parallax: Parallax) -> UInt8[np.ndarray, "s s 3"]:
    """Holes between the grid's places, bilinear, as colours: the limit in the middle of a logarithmic scale."""
    count = len(parallax.offsets_m)
    at = np.linspace(0, count - 1, _SIZE_PX)
    low = np.minimum(at.astype(int), count - 2)
    part = at - low
    rows = parallax.holes[low] * (1 - part[:, None]) + parallax.holes[low + 1] * part[:, None]
    values = (rows[:, low] * (1 - part) + rows[:, low + 1] * part)[::-1]
    scale = np.clip(0.5 + 0.5 * np.log10(np.maximum(values, 1e-9) / parallax.limit), 0, 1)[..., None]
    colours = np.where(scale < 0.5, _WELL + (_EDGE - _WELL) * 2 * scale, _EDGE + (_ILL - _EDGE) * (2 * scale - 1))
    return np.ascontiguousarray(colours, np.uint8)
