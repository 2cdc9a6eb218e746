"""``translight serve`` and ``translight demo``: run a show, one status line a second."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from translight.server.supervisor import ShowState


OVER_BUDGET = 3
"""Exit status of a show that passed its latency budget."""


@dataclass(frozen=True)
class Serve:
    """Run a show: tracking in, frames out, until Ctrl-C."""

    show: Annotated[Path, tyro.conf.Positional]
    """The show file (TOML); docs/show_file.md says what may stand in it."""
    seconds: float | None = None
    """Stop this long after the first frame."""

    def run(self) -> int:
        """Run until a signal; exit status 0 when it ended in order, 3 when it passed its latency budget."""
        from translight.server.show import show_from_text
        from translight.server.supervisor import Supervisor
        from translight.server.tables import read_show

        text = read_show(self.show)
        # Relative paths in a show file, tracking takes and maps among them, start at its own folder.
        os.chdir(self.show.resolve().parent)
        show = show_from_text(text, str(self.show))
        line = StatusLine(sys.stdout, show.latency_budget_ms)
        with Supervisor(show, text, str(self.show), Path.cwd()) as supervisor:
            supervisor.watch(line.show, self.seconds)
        if line.over_budget:
            print(
                f"translight: the latency budget of {show.latency_budget_ms:g} ms was passed in {line.over_budget} of "
                f"{line.seconds} seconds",
                file=sys.stderr,
            )
            return OVER_BUDGET
        return 0


@dataclass(frozen=True)
class Demo:
    """The whole path on embedded defaults: simulated crane over UDP, splats, an arc wall, a receiving process."""

    environment: Path | None = None
    """An environment or splat file instead of the procedural one; splat files are fitted to the stage."""
    seconds: float | None = None
    """Stop this long after the first frame; otherwise on Ctrl-C."""
    snapshot: Path | None = None
    """Write the wall's last received picture here (PNG)."""
    json: bool = False
    """Print one JSON object as the last line of standard output; status lines then go to standard error."""
    rate: str = "30"
    """Frames a second: 24, 23.976, 30, 60 …"""
    move: str = "crane"
    """The simulated camera move: crane, dolly, handheld, pan, whip, orbit, static."""
    protocol: str = "osc"
    """The protocol its datagrams speak: osc, freed or opentrackio."""
    print_show: bool = False
    """Print the demo's show file, to start your own from, and stop."""

    def run(self) -> int:
        """Run until the time is over or a signal; exit status 1 when no frame arrived."""
        from translight.server.demo import DemoPlan, demo_show, run_demo

        plan = DemoPlan(self.environment, self.rate, self.seconds, self.snapshot, self.move, self.protocol)
        if self.print_show:
            print(demo_show(plan), end="")
            return 0
        line = StatusLine(sys.stderr if self.json else sys.stdout)
        report = run_demo(plan, line.show)
        if self.json:
            print(json.dumps(report))
        else:
            print(_summary(report))
        return 0 if report["frames_received"] else 1


class StatusLine:
    """One line a second, readable at a glance; counts the ``seconds`` that ran, and those ``over_budget``."""

    def __init__(self, out: object, budget_ms: float | None = None) -> None:
        self._out = out
        self._budget_ms = budget_ms
        self.seconds = self.over_budget = 0
        self._begin = time.monotonic()
        self._detail = ""

    def show(self, state: ShowState) -> None:
        """Print the state; while the show starts, only what is new."""
        live = state.live
        if live.phase == "starting":
            if live.detail != self._detail:
                self._detail = live.detail
                self._print(f"starting: {live.detail}")
            return
        self.seconds += 1
        over = self._budget_ms is not None and live.latency_p99_ms > self._budget_ms
        self.over_budget += over
        self._print(status_text(state) + (f"  OVER ITS BUDGET OF {self._budget_ms:g} ms" if over else ""))

    def _print(self, text: str) -> None:
        seconds = int(time.monotonic() - self._begin)
        print(f"{seconds // 60:02d}:{seconds % 60:02d}  {text}", file=self._out, flush=True)  # type: ignore[call-overload]


def status_text(state: ShowState) -> str:
    """A running show in one line."""
    live = state.live
    if live.tracking_age_ms < 0:
        tracking = "NO TRACKING YET"
    elif live.lost_since_s >= 0:
        tracking = f"TRACKING LOST for {live.lost_since_s:.1f} s, pose held"
    else:
        tracking = f"tracking {state.tracking_rate_hz:5.1f} Hz, age {live.tracking_age_ms:4.1f} ms"
    parts = [
        f"{live.fps:5.1f} fps",
        f"frame {live.work_ms:5.1f}/{live.work_p99_ms:5.1f} ms",
        tracking,
        f"bad {state.tracking_bad}",
        f"latency {live.latency_ms:5.1f}/{live.latency_p99_ms:5.1f} ms" if live.latency_ms >= 0 else "latency –",
        f"dropped {live.frames_dropped}",
        f"receivers {_receivers(live.receivers_of)}",
    ]
    if live.cue:
        parts.append(f"cue {live.cue!r}" + (f" {100 * live.dissolve:.0f} %" if live.dissolve < 1 else ""))
    if live.detail_level or live.inner_scale < 1:
        parts.append(f"DRAWN COARSER: 1/{4**live.detail_level} of the splats, inner {100 * live.inner_scale:.0f} %")
    link = state.live_link
    if link is not None:
        lost = {"refused": link.refused, "out of range": link.out_of_range}
        parts.append(", ".join([f"live link {link.sent} sent", *(f"{n} {what}" for what, n in lost.items() if n)]))
    if state.restarts:
        parts.append("RESTARTED " + ", ".join(f"{name} {count}×" for name, count in state.restarts.items()))
    return "  ".join(parts)


def _receivers(counts: dict[str, int]) -> str:
    """Of walls alone a number, of several kinds of picture one each."""
    if set(counts) <= {"wall"}:
        return str(sum(counts.values()))
    return ", ".join(f"{carries} {count}" for carries, count in counts.items())


def _summary(report: dict[str, object]) -> str:
    latency = report["latency_ms"]
    text = f"{report['frames_received']} of {report['frames_sent']} frames received, {report['frames_torn']} torn"
    if isinstance(latency, dict):
        figures = "/".join(f"{latency[p]:.1f}" for p in ("p50", "p95", "p99"))
        text += f", datagram to received frame {figures} ms (p50/p95/p99)"
    return text
