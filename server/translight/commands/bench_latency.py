"""``translight bench latency`` and ``translight bench compare``: the whole path measured, and two reports compared."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from translight.commands.show import OVER_BUDGET, status_text
from translight.core.errors import FormatError, ShowError

if TYPE_CHECKING:
    from translight.server.latency.report import Report, Run

SLOWER = 4


@dataclass(frozen=True)
class BenchLatency:
    """Run a show and measure it, from tracking packet to received picture, stage by stage."""

    show: Annotated[Path | None, tyro.conf.Positional] = None
    """The show file; the demo's own show when none is given."""
    seconds: float = 20.0
    """How long each run is measured, after two seconds of warming up."""
    sweep: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """AXIS=VALUE,VALUE: resolution, splats, fps, walls, outputs or load; every combination of all is a run."""
    json: bool = False
    """Print the report as JSON, and nothing else on standard output."""
    save: Path | None = None
    """Write the report here as JSON, for bench compare."""
    html: Path | None = None
    """Write the report here as a page with plots."""

    def run(self) -> int:
        """Measure every variation; exit status 3 when a run passed its show's latency budget."""
        from translight.core.files import write_whole
        from translight.server.demo import DemoPlan, demo_show
        from translight.server.latency.page import page
        from translight.server.latency.report import encode
        from translight.server.latency.run import measure
        from translight.server.latency.sweep import parse_sweeps, variations
        from translight.server.show import show_from_text
        from translight.server.tables import read_show

        if not 1 <= self.seconds <= 86_400:
            raise ShowError(f"--seconds: 1 to 86400, got {self.seconds:g}")
        axes = parse_sweeps(self.sweep)
        for path in (self.save, self.html):
            if path is not None and not path.resolve().parent.is_dir():
                raise ShowError(f"{path}: there is no folder {path.resolve().parent}")
        outputs = [path.resolve() for path in (self.save, self.html) if path is not None]
        text, source = (demo_show(DemoPlan()), "the demo's show")
        if self.show is not None:
            text, source = read_show(self.show), str(self.show)
            os.chdir(self.show.resolve().parent)
        plans = list(variations(text, axes))
        for _, varied in plans:
            show_from_text(varied, source)
        runs = []
        for number, (settings, varied) in enumerate(plans):
            named = " ".join(f"{axis}={value}" for axis, value in settings.items())
            line = _Line(f"run {number + 1} of {len(plans)} {named}".rstrip())
            runs.append(measure(varied, source, Path.cwd(), self.seconds, settings, line.told))
            if not self.json:
                print(summary(runs[-1]), flush=True)
        report = _report(runs)
        for path, wanted in zip(outputs, [p for p in (self.save, self.html) if p is not None], strict=True):
            write_whole(path, encode(report) if wanted == self.save else page(report).encode())
        if self.json:
            print(encode(report).decode())
        return OVER_BUDGET if any(run.over_budget for run in runs) else 0


@dataclass(frozen=True)
class BenchCompare:
    """Compare two latency reports, run by run, with a verdict that knows the noise within them."""

    first: Annotated[Path, tyro.conf.Positional]
    """A report that bench latency saved."""
    second: Annotated[Path, tyro.conf.Positional]
    """Another, of the same variations."""

    def run(self) -> int:
        """A line a percentile and run; exit status 4 when the second is slower beyond the noise."""
        from translight.server.latency.compare import compare, compared

        first, second = _read(self.first), _read(self.second)
        names = [run.name for run in first.runs]
        others = {run.name: run for run in second.runs}
        if set(names) != set(others):
            raise FormatError(
                f"{self.second}: has {', '.join(sorted(others))} where {self.first} has {', '.join(sorted(names))}: "
                "compare reports of the same runs"
            )
        if first.machine != second.machine:
            print(f"translight: two machines: {first.machine}; {second.machine}", file=sys.stderr)
        slower = False
        for run in first.runs:
            differences = compare(run, others[run.name])
            slower |= any(d.verdict == "slower" for d in differences)
            print(f"{run.name}\n{compared(differences)}")
        return SLOWER if slower else 0


def summary(run: Run) -> str:
    """A run in a few lines."""
    t = run.total_ms
    counted = (
        f"  {run.frames['received']} of {run.frames['due']} frames received, {run.frames['skipped']} skipped, "
        f"{run.frames['duplicates']} twice, {run.frames['torn']} torn; {run.frames['dropped']} dropped by the show"
    )
    lines = [
        f"{run.name}: {run.width_px}x{run.height_px} at {run.rate} fps, {run.seconds:g} s, {run.backend}",
        counted,
        f"{'':>24}{'p50':>9}{'p90':>9}{'p95':>9}{'p99':>9}{'p99.9':>9}{'max':>9}  ms",
    ]
    named = {**run.stages_ms, "datagram → received": t, "corrected": run.corrected_ms, "jitter": run.jitter_ms}
    lines += [
        f"{name:>24}" + "".join(f"{v:>9.2f}" for v in (d.p50, d.p90, d.p95, d.p99, d.p99_9, d.max))
        for name, d in named.items()
    ]
    if run.over_budget:
        lines.append(f"  OVER ITS BUDGET: p99 {t.p99:.1f} ms of {run.budget_ms:g} ms")
    return "\n".join(lines)


class _Line:
    """Says on a terminal how a run is doing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told = time.monotonic()

    def told(self, state: object) -> None:
        live = state.live  # type: ignore[attr-defined]
        if sys.stderr.isatty():
            text = f"starting: {live.detail}" if live.phase == "starting" else status_text(state)  # type: ignore[arg-type]
            print(f"{self._name}: {text}", file=sys.stderr, flush=True)


def _report(runs: list[Run]) -> Report:
    from datetime import UTC, datetime
    from importlib.metadata import version

    from translight.core.machine import describe
    from translight.server.latency.report import VERSION, Report

    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(VERSION, version("translight"), at, describe(), runs)


def _read(path: Path) -> Report:
    from translight.server.latency.report import decode

    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}") from error
