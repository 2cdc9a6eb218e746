"""The contact sheet of a run: every candidate's preview under its name and measures, to choose from at a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont, ImageOps

from translight.core.image import load_image
from translight.generation.review.measures.measure import Verdict
from translight.generation.review.measures.measures import Measured, read_measures
from translight.generation.run.store import PREVIEW, read_stored

CELL_PX, LABEL_PX, GAP_PX, TITLE_PX = (640, 320), 62, 12, 40
PAPER, INK, QUIET = (24, 24, 26), (225, 225, 225), (150, 150, 155)
MARKS: dict[Verdict, tuple[int, int, int]] = {
    "good": (70, 170, 90),
    "look": (220, 165, 40),
    "bad": (215, 65, 55),
    "none": (80, 80, 84),
}
"""Colours of verdicts; their shapes differ too, for those who do not tell red from green."""

_DOT_PX = 10


def contact_sheet(
    title: str, candidates: Sequence[Path], states: Mapping[str, str] | None = None
) -> UInt8[np.ndarray, "h w 3"]:
    """Previews of candidates' folders in their order, fitted into cells of 2:1; without one, a cell stays empty.

    ``states`` are words by a candidate's name ("accepted by Ana"). Raises FormatError on a candidate that is damaged.
    """
    columns = max(1, min(3, math.ceil(math.sqrt(len(candidates)))))
    rows = max(1, -(-len(candidates) // columns))
    step_x, step_y = CELL_PX[0] + GAP_PX, CELL_PX[1] + LABEL_PX + GAP_PX
    sheet = Image.new("RGB", (GAP_PX + columns * step_x, TITLE_PX + rows * step_y), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP_PX, 10), f"{title}: {len(candidates)} candidates", INK, ImageFont.load_default(18))
    font = ImageFont.load_default(14)
    for number, folder in enumerate(candidates):
        left, top = GAP_PX + number % columns * step_x, TITLE_PX + number // columns * step_y
        draw.rectangle((left, top, left + CELL_PX[0] - 1, top + CELL_PX[1] - 1), fill=(0, 0, 0))
        stored = read_stored(folder)
        if PREVIEW in stored.files:
            picture = ImageOps.contain(Image.fromarray(load_image(folder / PREVIEW)), CELL_PX)
            middle = (left + (CELL_PX[0] - picture.width) // 2, top + (CELL_PX[1] - picture.height) // 2)
            sheet.paste(picture, middle)
        below = top + CELL_PX[1] + 4
        state = (states or {}).get(folder.name, "")
        colour = (
            MARKS["good"] if state.startswith("accepted") else MARKS["bad"] if state.startswith("rejected") else INK
        )
        label = f"{number + 1}  {stored.name}" + (f"   {state}" if state else "")
        draw.text((left + 2, below), _fitted(draw, label, font, CELL_PX[0] - 120), colour, font)
        seed = f"seed {stored.seed}"
        draw.text((left + CELL_PX[0] - draw.textlength(seed, font) - 2, below), seed, QUIET, font)
        measured = read_measures(folder)
        if measured is not None:
            _measures(draw, left + 2, below + 20, measured)
    return np.asarray(sheet)


def mark(draw: ImageDraw.ImageDraw, left: int, top: int, verdict: Verdict) -> None:
    """A verdict's sign: a disc is good, a triangle wants a look, a cross is bad, a ring was not measured."""
    right, bottom, colour = left + _DOT_PX, top + _DOT_PX, MARKS[verdict]
    if verdict == "good":
        draw.ellipse((left, top, right, bottom), fill=colour)
    elif verdict == "look":
        draw.polygon(((left, bottom), (right, bottom), ((left + right) // 2, top)), fill=colour)
    elif verdict == "bad":
        draw.line((left, top, right, bottom), fill=colour, width=3)
        draw.line((left, bottom, right, top), fill=colour, width=3)
    else:
        draw.ellipse((left, top, right, bottom), outline=colour)


def _measures(draw: ImageDraw.ImageDraw, left: int, top: int, measured: Measured) -> None:
    """A line of marks, and in words what is worst."""
    font, at = ImageFont.load_default(12), left
    for measure in measured.measures:
        mark(draw, at, top + 2, measure.verdict)
        draw.text((at + 14, top), measure.name, QUIET if measure.verdict == "none" else INK, font)
        at += 22 + int(draw.textlength(measure.name, font))
    worst = next((m for verdict in ("bad", "look") for m in measured.measures if m.verdict == verdict), None)
    if worst is not None:
        text = _fitted(draw, f"{worst.name}: {worst.why}", font, CELL_PX[0] - 6)
        draw.text((left, top + 17), text, QUIET, font)


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    """As much of a text as fits."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    while text and draw.textlength(text, font) > width:
        text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
    return text
