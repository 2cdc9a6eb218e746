"""What receivers cost a show: frames sent and the sender's work with none, one and several that look on, in turns.

A show without a tracker, drawn by the stand-in (standin.py), composites and sends from a process of its own
(paced_show.py); receivers (onlooker.py) are processes too. Where they share the processor with the show, that alone
costs it time: so beside them stand as many strangers, which copy as much and receive nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import standin
from benchmarks.bench_latency import _show
from translight.core.clock import now_ns
from translight.core.machine import describe
from translight.server import children
from translight.server.demo import free_udp_port

_RESULT = Path(__file__).parent / "results" / "receivers.md"
SECONDS = 4.0
_WARM_S = 1.0
_FIRST_FRAME_WITHIN_S = 20.0
TURNS = {
    "shm": [*((n, "receive") for n in (0, 1, 2, 4, 8)), (8, "headers"), (8, "stranger")],
    "zmq+tcp": [(n, "receive") for n in (0, 1, 2, 4, 8)],
    "tcp": [(n, "receive") for n in (0, 1, 4)],
    "ws": [(n, "receive") for n in (0, 1, 4)],
}
_WORDS = {"receive": "", "headers": ", headers only", "stranger": " strangers"}


@dataclass(slots=True)
class Turn:
    """A way out with so many onlookers: spans of the clock in which they looked on, and what they counted."""

    count: int
    kind: str
    spans_ns: list[tuple[int, int]]
    seen: list[float]
    """Frames a second that each onlooker saw."""


def main(tiny: bool) -> None:
    """Measure; write the table unless ``tiny``."""
    pixels = (64, 36) if tiny else (1280, 720)
    seconds, rounds = (0.2, 1) if tiny else (SECONDS, 2)
    turns = {"shm": [(0, "receive"), (1, "receive"), (1, "headers"), (1, "stranger")]} if tiny else TURNS
    rows = []
    for way, wanted in turns.items():
        for row in _measured(way, wanted, pixels, seconds, rounds):
            print(row, flush=True)
            rows.append(row)
    if not tiny:
        _RESULT.write_text(_document(rows, pixels))


def _url(way: str) -> str:
    port = free_udp_port()
    return f"shm://receivers-{os.getpid()}" if way == "shm" else f"{way}://127.0.0.1:{port}"


def _measured(
    way: str, wanted: list[tuple[int, str]], pixels: tuple[int, int], seconds: float, rounds: int
) -> list[str]:
    turns = [Turn(count, kind, [], []) for count, kind in wanted]
    url = _url(way)
    text = _show("receivers", pixels, 240, path="builtin:demo", fit=False, backend=standin.NAME)
    text = "\n".join(f'outputs = ["{url}"]' if line.startswith("outputs") else line for line in text.splitlines())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        rows_file = Path(folder) / "rows.npy"
        job = {"show": text, "rows": str(rows_file)}
        show = children.start("show", "benchmarks.paced_show", job, stdout=subprocess.PIPE)
        stack.callback(show.kill)
        assert show.process.stdout is not None
        if show.process.stdout.readline().strip() != "running":
            raise RuntimeError(f"{url}: the show did not begin")
        onlookers = [_Onlooker(stack) for _ in range(max(turn.count for turn in turns))]
        for k in range(rounds):
            # There and back, so that what drifts meanwhile falls on all alike
            for turn in turns[:: 1 if k % 2 == 0 else -1]:
                _look_on(turn, onlookers, url, 4 * pixels[0] * pixels[1], seconds)
        show.terminate()
        show.wait(time.monotonic() + 10)
        rows = np.load(rows_file)
    return [_row(way, turn, rows) for turn in turns]


class _Onlooker:
    """A process of onlooker.py."""

    def __init__(self, stack: ExitStack) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.onlooker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(self._end)

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        print(words, file=self.process.stdin, flush=True)

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()


def _look_on(turn: Turn, onlookers: list[_Onlooker], url: str, nbytes: int, seconds: float) -> None:
    mine = onlookers[: turn.count]
    for onlooker in mine:
        onlooker.tell(f"look {turn.kind} {url} {nbytes}")
    for onlooker in mine:
        if onlooker.answer() != "first":
            raise RuntimeError(f"{url}: no frame came to a receiver")
    time.sleep(min(_WARM_S, seconds))
    begin_ns = now_ns()
    time.sleep(seconds)
    turn.spans_ns.append((begin_ns, now_ns()))
    for onlooker in mine:
        onlooker.tell("rest")
    turn.seen += [float(onlooker.answer()) for onlooker in mine]


def _row(way: str, turn: Turn, rows: np.ndarray) -> str:
    inside = np.zeros(len(rows), bool)
    for begin, end in turn.spans_ns:
        inside |= (rows[:, 0] >= begin) & (rows[:, 0] < end)
    mine = rows[inside]
    total_s = sum(end - begin for begin, end in turn.spans_ns) / 1e9
    cells = [way, f"{turn.count}{_WORDS[turn.kind]}", f"{len(mine) / total_s:.1f}", str(int(mine[:, 1].sum()))]
    for column in (2, 3, 4):
        p50, p99 = np.percentile(mine[:, column] / 1e6, (50, 99))
        cells.append(f"{p50:.2f} / {p99:.2f}")
    seen = "" if turn.kind == "stranger" or not turn.seen else f"{min(turn.seen):.0f} to {max(turn.seen):.0f}"
    return f"| {' | '.join([*cells, seen])} |"


def _document(rows: list[str], pixels: tuple[int, int]) -> str:
    head = ["way", "receivers", "frames a second", "left out", "composite", "send", "publish", "each receives"]
    return f"""\
# What receivers cost a show

{describe()}; a shared machine.
{pixels[0]}×{pixels[1]} at 60 fps, the stand-in renderer (3 ms), composited and sent by a process of its own;
{2 * SECONDS:g} s a row, in turns there and back. Milliseconds a frame, p50 / p99: *composite* from drawn to
composited, on all cores; *send* from composited until the live loop goes on; *publish* is what its thread
itself works of that, which other processes lengthen only through caches and memory. *Left out* are places on
the frame clock that got no frame. *Each receives* is pictures a second of the slowest and the fastest
receiver. `python -m benchmarks receivers`.

A receiver is a process that copies, and on ws:// decodes, every picture it gets; on two cores that alone takes
time from compositing. So compare eight receivers with eight that read headers alone (woken as often, copying
nothing) and with eight strangers (copying as much, receiving nothing): what strangers cost too is the
machine's, not the way out's.

| {" | ".join(head)} |
|{"---|" * len(head)}
{chr(10).join(rows)}
"""
