"""Child processes of a show: started with one JSON object on standard input, stopped by their board, never orphaned."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

import psutil

from translight.core.errors import ShowError

_POLL_S = 0.01
_ENVIRONMENT = {"NUMBA_THREADING_LAYER": "workqueue"}
"""Numba's OpenMP layer spins where its threads meet: beside other busy processes a frame took three times as long."""
_NICENESS = -10
_AUTOGROUP = Path("/proc/self/autogroup")


@dataclass(slots=True)
class Child:
    """A running child process."""

    name: str
    process: subprocess.Popen[str]

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self.process.poll()

    def wait(self, deadline: float) -> bool:
        """Wait until ``time.monotonic()`` reaches ``deadline``; whether it has ended."""
        while self.running:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def terminate(self) -> None:
        """Ask the operating system to end it."""
        if self.running:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once, and collect it."""
        if self.running:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def start(name: str, module: str, job: Mapping[str, Any], *, stdout: IO[str] | int | None = None) -> Child:
    """Run ``python -m module`` with ``job`` as its first line of input, in a process group of its own.

    Ctrl-C then reaches the supervisor alone, which ends its children in order.
    """
    child = _spawn(name, [sys.executable, "-X", "faulthandler", "-m", module], subprocess.PIPE, stdout)
    assert child.process.stdin is not None
    try:
        child.process.stdin.write(json.dumps(job) + "\n")
        child.process.stdin.close()
    except OSError as error:
        child.kill()
        raise ShowError(f"the {name} process ended before it began: {error.strerror}") from error
    return child


def start_command(name: str, arguments: Sequence[str], *, stdout: IO[str] | int | None = None) -> Child:
    """Run a Translight subcommand in a process group of its own."""
    return _spawn(name, [sys.executable, "-m", "translight.cli", *arguments], subprocess.DEVNULL, stdout)


def read_job() -> dict[str, Any]:
    """A child's own end: its job from standard input; from here on it goes before the machine's other work.

    Ctrl-C is the supervisor's business from here on. Being terminated unwinds, and gives sockets and names back.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _unwind)
    go_first()
    job = json.loads(sys.stdin.readline())
    assert isinstance(job, dict), "the supervisor sends one JSON object"
    return job


def go_first() -> bool:
    """Raise this process's priority for good; False where this user may not (on Linux: ``ulimit -e``, LimitNICE)."""
    try:
        process = psutil.Process()
        if sys.platform == "win32":
            process.nice(psutil.HIGH_PRIORITY_CLASS)
        elif process.nice() > _NICENESS:
            process.nice(_NICENESS)
        # Linux shares the processor out between sessions first (sched(7), "The autogroup feature"), and a child of
        # ours has a session of its own.
        if _AUTOGROUP.exists():
            _AUTOGROUP.write_text(str(_NICENESS))
    except (psutil.AccessDenied, OSError):
        return False
    return True


def may_go_first() -> bool:
    """Whether ``go_first`` would do it, without doing it."""
    if sys.platform == "win32":
        return True
    import resource

    if not hasattr(resource, "RLIMIT_NICE"):
        return os.geteuid() == 0
    soft, _ = resource.getrlimit(resource.RLIMIT_NICE)
    # The limit counts downwards from 20: 30 allows a niceness of −10.
    return os.geteuid() == 0 or soft == resource.RLIM_INFINITY or soft >= 20 - _NICENESS


def _unwind(number: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _spawn(name: str, command: Sequence[str], stdin: int, stdout: IO[str] | int | None) -> Child:
    own_group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    environment = {**_ENVIRONMENT, **os.environ}
    return Child(name, subprocess.Popen(command, stdin=stdin, stdout=stdout, text=True, env=environment, **own_group))
