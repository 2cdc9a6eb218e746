"""Splat files on disk: the one module of this room that opens files; the codecs turn bytes into clouds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from translight.core.errors import FormatError
from translight.splats import ply, sog, splat
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress


def load(path: str | Path, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a splat file of any format that is read, known by its content first and its name second.

    ``path`` may be a SOG folder or its ``meta.json``. Raises FormatError, which begins with the path.
    """
    path = Path(path)
    try:
        if path.is_dir() or path.name == sog.META:
            return _load_sog_folder(path if path.is_dir() else path.parent, limits, progress)
        data = read_bytes(path, limits)
        if data[:3] == b"ply":
            return ply.decode(data, limits, progress)
        if path.suffix.lower() == ".splat":
            return splat.decode(data, limits, progress)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    raise FormatError(f"{path}: not a splat file that is read: .ply, .splat, or a SOG folder")


def read_bytes(path: Path, limits: Limits) -> bytes:
    """A file's bytes. Raises FormatError when it cannot be read or is past the limit."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FormatError("not a regular file")
            limits.check_bytes(status.st_size, "the file")
            return file.read(status.st_size)
    except OSError as error:
        raise FormatError(error.strerror or str(error)) from error


def _load_sog_folder(folder: Path, limits: Limits, progress: Progress | None) -> SplatCloud:
    if not (folder / sog.META).is_file():
        raise FormatError(f"a folder without {sog.META} is no SOG scene")
    meta = sog.parse_meta(read_bytes(folder / sog.META, Limits(max_bytes=sog.MAX_META_BYTES)))
    return sog.decode(meta, lambda name: read_bytes(folder / name, limits), limits, progress)
