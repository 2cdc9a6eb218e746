"""A contact sheet of a capture: every still with its verdict in colour and word, to see at a glance what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from translight.reconstruction.inspection import Finding, Severity, verdict
from translight.reconstruction.look import THUMBNAIL_PX, Look

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

GOOD = "good"
_WORDS = {
    "damaged": "damaged",
    "blur": "blurred",
    "twins": "twin",
    "dark": "dark",
    "clipped": "clipped",
    "cameras": "other camera",
    "focal": "no focal",
    "overlap": "alone",
    "plain": "plain",
}
_COLOURS: dict[Severity | None, tuple[int, int, int]] = {
    None: (46, 160, 67),
    Severity.NOTE: (88, 140, 210),
    Severity.MAY_FAIL: (235, 160, 30),
    Severity.WILL_FAIL: (220, 50, 50),
}
_PAPER, _INK, _ON_COLOUR = (24, 24, 26), (225, 225, 225), (12, 12, 12)
_FRAME_PX, _GAP_PX, _LABEL_PX, _NAME_PX, _TITLE_PX = 4, 10, 20, 16, 60


def verdicts(names: Sequence[str], findings: Sequence[Finding]) -> dict[str, tuple[Severity | None, str]]:
    """For each still how bad it is and in a word or two why; ``good`` where nothing is said of it by name."""
    found: dict[str, tuple[Severity | None, str]] = {}
    for name in names:
        about = [finding for finding in findings if name in finding.pictures]
        words = list(dict.fromkeys(_WORDS.get(finding.kind, finding.kind) for finding in about))
        found[name] = (about[0].severity, ", ".join(words[:2])) if about else (None, GOOD)
    return found


def contact_sheet(
    title: str, looks: Mapping[str, Look], findings: Sequence[Finding], damaged: Sequence[str] = ()
) -> UInt8[np.ndarray, "h w 3"]:
    """Thumbnails in the order of their names, framed by verdict; damaged ones are empty frames."""
    from PIL import Image, ImageDraw, ImageFont

    names = sorted([*looks, *damaged])
    judged = verdicts(names, findings)
    pictures = [looks[name].thumbnail if name in looks else None for name in names]
    tall = max((picture.shape[0] for picture in pictures if picture is not None), default=THUMBNAIL_PX * 3 // 4)
    cell = (THUMBNAIL_PX + 2 * _FRAME_PX, tall + 2 * _FRAME_PX + _LABEL_PX + _NAME_PX)
    columns = max(4, min(len(names), math.ceil(math.sqrt(len(names) * 16 / 9 * cell[1] / cell[0]))))
    rows = max(1, -(-len(names) // columns))
    width = _GAP_PX + columns * (cell[0] + _GAP_PX)
    sheet = Image.new("RGB", (width, _TITLE_PX + rows * (cell[1] + _GAP_PX)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    fonts = {size: ImageFont.load_default(size) for size in (12, 14, 18)}
    draw.text((_GAP_PX, 8), _fitted(draw, title, fonts[18], width - 2 * _GAP_PX), _INK, fonts[18])
    matters = [finding for finding in findings if finding.severity is not Severity.NOTE]
    worst_of = [finding.what for finding in matters if finding.severity is matters[0].severity]
    said = ": ".join([verdict(findings), ", ".join(worst_of)][: 1 + bool(worst_of)])
    worst = matters[0].severity if matters else None
    draw.text((_GAP_PX, 34), _fitted(draw, said, fonts[14], width - 2 * _GAP_PX), _COLOURS[worst], fonts[14])
    for i, (name, picture) in enumerate(zip(names, pictures, strict=True)):
        left = _GAP_PX + i % columns * (cell[0] + _GAP_PX)
        top = _TITLE_PX + i // columns * (cell[1] + _GAP_PX)
        severity, words = judged[name]
        colour = _COLOURS[severity]
        draw.rectangle((left, top, left + cell[0] - 1, top + cell[1] - _NAME_PX - 1), fill=colour)
        inner = (left + _FRAME_PX, top + _FRAME_PX)
        draw.rectangle((*inner, inner[0] + THUMBNAIL_PX - 1, inner[1] + tall - 1), fill=_PAPER)
        if picture is not None:
            middle = (inner[0] + (THUMBNAIL_PX - picture.shape[1]) // 2, inner[1] + (tall - picture.shape[0]) // 2)
            sheet.paste(Image.fromarray(picture), middle)
        label = _fitted(draw, words, fonts[14], THUMBNAIL_PX)
        draw.text((inner[0] + 2, inner[1] + tall + 3), label, _ON_COLOUR, fonts[14])
        draw.text((inner[0], top + cell[1] - 14), _fitted(draw, name, fonts[12], THUMBNAIL_PX), _INK, fonts[12])
    return np.asarray(sheet)


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int
) -> str:
    """The text, its beginning left out where it is too wide: names of cameras differ at their ends."""
    if draw.textlength(text, font) <= width_px:
        return text
    while text and draw.textlength(f"...{text}", font) > width_px:
        text = text[1:]
    return f"...{text}"
