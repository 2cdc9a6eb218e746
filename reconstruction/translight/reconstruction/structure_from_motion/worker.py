"""Runs one job (``jobs.py``) in a child process (``child.py``), and ends it with whatever ends the work here.

COLMAP is kept out of this process: its library corrupts the heap when it is loaded before Pillow, a crash in it would
take the whole run along, and its threads cannot be stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from translight.core.errors import FormatError, MissingExtra, ReconstructionError
from translight.core.files import whole_file
from translight.core.progress import Progress
from translight.reconstruction.structure_from_motion.jobs import Answer, Job

R = TypeVar("R")

CHILD = "translight.reconstruction.structure_from_motion.child"
LOG = "colmap.log"
SILENT_S = 900.0
"""A child that tells nothing for so long hangs: the longest silent step, a global adjustment, takes a few minutes."""
_ENDING_S = 3.0
_FULL_BYTES = 8 << 20


def run_job(
    job: Job,
    kind: type[R],
    work: Path,
    what: str,
    progress: Progress,
    *,
    silent_s: float = SILENT_S,
    seconds: float | None = None,
) -> R:
    """What came of a job, as ``kind``. ``what`` names it in progress and errors; COLMAP's own log grows in ``work``.

    Raises ReconstructionError when the child crashes, hangs for ``silent_s`` or is not done in ``seconds``,
    FormatError when it refuses what it was given, MissingExtra without pycolmap. No child outlives the call.
    """
    if find_spec("pycolmap") is None:
        raise MissingExtra("pycolmap", "train")
    work.mkdir(parents=True, exist_ok=True)
    job_file = work / "job.json"
    with whole_file(job_file) as aside:
        aside.write_bytes(msgspec.json.encode(job))
    log = work / LOG
    with log.open("ab") as errors:
        child = _start(job_file, errors)
        try:
            answer = _listen(child, what, progress, silent_s, seconds, log)
        finally:
            _end(child)
    job_file.unlink(missing_ok=True)
    return msgspec.convert(answer, type=kind)


def _start(job_file: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    own_group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    # -P: a pycolmap.py in the folder where the user happens to be is not the library
    command = [sys.executable, "-P", "-m", CHILD, str(job_file)]
    # the pipe to its input is how the child notices that this process is gone
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, **own_group)


def _listen(
    child: subprocess.Popen[bytes], what: str, progress: Progress, silent_s: float, seconds: float | None, log: Path
) -> Any:
    """The result, as plain values. A thread reads, as no pipe can be waited for with a time limit on every system."""
    assert child.stdout is not None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read(stream: IO[bytes]) -> None:
        for line in stream:
            lines.put(line)
        lines.put(b"")

    reader = threading.Thread(target=read, args=(child.stdout,), name="colmap's answers")
    reader.start()
    try:
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = silent_s if deadline is None else min(silent_s, max(deadline - time.monotonic(), 0.0))
            try:
                line = lines.get(timeout=left)
            except queue.Empty:
                late = deadline is not None and time.monotonic() >= deadline
                why = f"was not done in {seconds:.0f} s" if late else f"told nothing for {silent_s:.0f} s"
                raise ReconstructionError(f"{what}: COLMAP {why} and was ended; its log is {log}") from None
            if not line:
                full = ", and the disk is full" if shutil.disk_usage(log.parent).free < _FULL_BYTES else ""
                raise ReconstructionError(f"{what}: {_ended(child)}{full}; its log is {log}")
            answer = _parsed(line, what, log)
            if answer.error is not None:
                raise FormatError(answer.error)
            if answer.result is not None:
                return answer.result
            progress(what, answer.share or 0.0)
    finally:
        _end(child)
        reader.join()
        child.stdout.close()


def _parsed(line: bytes, what: str, log: Path) -> Answer:
    try:
        return msgspec.json.decode(line, type=Answer)
    except msgspec.DecodeError as error:
        raise ReconstructionError(f"{what}: COLMAP's process wrote {line[:80]!r}; its log is {log}") from error


def _ended(child: subprocess.Popen[bytes]) -> str:
    try:
        status = child.wait(timeout=_ENDING_S)
    except subprocess.TimeoutExpired:
        return "COLMAP's process told no result and did not end"
    if status >= 0:
        return f"COLMAP's process ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    memory = ", as happens when memory runs out" if name == "SIGKILL" else ""
    return f"COLMAP's process was ended by {name}{memory}"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started; it has nothing to put in order: files and tables stand whole or not."""
    if child.poll() is None and sys.platform == "win32":
        child.kill()
    elif child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait(timeout=_ENDING_S)
    if child.stdin is not None:
        child.stdin.close()


def fingerprint(values: Any) -> str:
    """Sixteen hexadecimal digits that are equal for equal values (those that JSON holds): names of finished steps."""
    import hashlib

    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
