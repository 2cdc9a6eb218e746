"""A lock that one process at a time holds on a file; the system frees it when the process ends, however it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from translight.core.errors import FormatError

_TRY_EVERY_S = 0.02


@contextmanager
def locked(path: Path, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Whether this block has the lock of ``path``, which is made when it is not there; another is waited for so long.

    Raises FormatError when the file cannot be made. POSIX: flock(2); Windows: ``msvcrt.locking``.
    """
    try:
        file = path.open("a+b")
    except OSError as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror})") from error
    with file:
        deadline_s = time.monotonic() + wait_s
        while not (have := _try_lock(file.fileno())) and time.monotonic() < deadline_s:
            time.sleep(_TRY_EVERY_S)
        yield have


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
