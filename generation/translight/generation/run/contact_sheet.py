"""The contact sheet of a run: every candidate's preview under its name, to choose from at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from translight.core.image import load_image
from translight.generation.run.store import PREVIEW, read_stored

_CELL_PX = (640, 320)
_GAP_PX, _TITLE_PX, _LABEL_PX = 12, 40, 24
_PAPER, _INK, _QUIET = (24, 24, 26), (225, 225, 225), (150, 150, 155)


def contact_sheet(title: str, candidates: Sequence[Path]) -> UInt8[np.ndarray, "h w 3"]:
    """Previews of candidates' folders in their order, fitted into cells of 2:1; without one, a cell stays empty.

    Raises FormatError on a candidate that is damaged.
    """
    columns = max(1, min(3, math.ceil(math.sqrt(len(candidates)))))
    rows = max(1, -(-len(candidates) // columns))
    step_x, step_y = _CELL_PX[0] + _GAP_PX, _CELL_PX[1] + _LABEL_PX + _GAP_PX
    sheet = Image.new("RGB", (_GAP_PX + columns * step_x, _TITLE_PX + rows * step_y), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP_PX, 10), f"{title}: {len(candidates)} candidates", _INK, ImageFont.load_default(18))
    for number, folder in enumerate(candidates):
        left, top = _GAP_PX + number % columns * step_x, _TITLE_PX + number // columns * step_y
        draw.rectangle((left, top, left + _CELL_PX[0] - 1, top + _CELL_PX[1] - 1), fill=(0, 0, 0))
        stored = read_stored(folder)
        if PREVIEW in stored.files:
            picture = Image.fromarray(load_image(folder / PREVIEW))
            picture.thumbnail(_CELL_PX)
            middle = (left + (_CELL_PX[0] - picture.width) // 2, top + (_CELL_PX[1] - picture.height) // 2)
            sheet.paste(picture, middle)
        label = f"{number + 1}  {stored.name}"
        draw.text((left + 2, top + _CELL_PX[1] + 4), label, _INK, ImageFont.load_default(14))
        seed = f"seed {stored.seed}"
        at = left + _CELL_PX[0] - draw.textlength(seed, ImageFont.load_default(14)) - 2
        draw.text((at, top + _CELL_PX[1] + 4), seed, _QUIET, ImageFont.load_default(14))
    return np.asarray(sheet)
