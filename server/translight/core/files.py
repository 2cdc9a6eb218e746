"""Files and folders that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from translight.core.errors import FormatError


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits. Raises OSError when it cannot be read."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_limited(path: Path, most: int) -> bytes:
    """A file of at most so many bytes. Raises FormatError, which begins with the path, when there is no such."""
    try:
        if not path.is_file():
            raise FormatError(f"{path}: no such file")
        if path.stat().st_size > most:
            raise FormatError(f"{path}: {path.stat().st_size} bytes, the limit is {most}")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes ``path``'s place when the block ends well, and goes when not.

    A reader sees the old file or the new one, never half of one: the rename is atomic within a folder (POSIX
    rename; Windows MoveFileEx with replacement). Raises OSError when the folder is missing or cannot be written.
    """
    path = Path(path)
    # the suffix stays, for writers that choose their format by it
    aside = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file of text (UTF-8) or bytes, whole or not at all. Raises FormatError when it cannot be written."""
    try:
        with whole_file(path) as aside:
            aside.write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror})") from error


@contextmanager
def whole_folder(path: Path, *, new: bool = False) -> Iterator[Path]:
    """A new folder beside ``path``; it takes ``path``'s place when the block ends well, and goes when not.

    A folder that is there steps aside first, comes back where the new one cannot come, and is deleted at the end: the
    caller has made sure that it may be. With ``new`` nothing is replaced: FileExistsError when a folder with something
    in it is there by then, so of two writers one gets the name. Raises OSError when the folder around it is missing or
    cannot be written.
    """
    path = Path(path)
    mark = f"{os.getpid()}-{threading.get_ident()}"
    aside, old = path.with_name(f".{path.name}.{mark}"), path.with_name(f".{path.name}.{mark}.old")
    aside.mkdir()
    try:
        yield aside
        there = path.exists()
        if there and new:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if there:
            os.rename(path, old)
        try:
            os.rename(aside, path)  # a folder with something in it is never replaced
        except OSError as error:
            if new and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
            if there:
                os.rename(old, path)
            raise
        if there:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def discarded(folder: Path) -> None:
    """Take back a folder that was written a moment ago: it is gone at once, its files as far as they can be deleted."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}-{threading.get_ident()}.old")
    os.rename(folder, aside)
    shutil.rmtree(aside, ignore_errors=True)
