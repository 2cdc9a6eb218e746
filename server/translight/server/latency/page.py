"""A latency report as one HTML page that needs nothing else: figures, stages, percentiles, frames over time."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from translight.core.chart import bars, curves
from translight.server.latency.report import Distribution, Report, Run

_STAGE_WORDS = {
    "pose_age": "datagram → pose taken (age at the latch)",
    "wait": "pose taken → render begins",
    "render": "render",
    "composite": "composite onto the walls, colour and packing (one pass)",
    "send": "send: to the transport",
    "transport": "transport: to the receiver",
    "copy": "copy into the receiver's own buffer",
}
_MOST_DOTS = 3000
_PERCENTILES = (0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1300px; margin: 2em auto; padding: 0 1em; color: #222; }
table { display: block; overflow-x: auto; border-collapse: collapse; margin: 1em 0; }
td, th { padding: .25em .7em; border-bottom: 1px solid #ddd; }
td { text-align: right; font-variant-numeric: tabular-nums; } td:first-child, th:first-child { text-align: left; }
th { text-align: right; } .over { color: #d43c2e; font-weight: bold; }
pre { background: #f4f4f4; padding: 1em; overflow: auto; }
small { color: #666; }
"""
_NOT_SEEN = (
    "Times are of one monotonic clock, from the datagram leaving the tracking socket to the picture being whole in the "
    "receiver's own memory. Not seen: the tracker's own delay before its datagram, the LED processor and the panel "
    "behind the receiver. translight bench glass measures those with a camera."
)


def page(report: Report) -> str:
    """The whole page."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Latency</title>",
        f"<style>{_STYLE}</style>",
        "<h1>Latency, tracking packet to received picture</h1>",
        f"<p>{escape(report.machine)}<br>{escape(report.at)}, Translight {escape(report.translight)}</p>",
        _overview(report.runs),
        f"<p><small>{_NOT_SEEN}</small></p>",
        _stages_chart(report.runs),
        _percentile_chart(report.runs),
    ]
    parts += [_section(run) for run in report.runs]
    return "\n".join([*parts, "</html>", ""])


def _overview(runs: Sequence[Run]) -> str:
    head = (
        "run|size|fps|p50|p90|p95|p99|p99.9|max|p50, frames|p99, frames|p99 corrected|jitter p99|"
        "received|due|skipped|twice|torn"
    )
    rows = []
    for run in runs:
        t, period = run.total_ms, _period_ms(run)
        over = f" class=over title='over its budget of {run.budget_ms:g} ms'" if run.over_budget else ""
        cells = [f"{v:.2f}" for v in (t.p50, t.p90, t.p95, t.p99, t.p99_9, t.max)]
        cells += [f"{t.p50 / period:.2f}", f"{t.p99 / period:.2f}", f"{run.corrected_ms.p99:.2f}"]
        cells += [f"{run.jitter_ms.p99:.2f}"]
        cells += [str(run.frames[k]) for k in ("received", "due", "skipped", "duplicates", "torn")]
        named = [escape(run.name), f"{run.width_px}×{run.height_px}", f"{1000 / period:.4g}"]
        rows.append(f"<tr{over}>" + "".join(f"<td>{cell}</td>" for cell in (*named, *cells)) + "</tr>")
    note = (
        "Milliseconds where nothing else is said. <i>Corrected</i> counts every place on the frame clock, at the age "
        "of the picture then shown."
    )
    return f"{_table(head, rows)}<p><small>{note}</small></p>"


def _stages_chart(runs: Sequence[Run]) -> str:
    rows = {run.name: {name: d.p50 for name, d in run.stages_ms.items()} for run in runs}
    return bars("Medians by stage", "ms", rows)


def _percentile_chart(runs: Sequence[Run]) -> str:
    """Percentiles over how rare they are, as HdrHistogram's plots have them."""
    lines = {}
    for run in runs:
        values = _totals(run)
        if len(values):
            rare = [p for p in _PERCENTILES if p == 0 or len(values) * (100 - p) >= 100]
            lines[run.name] = ([_rarity(p) for p in rare], [float(np.percentile(values, p)) for p in rare])
    if not lines:
        return "<p>No frame had a tracked pose.</p>"
    ticks = {_rarity(p): f"{p:g}" for p in (0, 50, 90, 99, 99.9, 99.99)}
    limits = {f"budget {run.budget_ms:g} ms": run.budget_ms for run in runs[:1] if run.budget_ms is not None}
    seen = {x: name for x, name in ticks.items() if x <= max(max(xs) for xs, _ in lines.values())}
    return curves("Latency by percentile", "percentile", "ms", lines, x_ticks=seen, limits=limits)


def _section(run: Run) -> str:
    period = _period_ms(run)
    rows = [_row(_STAGE_WORDS.get(name, name), d, period) for name, d in run.stages_ms.items()]
    rows += [_row("<b>all: datagram → received picture</b>", run.total_ms, period)]
    rows += [_row("all, corrected for omission", run.corrected_ms, period)]
    rows += [_row("between pictures", run.interval_ms, period)]
    rows += [_row("jitter: |between − frame time|", run.jitter_ms, period)]
    head = "stage|p50|p90|p95|p99|p99.9|max|p50, frames|p99, frames"
    return "\n".join(
        [
            f"<h2>{escape(run.name)}</h2>",
            f"<p>{run.seconds:g} s at {escape(run.rate)} fps, backend {escape(run.backend)}"
            + (f", drawn at detail level {run.detail_level}" if run.detail_level else "")
            + f"; {run.frames['dropped']} places on the frame clock passed without a frame</p>",
            _table(head, rows),
            _over_time(run),
            f"<details><summary>show file</summary><pre>{escape(run.show)}</pre></details>",
        ]
    )


def _over_time(run: Run) -> str:
    seen = [(t, us / 1e3) for t, us in zip(run.at_s, run.totals_us, strict=True) if us >= 0]
    if not seen:
        return ""
    # the worst of each stretch is kept, so that no stall is lost between the dots
    stretch = -(-len(seen) // _MOST_DOTS)
    kept = [max(seen[i : i + stretch], key=lambda point: point[1]) for i in range(0, len(seen), stretch)]
    period = _period_ms(run)
    limits = {"a frame time": period} | ({"budget": run.budget_ms} if run.budget_ms is not None else {})
    dots = {"frames": ([t for t, _ in kept], [ms for _, ms in kept])}
    return curves(f"Frames over time: {run.name}", "s", "ms", dots, limits=limits, dots=True)


def _table(head: str, rows: Sequence[str]) -> str:
    names = "".join(f"<th>{name}</th>" for name in head.split("|"))
    return f"<table><tr>{names}</tr>{''.join(rows)}</table>"


def _row(name: str, d: Distribution, period_ms: float) -> str:
    cells = [f"{v:.2f}" for v in (d.p50, d.p90, d.p95, d.p99, d.p99_9, d.max, d.p50 / period_ms, d.p99 / period_ms)]
    return f"<tr><td>{name}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _totals(run: Run) -> np.ndarray:
    return np.array([us for us in run.totals_us if us >= 0]) / 1e3


def _rarity(percent: float) -> float:
    return float(np.log10(100 / (100 - percent)))


def _period_ms(run: Run) -> float:
    numerator, _, denominator = run.rate.partition("/")
    return 1000 * int(denominator or 1) / int(numerator)
