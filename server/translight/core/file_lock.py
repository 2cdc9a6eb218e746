"""A lock that one process at a time holds on a file; the system frees it when the process ends, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from translight.core.errors import FormatError


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether this block has the lock of ``path``, which is made when it is not there; nobody waits for another.

    Raises FormatError when the file cannot be made. POSIX: flock(2); Windows: ``msvcrt.locking``.
    """
    try:
        file = path.open("a+b")
    except OSError as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror})") from error
    with file:
        yield _try_lock(file.fileno())


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
