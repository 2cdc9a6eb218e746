"""Two candidates side by side: the panoramas, what the lens sees at one exposure, what differs, and their measures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageDraw, ImageFont

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.brief.brief import Brief
from translight.generation.brief.optics import field_of_view_deg, picture_mm
from translight.generation.candidate import Candidate
from translight.generation.panorama import perspective
from translight.generation.preview import shrunk, tone_mapped
from translight.generation.review.measures.measure import Measure, luminance, panorama_of
from translight.generation.run.contact_sheet import GAP_PX, INK, PAPER, QUIET, mark

_WIDE_PX = 800
_GREY = 0.18
_BRIGHTEST = 65504.0
_LINE_PX, _TEXT_PX = 18, 13
_MOST_LINES = 24
_LEFT_OUT = ("mask_png", "mask_sha256", "from_sha256", "brief")
"""Of settings: no words that a person compares; what a varied brief changed stands in ``set``."""

Side = tuple[Candidate, str, Sequence[Measure]]
"""A candidate, its state in words, its measures."""


def compare(one: Side, other: Side, brief: Brief) -> UInt8[np.ndarray, "h w 3"]:
    """The picture. Both are shown at the one exposure that puts the first's median light at 0.18."""
    exposure = _exposure(one[0])
    columns = [_column(side, brief, exposure) for side in (one, other)]
    lines = [*_measure_lines(one[2], other[2])]
    told = [*_wrapped(differences(one[0], other[0]))]
    top = max(len(column) for column in columns)
    height = top + _LINE_PX * (len(lines) + len(told) + 3) + 3 * GAP_PX
    sheet = Image.new("RGB", (2 * _WIDE_PX + 3 * GAP_PX, height), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT_PX)
    for i, column in enumerate(columns):
        sheet.paste(Image.fromarray(column), (GAP_PX + i * (_WIDE_PX + GAP_PX), GAP_PX))
    y = top + 2 * GAP_PX
    for left, right in lines:
        for i, measure in enumerate((left, right)):
            x = GAP_PX + i * (_WIDE_PX + GAP_PX)
            if measure is not None:
                mark(draw, x, y + 3, measure.verdict)
                draw.text((x + 18, y), measure.name, INK, font)
                draw.text((x + 110, y), _cut(measure.why, 100), QUIET, font)
        y += _LINE_PX
    y += _LINE_PX
    draw.text((GAP_PX, y), "what differs" if told else "nothing in their records differs", INK, font)
    for text in told:
        y += _LINE_PX
        draw.text((GAP_PX + 18, y), text, QUIET, font)
    return np.asarray(sheet)


def differences(one: Candidate, other: Candidate) -> list[str]:
    """A line for each value of their records that is not the same: "seed: 11 | 12"."""
    left, right = dict(_flat(_facts(one))), dict(_flat(_facts(other)))
    keys = [*left, *(key for key in right if key not in left)]
    return [f"{key}: {left.get(key, '-')} | {right.get(key, '-')}" for key in keys if left.get(key) != right.get(key)]


def _facts(candidate: Candidate) -> dict[str, Any]:
    return {
        "engine": candidate.engine,
        "seed": candidate.seed,
        "models": [model.name for model in candidate.models],
        "size": "x".join(str(n) for n in candidate.views[0].image.shape[1::-1]) if candidate.views else "none",
        **candidate.settings,
    }


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every value under its dotted key."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _LEFT_OUT:
                yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{key}[{i}]")
    else:
        yield key, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _exposure(candidate: Candidate) -> float:
    if not candidate.views:
        return 1.0
    middle = float(np.median(luminance(shrunk(candidate.views[0].image, 512))))
    return float(np.clip(_GREY / max(middle, 1e-6), 1 / 64, 64.0))


def _column(side: Side, brief: Brief, exposure: float) -> UInt8[np.ndarray, "h w 3"]:
    """Name and state, the first view, and what the lens sees straight ahead."""
    candidate, state, _ = side
    title = Image.new("RGB", (_WIDE_PX, 30), PAPER)
    draw = ImageDraw.Draw(title)
    draw.text((0, 4), _cut(f"{candidate.name}   {state}", 90), INK, ImageFont.load_default(18))
    width, height = picture_mm(brief.lens)
    camera = Camera.from_fov(
        _WIDE_PX, round(_WIDE_PX * height / width), horizontal_deg=field_of_view_deg(brief.lens)[0]
    )
    shown = [np.asarray(title)]
    view, nothing = panorama_of(candidate), np.zeros((_WIDE_PX // 2, _WIDE_PX, 3), np.uint8)
    if candidate.views:
        shown.append(_fitted(np.nan_to_num(candidate.views[0].image, posinf=_BRIGHTEST) * np.float32(exposure)))
    else:
        shown.append(nothing)
    if view is not None:
        fine = shrunk(view.image, int(2 * _WIDE_PX * 360 / camera.fov_deg[0]))
        seen = perspective(fine, camera, Pose(STAGE_FROM_RDF.wxyz, np.zeros(3)))
        shown.append(tone_mapped(np.nan_to_num(seen, posinf=_BRIGHTEST).astype(np.float32) * np.float32(exposure)))
    else:
        shown.append(np.zeros((camera.height_px, _WIDE_PX, 3), np.uint8))
    gap = np.full((GAP_PX, _WIDE_PX, 3), PAPER, np.uint8)
    return np.concatenate([part for one in shown for part in (one, gap)])


def _fitted(linear: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "400 800 3"]:
    picture = Image.fromarray(tone_mapped(shrunk(linear, 2 * _WIDE_PX)))
    picture = picture.resize(
        (_WIDE_PX, _WIDE_PX // 2)
        if picture.width == 2 * picture.height
        else (max(1, picture.width * _WIDE_PX // 2 // picture.height), _WIDE_PX // 2)
    )
    sheet = Image.new("RGB", (_WIDE_PX, _WIDE_PX // 2))
    sheet.paste(picture, ((_WIDE_PX - picture.width) // 2, 0))
    return np.asarray(sheet)


def _measure_lines(one: Sequence[Measure], other: Sequence[Measure]) -> Iterator[tuple[Measure | None, Measure | None]]:
    names = [m.name for m in one] + [m.name for m in other if m.name not in {k.name for k in one}]
    left, right = {m.name: m for m in one}, {m.name: m for m in other}
    for name in names:
        yield left.get(name), right.get(name)


def _wrapped(lines: Sequence[str]) -> list[str]:
    found = [part for line in lines for part in textwrap.wrap(_printable(line), 200)[:3]]
    return found if len(found) <= _MOST_LINES else [*found[:_MOST_LINES], f"and {len(found) - _MOST_LINES} lines more"]


def _cut(text: str, most: int) -> str:
    text = _printable(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
