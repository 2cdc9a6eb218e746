"""A small plot of what pruning loses: PSNR in dB over the number of splats, drawn by Pillow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from translight.reconstruction.edit.pruning import Step

SIZE_PX = (640, 360)
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 40, 44, 52
_INK, _GRID, _LINE, _PAPER = (40, 40, 40), (224, 224, 224), (200, 60, 40), (255, 255, 255)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_MARKS = 6


def plot(title: str, steps: Sequence[Step]) -> UInt8[np.ndarray, "h w 3"]:
    """The curve of all steps but the unpruned one, which has no loss to show. Raises ValueError where none is left."""
    from PIL import Image, ImageDraw, ImageFont

    points = [(step.splats, step.psnr_db) for step in steps[1:]]
    if not points:
        raise ValueError("nothing was pruned, so there is no curve")
    width, height = SIZE_PX
    x_marks = _marks(0.0, float(steps[0].splats))
    y_marks = _marks(min(y for _, y in points) - 1.0, max(y for _, y in points) + 1.0)

    def at(x: float, y: float) -> tuple[float, float]:
        across = x / max(steps[0].splats, x_marks[-1])
        up = (y - y_marks[0]) / (y_marks[-1] - y_marks[0])
        return _LEFT + across * (width - _LEFT - _RIGHT), height - _BOTTOM - up * (height - _TOP - _BOTTOM)

    picture = Image.new("RGB", SIZE_PX, _PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    for x in x_marks:
        draw.line([at(x, y_marks[0]), at(x, y_marks[-1])], _GRID)
        draw.text((at(x, y_marks[0])[0], height - _BOTTOM + 6), f"{x:,.0f}", _INK, font, anchor="ma")
    for y in y_marks:
        draw.line([at(0, y), at(max(steps[0].splats, x_marks[-1]), y)], _GRID)
        draw.text((_LEFT - 6, at(0, y)[1]), f"{y:g}", _INK, font, anchor="rm")
    draw.line([at(*point) for point in points], _LINE, 2)
    for point in points:
        x, y = at(*point)
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], _LINE)
    draw.text((_LEFT, 14), f"{title}: PSNR against the unpruned (dB)", _INK, font)
    draw.text(((width + _LEFT - _RIGHT) / 2, height - 10), "splats", _INK, font, anchor="mb")
    return np.asarray(picture)


def _marks(low: float, high: float) -> list[float]:
    """Round numbers that span an interval."""
    decade = 10.0 ** np.floor(np.log10((high - low) / _MOST_MARKS))
    step = next(decade * s for s in _STEPS if (high - low) / (decade * s) <= _MOST_MARKS)
    first, last = np.floor(low / step), np.ceil(high / step)
    return [float(i * step) for i in np.arange(first, last + 1)]
