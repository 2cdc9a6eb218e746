"""Tracking packet to received picture: a stand-in for the renderer, a naive program beside it, and a real scene."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import standin
from translight.commands.bench_latency import summary
from translight.core.machine import describe
from translight.server import children
from translight.server.demo import free_udp_port
from translight.server.latency.report import Run
from translight.server.latency.run import WARM_S, measure, run_of
from translight.server.show import show_from_text
from translight.server.status import LiveStatus
from translight.server.supervisor import ShowState
from translight.stream.trace import load_trace

_RESULT = Path(__file__).parent / "results" / "latency.md"
CAPTURES = Path(__file__).parents[2] / "shared" / "data" / "splats"
_DRAWING_MS = 3.0
_STAGES = ("pose_age", "render", "composite", "send", "transport", "copy")
SECONDS = 30.0

SHOW = """\
name = "{name}"
rate = "{fps}"
outputs = ["shm://{ring}"]

[environment]
path = {path}
fit = {fit}

[tracking]
source = "simulate://crane?protocol=osc&port={port}&rate={hz}"

[camera]
pixels = [{width}, {height}]

[render]
backend = "{backend}"
hold_rate = {hold}

[[walls]]
name = "wall"
kind = "plane"
centre_m = [0.0, 2.0, 1.6]
width_m = 5.0
height_m = 2.8125
pixels = [{width}, {height}]

[volume]
sampling = "bilinear"
"""


def main(tiny: bool) -> None:
    """Measure each; write the table unless ``tiny``."""
    seconds, pixels = (1.5, (64, 36)) if tiny else (SECONDS, (1920, 1080))
    runs = [_naive(pixels, 240, seconds)]
    runs += [_standing_in(pixels, hz, seconds) for hz in ((240,) if tiny else (240, 1000))]
    if not tiny:
        if (CAPTURES / "playbot_125k_sog").is_dir():
            runs.append(played(CAPTURES / "playbot_125k_sog", (1280, 720), seconds))
        _RESULT.write_text(_table(runs))
    for run in runs:
        print(summary(run), flush=True)


def _show(name: str, pixels: tuple[int, int], hz: int, *, path: str, fit: bool, backend: str, fps: int = 60) -> str:
    return SHOW.format(
        name=name, fps=fps, ring=f"bench-latency-{free_udp_port()}", path=json.dumps(path), fit=str(fit).lower(),
        port=free_udp_port(), hz=hz, width=pixels[0], height=pixels[1], backend=backend,
        hold=str(backend != standin.NAME).lower(),
    )  # fmt: skip


def _standing_in(pixels: tuple[int, int], hz: int, seconds: float) -> Run:
    text = _show(f"stand-in, {hz} Hz", pixels, hz, path="builtin:demo", fit=False, backend=standin.NAME)
    return measure(text, "the benchmark's show", Path.cwd(), seconds, {}, lambda _: None, live=standin.__name__)


def played(path: Path, pixels: tuple[int, int], seconds: float, *, backend: str = "cpu", fps: int = 60) -> Run:
    """A capture's show, measured."""
    text = _show(f"{path.name}, {fps} fps", pixels, 240, path=str(path), fit=True, backend=backend, fps=fps)
    return measure(text, "the benchmark's show", Path.cwd(), seconds, {}, lambda _: None)


def _naive(pixels: tuple[int, int], hz: int, seconds: float) -> Run:
    """The same receiver's figures of naive.py, and the same simulated tracker."""
    port, out = free_udp_port(), free_udp_port()
    text = _show(f"naive, {hz} Hz", pixels, hz, path="builtin:demo", fit=False, backend="none")
    job = {
        "port": port, "endpoint": f"tcp://127.0.0.1:{out}", "pixels": pixels, "fps": 60, "ms": _DRAWING_MS,
        "seconds": WARM_S + seconds + 30,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.npz"
        show = children.start("naive", "benchmarks.naive", job)
        tracker = children.start_command(
            "tracker", ["track", "simulate", "crane", "--to", f"127.0.0.1:{port}", "--rate", str(hz)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        watch = ["receive", f"zmq+tcp://127.0.0.1:{out}", "--json", "--seconds", str(WARM_S + seconds)]
        receiver = children.start_command("receiver", [*watch, "--trace", str(trace)], stdout=subprocess.DEVNULL)
        try:
            receiver.wait(time.monotonic() + WARM_S + seconds + 30)
        finally:
            for child in (receiver, tracker, show):
                child.kill()
        state = ShowState(LiveStatus(backend="naive"), 0, 0, {}, 0.0, {})
        return run_of(load_trace(trace), state, show_from_text(text, "naive"), text, {})


def _table(runs: list[Run]) -> str:
    return "\n".join(
        [
            "# Tracking packet to received picture\n",
            f"{describe()}. {SECONDS:g} s each, one after the other, 60 fps, shared memory",
            "(the naive one: ZeroMQ tcp); milliseconds p50/p99; at last, the naive program's median over it.",
            "`python -m benchmarks latency`.\n",
            f"*Stand-in*: the renderer waits {_DRAWING_MS:g} ms, everything else is a show: tracking process,",
            "prediction, compositing a 1920×1080 wall (bilinear), sending. *Naive*: asyncio OSC, the same wait,",
            "copies, a PUB socket; it composites nothing.\n",
            *rows_of(runs, runs[0]),
            "",
        ]
    )


def rows_of(runs: list[Run], naive: Run | None) -> list[str]:
    """The table's lines, with ``naive``'s median over each run's, and how many frames came of those due."""
    head = ["run", "size", *(stage.replace("_", " ") for stage in _STAGES), "total", "corrected p99", "all but render"]
    if naive is not None:
        head.append("naive over it")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for run in runs:
        stages = run.stages_ms
        cells = [_pair(stages.get(name)) for name in _STAGES]
        total, render = run.total_ms, stages["render"]
        rest = f"{total.p50 - render.p50:.1f} / {total.p99 - render.p50:.1f}"
        cells += [_pair(total), f"{run.corrected_ms.p99:.1f}", rest]
        if naive is not None:
            cells.append(f"{naive.total_ms.p50 / total.p50:.1f}×")
        lines.append(f"| {run.name or 'naive'} | {run.width_px}×{run.height_px} | {' | '.join(cells)} |")
    frames = ", ".join(f"{r.name}: {r.frames['received']} of {r.frames['due']}" for r in runs)
    return [*lines, f"\nFrames received of those due: {frames}."]


def _pair(d: object) -> str:
    return "–" if d is None else f"{d.p50:.2f} / {d.p99:.2f}"  # type: ignore[attr-defined]
