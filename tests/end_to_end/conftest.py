"""Shows run as their users run them: in processes of their own, over real sockets."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from translight.splats.cloud import SplatCloud
from translight.splats.files import save


@dataclass
class RunningShow:
    """A ``translight serve`` in a process of its own."""

    process: subprocess.Popen[str]
    output: str
    port: int
    path: Path
    log: Path

    def wait_for(self, happened: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, f"the show ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"it did not happen within {seconds} s:\n{self.log.read_text()}"
            time.sleep(0.02)

    def children(self) -> dict[str, psutil.Process]:
        """The show's processes by name."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                for word in child.cmdline():
                    if word.startswith("translight.server."):
                        found[word.removeprefix("translight.server.").removesuffix("_process")] = child
        return found

    def end(self, number: int = signal.SIGINT) -> float:
        """Send the signal, wait; seconds until everything had ended."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        begin = time.monotonic()
        self.process.send_signal(number)
        gone, alive = psutil.wait_procs(family, timeout=10)
        seconds = time.monotonic() - begin
        assert alive == [], f"{alive} of {gone + alive} were left"
        self.process.wait()
        return seconds


@pytest.fixture
def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A room's worth of coloured splats before a camera at (0, −3, 1.5) on the stage."""
    rng = np.random.default_rng(4)
    n = 400
    stage = np.column_stack([rng.uniform(-4, 4, n), rng.uniform(2, 8, n), rng.uniform(-1, 4, n)])
    means = np.column_stack([stage[:, 0], -stage[:, 2], stage[:, 1]])  # stage to RDF
    wxyz = rng.normal(size=(n, 4))
    cloud = SplatCloud(
        means=means.astype(np.float32),
        scales=rng.uniform(0.1, 0.5, (n, 3)).astype(np.float32),
        wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.3, 0.95, n).astype(np.float32),
        sh=rng.normal(0, 0.8, (n, 1, 3)).astype(np.float32),
    )
    path = tmp_path / "room.ply"
    save(path, cloud)
    return path


def show_text(environment: Path, outputs: Sequence[str], source: str, *, rate: str = "30") -> str:
    return f"""\
name = "test"
rate = "{rate}"
outputs = [{", ".join(one if one.startswith("{") else json.dumps(one) for one in outputs)}]
[environment]
path = "{environment}"
[tracking]
source = "{source}"
lost_after_ms = 300
[camera]
pixels = [320, 180]
[render]
hold_rate = false  # pictures are compared, whatever else the machine does
[[walls]]
name = "flat"
kind = "plane"
centre_m = [0.0, 1.0, 1.5]
width_m = 6.0
height_m = 3.0
pixels = [384, 192]
"""


@pytest.fixture
def start_show(tmp_path: Path, free_port: int) -> Iterator[Callable[..., RunningShow]]:
    running: list[RunningShow] = []

    def start(  # outputs are URLs or inline tables
        environment: Path,
        source: str = "freed://127.0.0.1:{port}",
        rate: str = "30",
        more: str = "",
        outputs: Sequence[str] = (),
    ) -> RunningShow:
        output = f"shm://test-{uuid.uuid4().hex[:12]}"
        path = tmp_path / "show.toml"
        text = show_text(environment, [output, *outputs], source.format(port=free_port), rate=rate)
        path.write_text(text + more)
        log = tmp_path / "log.txt"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "translight.cli", "serve", str(path)],
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        show = RunningShow(process, output, free_port, path, log)
        running.append(show)
        return show

    before = _segments()
    yield start
    for show in running:
        if show.process.poll() is None:
            with contextlib.suppress(psutil.Error):
                show.end(signal.SIGTERM)
    left = _segments() - before
    assert left == set(), f"shared memory was left behind: {left}"


def _segments() -> set[str]:
    folder = Path("/dev/shm")
    return {name for name in os.listdir(folder) if name.startswith("translight-")} if folder.is_dir() else set()
