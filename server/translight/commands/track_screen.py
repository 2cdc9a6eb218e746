"""What ``translight track`` shows while it watches: a live table at a terminal, else a line a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from translight.tracking.source import Source

Report = dict[str, Any]
"""What ``tracking.watch.Watch.report`` gives."""
Show = Callable[[Callable[["Source"], Report], "Source"], None]
"""Called as often as one likes with a watch's ``report`` and its source; shows it when it is time."""


@contextmanager
def screen(url: str, *, quiet: bool) -> Iterator[Show]:
    """Where reports are shown: a live table at a terminal, else a line a second; nowhere when quiet."""
    if quiet:
        yield lambda _report, _source: None
    elif sys.stdout.isatty():
        from rich.live import Live

        with Live(refresh_per_second=8, transient=False) as live:
            yield _Pace(0.125, lambda report: live.update(_table(url, report)))
    else:
        yield _Pace(1.0, lambda report: print(_line(report), flush=True))


class _Pace:
    """Shows a report when the last one is long enough ago."""

    def __init__(self, period_s: float, show: Callable[[Report], None]) -> None:
        self._period_s = period_s
        self._show = show
        self._due = time.monotonic() + period_s

    def __call__(self, report: Callable[[Source], Report], source: Source) -> None:
        if time.monotonic() >= self._due:
            self._due = max(self._due + self._period_s, time.monotonic())
            self._show(report(source))


def _pose_text(report: Report) -> str:
    x, y, z = report["position_m"]
    return (
        f"x {x:+8.3f}  y {y:+8.3f}  z {z:+8.3f} m   "
        f"pan {report['pan_deg']:+8.3f}  tilt {report['tilt_deg']:+8.3f}  roll {report['roll_deg']:+8.3f}°"
    )


def _bad_text(report: Report) -> str:
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(report["bad_by_cause"].items()))
    return f"{report['bad']} ({causes})" if causes else "0"


def _lens_text(report: Report) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in report["lens"].items()) or "–"


def _line(report: Report) -> str:
    if "position_m" not in report:
        return f"no sample yet   bad {_bad_text(report)}"
    return (
        f"{report['rate_hz']:7.2f} Hz  jitter p99 {report['jitter_ms']['p99']:6.2f} ms   {_pose_text(report)}   "
        f"lens {_lens_text(report)}   bad {_bad_text(report)}"
    )


def _table(url: str, report: Report) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(url), show_header=False)
    table.add_column(style="bold")
    table.add_column(min_width=60)
    if "position_m" not in report:
        table.add_row("tracking", "[yellow]no sample yet[/]")
    else:
        x, y, z = report["position_m"]
        jitter = report["jitter_ms"]
        table.add_row("camera", report["camera"] or "–")
        table.add_row("rate", f"{report['rate_hz']:.2f} Hz, {report['samples']} samples")
        table.add_row("jitter", f"p50 {jitter['p50']:.2f}  p99 {jitter['p99']:.2f}  max {jitter['max']:.2f} ms")
        if report["age_ms"] is not None:
            table.add_row("measured → here", f"p50 {report['age_ms']['p50']:.2f}  p99 {report['age_ms']['p99']:.2f} ms")
        table.add_row("position", f"x {x:+.4f}  y {y:+.4f}  z {z:+.4f} m")
        table.add_row("pan (+ left)", f"{report['pan_deg']:+.4f}°")
        table.add_row("tilt (+ up)", f"{report['tilt_deg']:+.4f}°")
        table.add_row("roll (+ right down)", f"{report['roll_deg']:+.4f}°")
        table.add_row("lens", _lens_text(report))
        table.add_row("timecode", report["timecode"] or "–")
    table.add_row("bad datagrams", f"[red]{_bad_text(report)}[/]" if report["bad"] else "0")
    if report["last_fault"]:
        table.add_row("last fault", Text(report["last_fault"]))
    return table
