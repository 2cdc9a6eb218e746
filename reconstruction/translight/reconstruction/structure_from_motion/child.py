"""The process that runs COLMAP: ``python -m …structure_from_motion.child JOB.json``; ``worker.py`` starts it.

Its answers are lines of JSON (``jobs.Answer``) on standard output, COLMAP's own log goes to standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

# Pillow before pycolmap: in the other order the two libraries' own copies of image codecs corrupt the heap and hang.
import PIL.Image  # noqa: F401
import pycolmap  # noqa: F401

from translight.core.errors import FormatError
from translight.reconstruction.structure_from_motion.colmap_features import extract, match, retrieve
from translight.reconstruction.structure_from_motion.colmap_mapping import map_matches, pair_angles
from translight.reconstruction.structure_from_motion.jobs import (
    Angles,
    Answer,
    Extract,
    Job,
    Map,
    Match,
    Retrieve,
)

_TASKS: dict[type, Any] = {
    Extract: extract,
    Retrieve: retrieve,
    Match: match,
    Map: map_matches,
    Angles: pair_angles,
}


def main(job_file: str) -> int:
    """Do the job and answer; 0 when it was done, 1 when it was refused with one line."""
    answers = _own_output()
    _end_with_the_parent()

    def tell(answer: Answer) -> None:
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()

    try:
        job = msgspec.json.decode(Path(job_file).read_bytes(), type=Job)
        result = _TASKS[type(job)](job, lambda share: tell(Answer(share=share)))
    except (FormatError, msgspec.DecodeError) as error:
        tell(Answer(error=str(error)))
        return 1
    tell(Answer(result=msgspec.to_builtins(result)))
    return 0


def _own_output() -> BinaryIO:
    """Standard output for answers alone: what a library prints goes to standard error from here on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _end_with_the_parent() -> None:
    """However the parent ends, this process ends too: no step can be asked to stop, so none is.

    The parent's end of the pipe to standard input closes with it; a thread waits for that. It cannot run while a call
    into COLMAP holds the interpreter's lock, so Linux is asked for a signal as well (prctl(2), PR_SET_PDEATHSIG).
    """
    threading.Thread(target=_watch, name="parent's watch", daemon=False).start()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os._exit(3)


if __name__ == "__main__":
    status = 1
    try:
        status = main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)  # the watch waits in a read for as long as the parent lives
