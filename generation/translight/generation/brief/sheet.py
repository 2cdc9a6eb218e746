"""One sheet of what a brief means: plans from above (plan.py), control panoramas, the references of its look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageDraw, ImageFont

from translight.core.image import load_image, to_u8
from translight.generation.brief.blockout import in_picture
from translight.generation.brief.brief import Brief
from translight.generation.brief.control import edge_picture, surfaces
from translight.generation.brief.optics import field_of_view_deg
from translight.generation.brief.parameters import Parameters
from translight.generation.brief.plan import CAMERA, FAINT, INK, KINDS, PAPER, extents_m, plan, sun_words
from translight.generation.panorama import pixels

_GAP_PX, _TITLE_PX, _PLAN_PX, _CAPTION_PX, _TILE_PX = 16, 92, 520, 22, 150
_PANORAMA_PX = (1032, 516)
_COLOURS = 6
_MAX_REFERENCE_PIXELS = 1 << 26


def sheet(brief: Brief, parameters: Parameters) -> UInt8[np.ndarray, "h w 3"]:
    """The picture of a translation. Raises FormatError on a reference that is no readable picture."""
    width = 3 * _GAP_PX + _PLAN_PX + _PANORAMA_PX[0]
    top, tall = _TITLE_PX, 2 * (_CAPTION_PX + _PANORAMA_PX[1]) + _GAP_PX
    strip = top + tall + _GAP_PX
    tiles = _TILE_PX + 30 if brief.style.references else 0
    canvas = Image.new("RGB", (width, strip + _CAPTION_PX + tiles + _GAP_PX), PAPER)
    draw = ImageDraw.Draw(canvas)
    _title(draw, brief, parameters, width)
    near, far = extents_m(brief)
    side = (tall - _GAP_PX) // 2
    for k, (half, name) in enumerate(((near, "the stage from above"), (far, "the place from above"))):
        canvas.paste(plan(brief, side, half, name), (_GAP_PX + (_PLAN_PX - side) // 2, top + k * (side + _GAP_PX)))
    left = 2 * _GAP_PX + _PLAN_PX
    frame = np.floor(pixels(_frame(brief), _PANORAMA_PX[1])).astype(int)
    for k, (caption, picture) in enumerate(_panoramas(brief, parameters)):
        y = top + k * (_CAPTION_PX + _PANORAMA_PX[1] + _GAP_PX)
        draw.text((left, y), caption, INK, ImageFont.load_default(15))
        canvas.paste(picture, (left, y + _CAPTION_PX))
        for column, row in frame:
            draw.point((left + column, y + _CAPTION_PX + row), CAMERA)
    _look(canvas, draw, brief, strip)
    return np.asarray(canvas)


def palette(picture: UInt8[np.ndarray, "h w 3"], count: int = _COLOURS) -> tuple[tuple[int, int, int], ...]:
    """The colours that stand for a picture, most frequent first (median cut, Heckbert 1982)."""
    small = Image.fromarray(picture)
    small.thumbnail((200, 200))
    reduced = small.quantize(count, Image.Quantize.MEDIANCUT)
    table = reduced.getpalette() or []
    counts = np.bincount(np.asarray(reduced).ravel(), minlength=count)
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    return tuple((table[3 * i], table[3 * i + 1], table[3 * i + 2]) for i in order)


def _title(draw: ImageDraw.ImageDraw, brief: Brief, parameters: Parameters, width: int) -> None:
    lens = brief.lens
    wide, high = field_of_view_deg(lens)
    facts = (
        f"{parameters.family or 'no family'} · {sun_words(brief)} · white {brief.light.colour_temperature_k:g} K · "
        f"{lens.focal_length_mm:g} mm T{lens.t_stop:g}, {wide:.3g}° x {high:.3g}°, eye {lens.height_m:g} m · "
        f"depth {brief.stage.depth_m:g} m · {brief.candidates} candidates"
    )
    room = width - 2 * _GAP_PX
    for y, text, size, colour in (
        (10, " ".join(brief.name.split()), 22, INK),
        (38, " ".join(brief.intent.split()), 15, INK),
        (62, facts, 15, KINDS["actor"]),
    ):
        font = ImageFont.load_default(size)
        draw.text((_GAP_PX, y), _fitted(draw, text, font, room), colour, font)


def _panoramas(brief: Brief, parameters: Parameters) -> Iterator[tuple[str, Image.Image]]:
    """Depth and edges, with the outlines of what is kept free over them."""
    maps = parameters.control
    kept = [block for block in brief.blocking if not in_picture(block)]
    height = _PANORAMA_PX[1]
    over = edge_picture(*surfaces(kept, brief.lens.height_m, 0.0, height)) > 0
    for name, values, weight in (
        ("depth", None if maps is None else maps.depth, 0.0 if maps is None else maps.depth_weight),
        ("edges", None if maps is None else maps.edges, 0.0 if maps is None else maps.edges_weight),
    ):
        if values is None:
            yield f"control {name}: none, for nothing is blocked out in the picture", _empty(over)
            continue
        grey = Image.fromarray(values).resize(
            _PANORAMA_PX, Image.Resampling.BOX if name == "edges" else Image.Resampling.BILINEAR
        )
        rgb = np.repeat(np.asarray(grey)[..., None], 3, axis=2)
        rgb[over] = KINDS["actor"]
        orange = ", orange: kept free for who stands on the stage" if kept else ""
        orange = f", green: the lens{orange}"
        yield f"control {name}, weight {weight:g}{orange}", Image.fromarray(rgb)


def _frame(brief: Brief) -> Float64[np.ndarray, "n 3"]:
    """Directions along the border of what the film camera sees from the middle of its reach, looking to +Y."""
    wide, high = (math.tan(math.radians(angle / 2)) for angle in field_of_view_deg(brief.lens))
    along = np.linspace(-1, 1, 4 * _PANORAMA_PX[1])
    one = np.ones_like(along)
    x = np.concatenate([along, along, -one, one]) * wide
    z = np.concatenate([-one, one, along, along]) * high
    return np.stack([x, np.ones_like(x), z], axis=-1)


def _empty(over: np.ndarray) -> Image.Image:
    rgb = np.full((*over.shape, 3), FAINT, np.uint8)
    rgb[over] = KINDS["actor"]
    return Image.fromarray(rgb)


def _look(canvas: Image.Image, draw: ImageDraw.ImageDraw, brief: Brief, top: int) -> None:
    font = ImageFont.load_default(15)
    style = brief.style
    files = [f"LoRA {one.file.name} at {one.weight:g}" for one in style.loras]
    files += [f"LUT {style.lut.name}"] if style.lut is not None else []
    count = len(style.references)
    references = f"{count or 'no'} reference{'' if count == 1 else 's'}"
    said = ", ".join([references, *files])
    words = f'{said}; "{" ".join(style.words.split())}"' if style.words else said
    draw.text((_GAP_PX, top), _fitted(draw, f"look: {words}", font, canvas.width - 2 * _GAP_PX), INK, font)
    x, y = _GAP_PX, top + _CAPTION_PX + 4
    for reference in style.references:
        picture = _thumbnail(reference.file)
        if x + picture.width > canvas.width - _GAP_PX:
            break
        canvas.paste(picture, (x, y))
        colours = palette(np.asarray(picture))
        for k, colour in enumerate(colours):
            step = picture.width / len(colours)
            draw.rectangle((x + k * step, y + _TILE_PX + 2, x + (k + 1) * step - 1, y + _TILE_PX + 20), fill=colour)
        x += picture.width + _GAP_PX


def _thumbnail(file: Path) -> Image.Image:
    """A reference so high as the strip; linear pictures are encoded with a plain gamma of 2.2."""
    still = load_image(file, max_pixels=_MAX_REFERENCE_PIXELS)
    if still.dtype != np.uint8:
        still = to_u8(np.clip(np.nan_to_num(still), 0.0, 1.0) ** (1 / 2.2))
    if still.ndim == 2:
        still = np.repeat(still[..., None], 3, axis=2)
    picture = Image.fromarray(np.ascontiguousarray(still[..., :3]))
    wide = min(max(round(picture.width * _TILE_PX / picture.height), 40), 4 * _TILE_PX)
    return picture.resize((wide, _TILE_PX), Image.Resampling.LANCZOS)


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int
) -> str:
    """The text, its end left out where it is too wide."""
    if draw.textlength(text, font) <= width_px:
        return text
    while text and draw.textlength(f"{text}...", font) > width_px:
        text = text[:-1]
    return f"{text}..."
