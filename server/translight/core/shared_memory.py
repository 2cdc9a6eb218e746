"""Named memory that two processes map: POSIX files under /dev/shm, tagged sections on Windows; no tracker process.

``multiprocessing.shared_memory`` hands every attached segment to a resource tracker that unlinks it when the
attaching process ends (CPython issue 82300, solved by ``track=False`` only in 3.13), which would take the ring away
from under a running show.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from translight.core.errors import StreamError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class SharedMemory:
    """A named segment, zero-filled when created. Its creator removes the name on ``close``; mapped views stay valid."""

    def __init__(self, name: str, mapping: mmap.mmap, path: Path | None, inode: int, *, owner: bool) -> None:
        self.name = name
        self.buffer = memoryview(mapping)
        self._mapping = mapping
        self._path = path
        self._inode = inode
        self._owner = owner

    @classmethod
    def create(cls, name: str, size: int) -> Self:
        """A new segment of ``size`` bytes, all of them reserved. A name left behind by a dead process is taken over.

        Raises StreamError when there is no room: a segment that is only promised would end the process at a write.
        """
        path = _path(name)
        if size < 1:
            raise ValueError(f"shared memory holds at least one byte, got {size}")
        if path is None:
            return cls(name, mmap.mmap(-1, size, tagname=f"translight-{name}"), None, 0, owner=True)  # type: ignore[call-arg, unused-ignore]
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            fd = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.ftruncate(fd, size)
                if hasattr(os, "posix_fallocate"):  # macOS has none
                    os.posix_fallocate(fd, 0, size)
                mapping, inode = mmap.mmap(fd, size), os.fstat(fd).st_ino
            finally:
                os.close(fd)
            os.rename(aside, path)
        except (OSError, OverflowError) as error:
            aside.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or error
            raise StreamError(f"shared memory {name!r} of {size} bytes: {reason}") from error
        return cls(name, mapping, path, inode, owner=True)

    @classmethod
    def attach(cls, name: str, size: int = 0) -> Self:
        """An existing segment; on Windows ``size`` must be given. Raises StreamError when there is none."""
        path = _path(name)
        if path is None:
            return cls(name, mmap.mmap(-1, size, tagname=f"translight-{name}"), None, 0, owner=False)  # type: ignore[call-arg, unused-ignore]
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise StreamError(f"no shared memory named {name!r}: is its sender running?") from error
        try:
            mapping, inode = mmap.mmap(fd, 0), os.fstat(fd).st_ino
        except (OSError, ValueError) as error:
            raise StreamError(f"shared memory {name!r} cannot be mapped: {error}") from error
        finally:
            os.close(fd)
        return cls(name, mapping, path, inode, owner=False)

    def replaced(self) -> bool:
        """Whether the name is gone or now means another segment: the sender ended or started anew."""
        if self._path is None:
            return False
        try:
            return os.stat(self._path).st_ino != self._inode
        except OSError:
            return True

    def close(self) -> None:
        """Unmap, and remove the name if this is its creator. Views that others still hold keep the memory mapped."""
        if self._owner and not self.replaced() and self._path is not None:
            self._path.unlink(missing_ok=True)
        self._owner = False
        try:
            self.buffer.release()
            self._mapping.close()
        except BufferError:
            pass  # an array still looks at it; the mapping ends with that array

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def names(prefix: str) -> list[str]:
    """Names that begin with ``prefix`` and mean a segment now; empty on Windows, which keeps none unused."""
    sample = _path(prefix)
    if sample is None:
        return []
    skip = len(sample.name) - len(prefix)
    return sorted(path.name[skip:] for path in sample.parent.glob(f"{sample.name}*"))


def remove(name: str) -> None:
    """Take a name away whose creator is dead. Mapped views stay valid."""
    path = _path(name)
    if path is not None:
        path.unlink(missing_ok=True)


def _path(name: str) -> Path | None:
    """Where a segment's name lives, or None on Windows. Raises ValueError on a name that is not plain."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"a shared memory name is 1 to 100 of A-Z a-z 0-9 . _ -, got {name!r}")
    if sys.platform == "win32":
        return None
    folder = Path("/dev/shm")
    return (folder if folder.is_dir() else Path(tempfile.gettempdir())) / f"translight-{name}"
