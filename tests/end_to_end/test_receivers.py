"""A show on every way out that we also receive, each receiver killed and started again in turn: the others go on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.conftest import RunningShow

from translight.server.latency.load import loaded
from translight.stream.latency import column
from translight.stream.trace import load_trace
from translight.stream.transports import TRANSPORTS
from translight.stream.urls import open_receiver

FPS = 10
LEAST_SHARE = 0.5
"""Of the frames sent while another receiver dies and comes again, that the others must have at least."""


def ports(count: int) -> list[int]:
    """Even ones, since RTP wants the next for its control packets."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port % 2 == 0 and port not in found:
            found.append(port)
    return found


class Watcher:
    """A ``translight receive`` in a process of its own, until ``ending`` ends."""

    def __init__(self, url: str, folder: Path, ending: ExitStack) -> None:
        self.log, self.trace = folder / f"{uuid.uuid4().hex}.txt", folder / f"{uuid.uuid4().hex}.npz"
        command = [sys.executable, "-u", "-m", "translight.cli", "receive", url, "--wait", "60", "--trace", self.trace]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        ending.callback(self.process.wait)
        ending.callback(self.process.kill)

    def wait(self) -> None:
        """Until a second with frames has been told."""
        deadline = time.monotonic() + 60
        while not any(line.split()[1:2] == ["fps"] for line in self.log.read_text().splitlines()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def frames(self) -> np.ndarray:
        """End it as its user would, and read which frames it had."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0, self.log.read_text()
        return column(load_trace(self.trace).rows, "frame")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_dies_and_comes_again_and_the_others_go_on(
    start_show: Callable[..., RunningShow], environment: Path, tmp_path: Path
) -> None:
    zmq, tcp, rtp, rtsp, udp, ws = ports(6)
    urls = {
        "zmq+tcp": f"zmq+tcp://127.0.0.1:{zmq}",
        "tcp": f"tcp://127.0.0.1:{tcp}",
        "rtp": f"rtp://127.0.0.1:{rtp}",
        "rtsp": f"rtsp://127.0.0.1:{rtsp}/wall",
        "udp": f"udp://127.0.0.1:{udp}",
        "zmq+ipc": f"zmq+ipc://{tmp_path}/wall",
        "ws": f"ws://127.0.0.1:{ws}",
    }
    if find_spec("NDIlib") is not None:
        urls["ndi"] = f"ndi://test-{uuid.uuid4().hex[:8]}?host=127.0.0.1"
    assert urls.keys() >= {t.scheme for t in TRANSPORTS.values() if t.receives} - {"shm", "ndi"}
    show = start_show(
        environment, "simulate://crane?protocol=osc&port={port}&rate=60", str(FPS), outputs=[*urls.values()]
    )
    urls["shm"] = show.output

    with ExitStack() as ending, open_receiver(show.output) as receiver, loaded("interpreter"):

        def now() -> int:
            frame = receiver.receive(60)
            assert frame is not None
            return frame.header.frame

        now()
        watchers = {scheme: Watcher(url, tmp_path, ending) for scheme, url in urls.items()}
        for watcher in watchers.values():
            watcher.wait()
        spans: dict[str, tuple[int, int]] = {}
        for scheme, url in urls.items():
            began = now()
            watchers[scheme].process.kill()
            watchers[scheme].process.wait()
            watchers[scheme] = Watcher(url, tmp_path, ending)
            watchers[scheme].wait()
            spans[scheme] = began, now()
        had = {scheme: watcher.frames() for scheme, watcher in watchers.items()}
    assert show.process.poll() is None
    shares = {
        (scheme, other): float(((frames >= begin) & (frames < end)).sum()) / (end - begin)
        for scheme, frames in had.items()
        for other, (begin, end) in spans.items()
        # One that was started again knows nothing of what its forerunner saw
        if list(spans).index(other) > list(spans).index(scheme)
    }
    assert len(shares) == len(urls) * (len(urls) - 1) // 2
    assert min(shares.values()) >= LEAST_SHARE, shares
    for scheme, frames in had.items():  # the first may be the last key picture, from before its forerunner's end
        assert frames[-1] > spans[scheme][0], f"{scheme} came back to nothing new"
    show.end()
