"""Zips from capture apps, distrusted: names, links, counts and sizes are checked before anything is unpacked.

``environment.package_zip`` does the same for packages, whose parts are known by name and hash.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from translight.core.errors import FormatError, ReconstructionError
from translight.core.files import whole_file
from translight.core.progress import Progress

_ENCRYPTED = 0x1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Security: what a zip may hold."""

    max_entries: int = 200_000
    max_file_bytes: int = 1 << 30
    max_bytes: int = 64 << 30
    """Of all files that are unpacked together."""


DEFAULT_LIMITS = ArchiveLimits()


@contextmanager
def open_archive(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[zipfile.ZipFile]:
    """A zip whose entries have all been checked. Raises FormatError, also on damage found inside the block."""
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path, archive, limits)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: a damaged zip: {error}") from error


def read_entry(path: Path, archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """One file's bytes. Raises FormatError when it is missing or larger than ``max_bytes``."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise FormatError(f"{path}: no {name} inside") from None
    with archive.open(entry) as source:
        data = source.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise FormatError(f"{path}: {name} unpacks to more than {max_bytes:,} bytes")
    return data


def unpack(
    path: Path,
    archive: zipfile.ZipFile,
    wanted: Mapping[str, Path],
    progress: Progress,
    limits: ArchiveLimits = DEFAULT_LIMITS,
) -> None:
    """Write entries to the files given; each appears whole, and those that are there with the same bytes stay.

    Raises FormatError on damage and lies, ReconstructionError when the disk does not take them.
    """
    entries = [archive.getinfo(name) for name in wanted]
    total = sum(entry.file_size for entry in entries)
    if total > limits.max_bytes:
        raise FormatError(f"{path}: unpacks to {total:,} bytes, the limit is {limits.max_bytes:,}")
    for done, entry in enumerate(entries, start=1):
        file = wanted[entry.filename]
        if not _is_there(entry, file):
            _unpack(archive, entry, file)
        progress(f"unpacking {path.name}", done / len(entries))


def _is_there(entry: zipfile.ZipInfo, file: Path) -> bool:
    """By size and by the sum that the zip holds."""
    if not file.is_file() or file.stat().st_size != entry.file_size:
        return False
    crc = 0
    with file.open("rb") as source:
        while block := source.read(_BLOCK):
            crc = zlib.crc32(block, crc)
    return crc == entry.CRC


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as aside, archive.open(entry) as source, aside.open("wb") as target:
            shutil.copyfileobj(source, target, _BLOCK)  # zipfile stops at the size that was claimed
    except OSError as error:
        raise ReconstructionError(f"{file}: cannot be written ({error.strerror or error})") from error


def _check(path: Path, archive: zipfile.ZipFile, limits: ArchiveLimits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.max_entries:
        raise FormatError(f"{path}: {len(entries)} files in the zip, the limit is {limits.max_entries}")
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        pieces = PurePosixPath(name).parts
        if name.startswith("/") or "\\" in name or "\0" in name or ":" in name or ".." in pieces:
            raise FormatError(f"{path}: {name!r} would unpack outside its folder")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise FormatError(f"{path}: {name!r} is a symbolic link, only plain files are allowed")
        if name in seen:
            raise FormatError(f"{path}: {name!r} is in the zip twice")
        seen.add(name)
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{path}: {name!r} is neither stored nor deflated, unencrypted")
        if entry.file_size > limits.max_file_bytes:
            raise FormatError(
                f"{path}: {name!r} unpacks to {entry.file_size:,} bytes, the limit is {limits.max_file_bytes:,}"
            )
