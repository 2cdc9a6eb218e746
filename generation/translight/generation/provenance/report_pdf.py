"""The production's report as PDF, by ReportLab; rows.py has what it says.

Type is Helvetica, which every reader of PDF carries: characters outside Windows-1252 show as question marks.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Image, Paragraph, SimpleDocTemplate, Spacer, Table

from translight.generation.provenance.rows import Tone, heading, rows_of, summary
from translight.generation.provenance.title import Title
from translight.generation.provenance.verify import plain

_COLOURS = {"": "#1b1b1b", "good": "#0a6b2d", "bad": "#b00020"}
_LABEL_MM, _TEXT_MM, _PICTURE_MM = 24, 156, 70
_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=8, leading=10.5, splitLongWords=True)
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName="Helvetica-Bold", fontSize=16, leading=20)
_NAME = ParagraphStyle("name", parent=_TEXT, fontName="Helvetica-Bold", fontSize=11, leading=15, spaceBefore=10)


def pdf(name: str, made_at: str, titles: Sequence[Title]) -> bytes:
    """The report of a show, on A4."""
    told: list[Any] = [Paragraph(_words(name), _HEAD)]
    told.append(Paragraph(_words(f"Generated assets and their chain of title, {made_at}"), _TEXT))
    told += [_line(line, tone) for line, tone in summary(titles)]
    for title in titles:
        told += [Paragraph(_words(heading(title)), _NAME), *_picture(title), _table(title)]
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, leftMargin=15 * mm, rightMargin=15 * mm, topMargin=15 * mm, bottomMargin=15 * mm,
        title=name, author="Translight",
    ).build(told)  # fmt: skip
    return out.getvalue()


def _table(title: Title) -> Table:
    # a row for each line, so that a long list may go on over a page
    cells: list[list[Any]] = []
    rules: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)
    ]  # fmt: skip
    for row in rows_of(title):
        rules.append(("LINEABOVE", (0, len(cells)), (-1, len(cells)), 0.3, colors.HexColor("#bbbbbb")))
        for i, (line, tone) in enumerate(row.lines):
            cells.append([Paragraph(f"<b>{row.label}</b>" if i == 0 else "", _TEXT), _line(line, tone)])
    return Table(cells, colWidths=[_LABEL_MM * mm, _TEXT_MM * mm], style=rules)


def _picture(title: Title) -> list[Any]:
    if title.picture is None:
        return []
    try:
        image = Image(io.BytesIO(title.picture))
        width, height = image.imageWidth, image.imageHeight
    except (OSError, ValueError, SyntaxError):
        return []
    scale = _PICTURE_MM * mm / max(width, height, 1)
    image.drawWidth, image.drawHeight, image.hAlign = width * scale, height * scale, "LEFT"
    return [image, Spacer(0, 2 * mm)]


def _line(words: str, tone: Tone) -> Paragraph:
    return Paragraph(f'<font color="{_COLOURS[tone]}">{_words(words)}</font>', _TEXT)


def _words(text: str) -> str:
    """As ReportLab's small markup takes it, in the characters that the type has."""
    return escape(plain(text).encode("cp1252", "replace").decode("cp1252"))
