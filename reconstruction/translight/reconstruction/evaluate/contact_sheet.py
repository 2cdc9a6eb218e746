"""The contact sheet of an evaluation: photograph, the environment's picture, and their difference, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.image import to_u8
from translight.reconstruction.evaluate.evaluation import Compared, Evaluation, Score

_CELL_PX = 440
_MARGIN_PX, _GAP_PX = 18, 8
_TITLE_PX, _TEXT_PX = 24, 17
_PAPER, _INK, _FAINT = (24, 24, 26), (240, 240, 240), (165, 165, 172)
_UNSEEN = np.array([0.24, 0.24, 0.32], np.float32)
_MAGNIFICATIONS = (16, 8, 4, 2, 1)
_FULL_SHARE = 0.99
"""The difference is magnified as far as this share of its values stays below white."""
_LONGEST_NAME = 44


def contact_sheet(evaluation: Evaluation, name: str) -> UInt8[np.ndarray, "h w 3"]:
    """A picture for people: the views that the evaluation kept, each with its values, and the means above them.

    The difference is the absolute one of the encoded values, magnified by a factor that stands over its column.
    Pixels without weight are blue-grey in it.
    """
    from PIL import Image, ImageDraw, ImageFont

    title, text = ImageFont.load_default(_TITLE_PX), ImageFont.load_default(_TEXT_PX)
    factor = _magnification(evaluation.shown)
    rows = [tuple(_cell(pixels) for pixels in _cells(compared, factor)) for compared in evaluation.shown]
    heading = 2 * _MARGIN_PX + _TITLE_PX + 2 * _TEXT_PX + 4 * _GAP_PX
    caption = _TEXT_PX + 3 * _GAP_PX
    width = 2 * _MARGIN_PX + 3 * _CELL_PX + 2 * _GAP_PX
    height = heading + sum(row[0].height + caption for row in rows) + _MARGIN_PX
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    columns = [_MARGIN_PX + i * (_CELL_PX + _GAP_PX) for i in range(3)]
    y = _MARGIN_PX
    draw.text((_MARGIN_PX, y), _shortened(f"{name}: {_kind(evaluation)}"), _INK, title)
    y += _TITLE_PX + _GAP_PX
    draw.text((_MARGIN_PX, y), f"mean of {_views(evaluation)}   {_values(evaluation.mean)}", _INK, text)
    y += _TEXT_PX + 2 * _GAP_PX
    for x, words in zip(columns, ("photograph", "environment", _difference(evaluation, factor)), strict=True):
        draw.text((x, y), words, _FAINT, text)
    y = heading
    for compared, row in zip(evaluation.shown, rows, strict=True):
        for x, cell in zip(columns, row, strict=True):
            sheet.paste(cell, (x + (_CELL_PX - cell.width) // 2, y))
        y += row[0].height + _GAP_PX
        draw.text((_MARGIN_PX, y), f"{_shortened(compared.score.name)}   {_values(compared.score)}", _INK, text)
        y += caption - _GAP_PX
    return np.asarray(sheet)


def _kind(evaluation: Evaluation) -> str:
    if evaluation.held_out:
        return "held-out views, never trained on"
    return "training views (too few photographs to hold any out)"


def _difference(evaluation: Evaluation, factor: int) -> str:
    """In letters that Pillow's own font has; it lacks the multiplication sign."""
    masked = any((compared.weight == 0).any() for compared in evaluation.shown)
    return f"difference, {factor} times" + ("; blue-grey: not looked at" if masked else "")


def _views(evaluation: Evaluation) -> str:
    count = len(evaluation.scores)
    few = f", {len(evaluation.shown)} of them here" if len(evaluation.shown) < count else ""
    return f"{count} view{'s' if count > 1 else ''}{few}"


def _values(score: Score) -> str:
    parts = []
    if score.psnr_db is not None:
        corrected = score.corrected_psnr_db
        parts.append(
            f"PSNR {score.psnr_db:.2f} dB" + (f" ({corrected:.2f} colour-corrected)" if corrected is not None else "")
        )
    if score.ssim is not None:
        parts.append(f"SSIM {score.ssim:.3f}")
    if score.lpips is not None:
        parts.append(f"ST-LPIPS {score.lpips:.3f}")
    return "   ".join(parts) or "nothing of it has weight"


def _shortened(words: str) -> str:
    return words if len(words) <= 2 * _LONGEST_NAME else f"{words[:_LONGEST_NAME]}...{words[-_LONGEST_NAME:]}"


def _magnification(shown: tuple[Compared, ...]) -> int:
    """The largest that leaves the differences of all views readable."""
    seen = [np.abs(c.picture - c.truth)[c.weight > 0].ravel() for c in shown]
    values = np.concatenate(seen) if seen else np.empty(0)
    most = float(np.quantile(values, _FULL_SHARE)) if values.size else 1.0
    return next((factor for factor in _MAGNIFICATIONS if factor * most <= 1), 1)


def _cells(compared: Compared, factor: int) -> tuple[Float32[np.ndarray, "h w 3"], ...]:
    difference = np.clip(np.abs(compared.picture - compared.truth) * factor, 0, 1)
    difference = np.where(compared.weight[..., None] > 0, difference, _UNSEEN)
    return compared.truth, compared.picture, difference.astype(np.float32)


def _cell(pixels: Float32[np.ndarray, "h w 3"]) -> Any:
    """As large as a cell allows, its shape kept; upright pictures are as high as a cell is wide."""
    from PIL import Image

    picture = Image.fromarray(to_u8(pixels))
    scale = _CELL_PX / max(picture.size)
    width, height = picture.size
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kind = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    return picture.resize(size, kind)
