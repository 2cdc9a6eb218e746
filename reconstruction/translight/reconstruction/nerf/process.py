"""The process that nerfstudio runs in: its Python, its start, its events and its end; worker.py is its other side."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from translight.core.errors import ReconstructionError

Event = Mapping[str, Any]
"""``event`` names it; worker.py says which there are."""
PATIENCE_S = 1800.0
"""A worker that says nothing for so long hangs; the first use of a GPU and a large view on a CPU take minutes."""
GRACE_S = 30.0
"""What a worker that is asked to stop gets for its checkpoint before it is killed."""
WORKER = Path(__file__).with_name("worker.py")
_FOLDER = ".venv-nerf"
_POLL_S = 0.02
_MAX_LINE_BYTES = 1 << 16
_FACTS: Mapping[str, tuple[str, ...]] = {
    "ready": ("device", "iteration", "parameters"),
    "iteration": ("iteration", "iterations", "per_second", "loss", "psnr_db", "seconds"),
    "trained": ("iteration", "seconds", "stopped"),
    "rendered": ("name", "number", "count"),
    "failed": ("message",),
    "done": (),
}
"""Every event and what it holds."""
_QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
"""torch's threads spin where they meet: beside other busy processes an iteration took ten times as long."""


def nerf_python(given: Path | None = None) -> Path:
    """The Python of nerfstudio's environment: ``given``, or that which ``make nerf`` builds here or in the checkout.

    Raises ReconstructionError where there is none.
    """
    inside = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    folders = [Path.cwd(), *WORKER.parents]
    candidates = [folder / _FOLDER / inside for folder in folders if (folder / _FOLDER).is_dir()]
    found = given if given is not None else next(iter(candidates), Path(_FOLDER) / inside)
    if not found.is_file():
        raise ReconstructionError(
            f"{found}: no Python of nerfstudio's environment: run `make nerf`, or name one with TRANSLIGHT_NERF_PYTHON"
        )
    return found.absolute()  # resolved it would be the interpreter outside the environment


def do(
    job: Mapping[str, Any],
    python: Path,
    log: Path,
    told: Callable[[Event], None],
    *,
    worker: Path = WORKER,
    patience_s: float = PATIENCE_S,
    grace_s: float = GRACE_S,
) -> None:
    """Have a worker do a job, and tell each of its events until the last, ``done``.

    Whatever interrupts this, also an error of ``told``'s, asks the worker to stop, lets it write its checkpoint, and
    kills its process group when it does not. Raises ReconstructionError, in a line that names ``log``, when the worker
    fails, crashes, says what is no event, or hangs.
    """
    with log.open("ab") as errors, _started(python, worker, errors, grace_s) as process:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has crashed already, and its end is told below
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        for line in _lines(process, log, patience_s):
            event = _event(line, log)
            if event["event"] == "failed":
                raise ReconstructionError(f"nerfstudio: {event['message']} (its log is {log})")
            if event["event"] == "done":
                return
            told(event)
        status = process.wait()
    raise ReconstructionError(f"nerfstudio's process ended ({_ended(status)}): {_last_line(log)} (its log is {log})")


@contextlib.contextmanager
def _started(python: Path, worker: Path, errors: IO[bytes], grace_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """The process, alone in a group of its own, which has ended when the block has."""
    # -I: neither this program's modules nor the user's get into an environment that is not theirs
    command = [str(python), "-I", str(worker)]
    own_group: dict[str, Any] = {} if os.name == "nt" else {"start_new_session": True}
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **_QUIET},
            **own_group,
        )  # fmt: skip
    except OSError as error:
        raise ReconstructionError(f"{python}: cannot be started ({error.strerror or error})") from error
    try:
        yield process
    finally:
        _end(process, grace_s)


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # it looks for this between two iterations
        process.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    finally:
        if os.name == "nt":
            process.kill()
        else:  # the group may outlive its leader
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _lines(process: subprocess.Popen[bytes], log: Path, patience_s: float) -> Iterator[bytes]:
    """What it says, line by line, until it closes its output."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    os.set_blocking(descriptor, False)
    waiting, heard = b"", time.monotonic()
    while True:
        try:
            read = os.read(descriptor, _MAX_LINE_BYTES)
        except BlockingIOError:
            if time.monotonic() - heard > patience_s:
                message = f"nerfstudio's process said nothing for {patience_s:g} s and was ended (its log is {log})"
                raise ReconstructionError(message) from None
            time.sleep(_POLL_S)
            continue
        if not read:
            return
        heard = time.monotonic()
        *lines, waiting = (waiting + read).split(b"\n")
        yield from lines
        if len(waiting) > _MAX_LINE_BYTES:
            _event(waiting, log)  # refuses it


def _event(line: bytes, log: Path) -> Event:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    wanted = _FACTS.get(str(event.get("event"))) if isinstance(event, dict) else None
    if wanted is None or not event.keys() >= set(wanted):
        said = line[:60].decode(errors="replace")
        raise ReconstructionError(f"nerfstudio's process said what is no event: {said!r} (its log is {log})")
    return event


def _ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip()[:200] if lines else "it said nothing"
