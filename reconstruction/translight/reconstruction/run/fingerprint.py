"""Whether photographs are still those that a run began with: their names, sizes and times of change."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError

_MOST_FILES = 200_000
"""Security, and sense: no folder of photographs holds more."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of a file or of all files under a folder: the resolved path, how many files, and a digest over them."""

    path: str
    files: int
    digest: str


def fingerprint(path: Path) -> Fingerprint:
    """Files beginning with a point, and what lies in folders that do, are not looked at. Raises FormatError."""
    found = path.resolve()
    if not found.exists():
        raise FormatError(f"{path}: no such file or folder")
    digest, count = hashlib.sha256(), 0
    try:
        for file in [found] if found.is_file() else _files(found):
            about = file.stat()
            name = file.name if file == found else file.relative_to(found).as_posix()
            digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\0".encode(errors="surrogateescape"))
            count += 1
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from error
    return Fingerprint(str(found), count, digest.hexdigest())


def _files(folder: Path) -> list[Path]:
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(here, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > _MOST_FILES:
            raise FormatError(f"{folder}: more than {_MOST_FILES} files; a folder of photographs is wanted")
    return found
