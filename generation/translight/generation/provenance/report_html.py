"""The production's report as one HTML file without scripts or links, for a browser and for paper; rows.py has it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from translight.generation.provenance.rows import Row, Tone, heading, rows_of, summary
from translight.generation.provenance.title import Title
from translight.generation.provenance.verify import plain

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
section { border-top: 2px solid #1b1b1b; padding: 1rem 0 1.5rem; break-inside: avoid-page; }
img { max-width: 100%; width: 24rem; display: block; margin: 0 0 .7rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th { width: 7rem; text-align: left; font-weight: 600; }
th, td { vertical-align: top; padding: .25rem .6rem .25rem 0; border-top: 1px solid #ddd; overflow-wrap: anywhere; }
p { margin: .1rem 0; } .good { color: #0a6b2d; } .bad { color: #b00020; font-weight: 600; } .small { color: #555; }
@page { size: A4; margin: 15mm; }
@media print { body { font-size: 9.5pt; margin: 0; max-width: none; } img { width: 70mm; } }
"""
# nothing is loaded, and nothing runs, whatever a name may hold
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html(name: str, made_at: str, titles: Sequence[Title]) -> str:
    """The report of a show; every word from elsewhere is escaped."""
    body = [
        f"<h1>{_text(name)}</h1>",
        f'<p class="small">Generated assets and their chain of title, {escape(made_at)}</p>',
    ]
    body += [_line(line, tone) for line, tone in summary(titles)]
    body += [_section(title) for title in titles]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        f"<title>{_text(name)}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _section(title: Title) -> str:
    picture = ""
    if title.picture is not None:
        data = base64.b64encode(title.picture).decode("ascii")
        picture = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    table = "".join(_table_row(row) for row in rows_of(title))
    head = f"<h2>{_text(heading(title))}</h2>"
    return f"<section>{head}{picture}<table>{table}</table></section>"


def _table_row(row: Row) -> str:
    return f"<tr><th>{row.label}</th><td>{''.join(_line(line, tone) for line, tone in row.lines)}</td></tr>"


def _text(words: str) -> str:
    return escape(plain(words))


def _line(words: str, tone: Tone) -> str:
    kind = f' class="{tone}"' if tone else ""
    return f"<p{kind}>{_text(words)}</p>"
