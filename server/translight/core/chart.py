"""Line charts and bars as SVG text, for benchmarks' results and reports; needs no plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 40, 50
COLOURS = ("#888888", "#c58a00", "#0a8f5a", "#b0508f", "#3b78c4", "#7a5cc0", "#d43c2e")


def log_lines(title: str, x_label: str, y_label: str, xs: Sequence[float], lines: Mapping[str, Sequence[float]]) -> str:
    """One line a name over ``xs``; all values are positive. The last line is drawn thick."""
    values = [y for ys in lines.values() for y in ys]
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)

    def x_px(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * x / max(xs)

    def y_px(y: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(y)) / (high - low)

    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        *_sheet(title, HEIGHT),
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(18 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">',
        f"{escape(y_label)}</text>",
    ]
    for decade in range(low, high + 1):
        y = y_px(10.0**decade)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**decade:g}</text>')
    parts += [f'<text x="{x_px(x):.1f}" y="{bottom + 18}" text-anchor="middle" font-size="11">{x:g}</text>' for x in xs]
    # names at the right, in the order of the lines' ends, never closer than a line of text
    last = list(lines)[-1]
    label_y = -math.inf
    for name, ys in sorted(lines.items(), key=lambda item: -item[1][-1]):
        colour = COLOURS[list(lines).index(name) % len(COLOURS)]
        points = " ".join(f"{x_px(x):.1f},{y_px(y):.1f}" for x, y in zip(xs, ys, strict=True))
        width = 3 if name == last else 1.5
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        label_y = max(y_px(ys[-1]) + 4, label_y + 16)
        parts.append(f'<text x="{right + 8}" y="{label_y:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def curves(
    title: str,
    x_label: str,
    y_label: str,
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    x_ticks: Mapping[float, str] | None = None,
    limits: Mapping[str, float] | None = None,
    dots: bool = False,
) -> str:
    """Points (xs, ys) a name from y = 0 up, joined or as dots; ``limits`` are level lines with their names."""
    limits = limits or {}
    xs = [x for points, _ in lines.values() for x in points]
    top = 1.08 * max([y for _, ys in lines.values() for y in ys] + [*limits.values(), 1e-9])
    low, high = min(xs), max(xs)
    span = (high - low) or 1.0
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x_px(x: float) -> float:
        return LEFT + (right - LEFT) * (x - low) / span

    def y_px(y: float) -> float:
        return bottom - (bottom - TOP) * y / top

    parts = [
        *_sheet(title, HEIGHT),
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(18 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">',
        f"{escape(y_label)}</text>",
    ]
    for y in _ticks(top):
        parts.append(f'<line x1="{LEFT}" y1="{y_px(y):.1f}" x2="{right}" y2="{y_px(y):.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y_px(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    ticks = x_ticks or {low + t: f"{low + t:g}" for t in _ticks(span)}
    for x, name in ticks.items():
        parts.append(f'<text x="{x_px(x):.1f}" y="{bottom + 18}" text-anchor="middle" font-size="11">{name}</text>')
    for k, (name, (points, ys)) in enumerate(lines.items()):
        colour = COLOURS[(k + 1) % len(COLOURS)]
        places = [(x_px(x), y_px(y)) for x, y in zip(points, ys, strict=True)]
        if dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.2" fill="{colour}"/>' for x, y in places]
        else:
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{right + 8}" y="{TOP + 16 * k + 8}" fill="{colour}">{escape(name)}</text>')
    for name, y in limits.items():
        line = f'x1="{LEFT}" y1="{y_px(y):.1f}" x2="{right}" y2="{y_px(y):.1f}"'
        parts.append(f'<line {line} stroke="#d43c2e" stroke-dasharray="5 4"/>')
        parts.append(f'<text x="{right + 8}" y="{y_px(y) + 4:.1f}" fill="#d43c2e">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def bars(title: str, unit: str, rows: Mapping[str, Mapping[str, float]], limit: tuple[float, str] | None = None) -> str:
    """A horizontal bar a row, its parts end to end, their sum behind it; ``limit`` is drawn as a line with its name."""
    left, height = 170, TOP + BOTTOM + 34 * len(rows)
    largest = max([sum(parts.values()) for parts in rows.values()] + ([limit[0]] if limit else [])) or 1.0
    per_unit = (WIDTH - left - 90) / largest
    names = list(dict.fromkeys(name for parts in rows.values() for name, value in parts.items() if value > 0))
    out = _sheet(title, height)
    for k, (row, parts) in enumerate(rows.items()):
        y, x = TOP + 34 * k, float(left)
        out.append(f'<text x="{left - 8}" y="{y + 17}" text-anchor="end">{escape(row)}</text>')
        for name, value in parts.items():
            colour = COLOURS[(names.index(name) + 1) % len(COLOURS)] if name in names else COLOURS[0]
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{value * per_unit:.1f}" height="24" fill="{colour}"/>')
            x += value * per_unit
        out.append(f'<text x="{x + 6:.1f}" y="{y + 17}">{sum(parts.values()):.3g} {escape(unit)}</text>')
    foot = TOP + 34 * len(rows)
    if limit is not None:
        x = left + limit[0] * per_unit
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{foot}" stroke="#d43c2e" stroke-width="2"/>')
        label = f"{escape(limit[1])}: {limit[0]:.3g} {escape(unit)}"
        out.append(f'<text x="{x:.1f}" y="{foot + 16}" text-anchor="end" fill="#d43c2e">{label}</text>')
    if len(names) > 1:
        for k, name in enumerate(names):
            x, colour = left + 90 * k, COLOURS[(k + 1) % len(COLOURS)]
            out.append(f'<rect x="{x}" y="{foot + 18}" width="12" height="12" fill="{colour}"/>')
            out.append(f'<text x="{x + 17}" y="{foot + 29}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])


def _ticks(top: float) -> list[float]:
    """Four to ten round numbers from 0 to ``top``."""
    step = 10.0 ** math.floor(math.log10(top))
    step *= next(factor for factor in (0.1, 0.2, 0.5, 1.0) if top / (factor * step) <= 10)
    return [round(k * step, 10) for k in range(int(top / step) + 1)]


def _sheet(title: str, height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"',
        'font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="20" y="22" font-size="15">{escape(title)}</text>',
    ]
