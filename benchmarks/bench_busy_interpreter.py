"""Pure-Python load beside a show: in the supervisor's own interpreter, and in a second process, against none.

The live and tracking processes have interpreters of their own, so a busy one elsewhere costs them no lock. What it can
still take is a core: the show here draws a light scene with one thread, so that two cores are enough for both.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from translight.core.machine import describe
from translight.server import children
from translight.server.demo import free_udp_port
from translight.server.show import show_from_text
from translight.server.supervisor import Supervisor
from translight.splats.cloud import SplatCloud
from translight.splats.files import save

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20.0
ROUNDS = 3
FIRST_FRAME_WITHIN_S = 200
"""A first start on a machine compiles for a minute, more when it is busy."""
LOADS = ("none", "supervisor", "second process")
_RESULT = Path(__file__).parent / "results" / "busy_interpreter.md"
_SPIN = "x = {}\nwhile True:\n    for i in range(1000):\n        x[i] = [str(i)] * 10\n"
_SHOW = """\
rate = "60"
outputs = ["{output}"]
[environment]
path = "{environment}"
[tracking]
source = "simulate://crane?port={port}&rate=240"
[camera]
pixels = [320, 180]
[render]
threads = 1
[[walls]]
name = "flat"
kind = "plane"
centre_m = [0.0, 1.0, 1.5]
width_m = 6.0
height_m = 3.0
pixels = [384, 192]
"""


def main(tiny: bool) -> None:
    """Measure each load in turn, several rounds; write the table unless ``tiny``."""
    seconds, rounds = (1.0, 1) if tiny else (SECONDS, ROUNDS)
    rows: dict[str, list[dict[str, Any]]] = {load: [] for load in LOADS}
    for _ in range(rounds):
        for load in LOADS:
            report = _measure(load, seconds)
            rows[load].append(report)
            latency = report["latency_ms"]
            print(f"{load:>15}: p50 {latency['p50']:.2f}  p99 {latency['p99']:.2f} ms  {report['fps']:.1f} fps")
    if not tiny:
        _RESULT.write_text(_table(rows, seconds))


def _measure(load: str, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "light.ply"
        save(environment, _scene())
        output = f"shm://busy-{time.monotonic_ns()}"
        text = _SHOW.format(output=output, environment=environment, port=free_udp_port())
        show = show_from_text(text, "the benchmark's show")
        with Supervisor(show, text, "the benchmark's show", Path(folder)) as supervisor, _busy(load):
            command = ["receive", output, "--json", "--until-ended", "--wait", str(FIRST_FRAME_WITHIN_S)]
            receiver = children.start_command("receiver", command, stdout=subprocess.PIPE)
            try:
                while not supervisor.state().live.receivers:
                    if not receiver.running:
                        raise RuntimeError(f"no frame came within {FIRST_FRAME_WITHIN_S} s")
                    supervisor.watch(lambda _: None, 0.2)
                supervisor.watch(lambda _: None, seconds)
                supervisor.end()
                out, _ = receiver.process.communicate(timeout=10)
            finally:
                receiver.kill()
    report: dict[str, Any] = json.loads(out.splitlines()[-1])
    return report


@contextmanager
def _busy(load: str) -> Iterator[None]:
    """Keep an interpreter busy with dictionaries, lists and strings."""
    stop = threading.Event()
    if load == "supervisor":
        thread = threading.Thread(target=_spin, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
    elif load == "second process":
        process = subprocess.Popen([sys.executable, "-c", _SPIN])
        try:
            yield
        finally:
            process.kill()
            process.wait()
    else:
        yield


def _spin(stop: threading.Event) -> None:
    x = {}
    while not stop.is_set():
        for i in range(1000):
            x[i] = [str(i)] * 10


def _scene() -> SplatCloud:
    rng = np.random.default_rng(7)
    n = 2000
    means = np.column_stack([rng.uniform(-4, 4, n), rng.uniform(-4, 1, n), rng.uniform(2, 8, n)])
    wxyz = rng.normal(size=(n, 4))
    return SplatCloud(
        means=means.astype(np.float32),
        scales=rng.uniform(0.02, 0.1, (n, 3)).astype(np.float32),
        wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.3, 0.95, n).astype(np.float32),
        sh=rng.normal(0, 0.8, (n, 1, 3)).astype(np.float32),
    )


def _table(rows: dict[str, list[dict[str, Any]]], seconds: float) -> str:
    def middle(load: str, percent: str) -> float:
        return float(np.median([row["latency_ms"][percent] for row in rows[load]]))

    lines = [
        "# A busy interpreter beside the show",
        "",
        f"Datagram to received frame, ms; {seconds:g} s a run, medians of {len(rows['none'])} rounds taken in turn.",
        "2,000 splats at 320×180, one render thread, 60 fps, 240 Hz tracking over UDP.",
        "",
        f"Machine: {describe()}",
        "",
        "| load | p50 | p95 | p99 | p99 against none |",
        "|---|---|---|---|---|",
    ]
    quiet = middle("none", "p99")
    lines += [
        f"| {load} | {middle(load, 'p50'):.2f} | {middle(load, 'p95'):.2f} | {middle(load, 'p99'):.2f} "
        f"| {middle(load, 'p99') / quiet:.2f}× |"
        for load in LOADS
    ]
    return "\n".join(lines) + "\n"
