"""The zipped form of an environment package, distrusted: names, links, counts and ratios before anything is unpacked.

package.py reads through this; CVE lists call what is refused here zip slip, zip bombs and entry confusion.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError
from translight.environment.manifest import FILE_NAME, Manifest, parse_manifest

_MAGIC = b"PK\x03\x04"
_SMALL = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """Security: how much of a package from elsewhere is taken before it is refused."""

    max_entries: int = 256
    """Files in a zip, listed in the manifest or not."""
    max_manifest_bytes: int = 1 << 20
    max_bytes: int = 16 << 30
    """All unpacked parts together."""
    max_ratio: float = 200.0
    """Unpacked over packed size of any zip entry larger than 1 MiB."""


DEFAULT_LIMITS = PackageLimits()


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip does."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError:
        return False


@contextmanager
def opened_zip(path: Path, limits: PackageLimits) -> Iterator[tuple[zipfile.ZipFile, str, Manifest]]:
    """The archive, the folder inside it that holds the manifest ('' or 'NAME/'), and the manifest."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive, limits)
            prefix = _prefix(path, archive)
            entry = archive.getinfo(prefix + FILE_NAME)
            if entry.file_size > limits.max_manifest_bytes:
                raise FormatError(
                    f"{path}: {FILE_NAME} is {entry.file_size} bytes, the limit is {limits.max_manifest_bytes}"
                )
            with archive.open(entry) as source:
                manifest = parse_manifest(source.read(limits.max_manifest_bytes), f"{path}: {FILE_NAME}")
            yield archive, prefix, manifest
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: a damaged zip: {error}") from error


def _check_entries(path: Path, archive: zipfile.ZipFile, limits: PackageLimits) -> None:
    entries, size = archive.infolist(), path.stat().st_size
    if len(entries) > limits.max_entries:
        raise FormatError(f"{path}: {len(entries)} files in the zip, the limit is {limits.max_entries}")
    seen: set[str] = set()
    for entry in entries:
        name = entry.orig_filename
        pieces = name.rstrip("/").split("/")
        if name.startswith("/") or "\\" in name or "\0" in name or ":" in name or {"", ".", ".."} & set(pieces):
            raise FormatError(f"{path}: {name!r} would unpack outside the package")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise FormatError(f"{path}: {name!r} is a symbolic link, only plain files are allowed")
        if name.lower() in seen:
            raise FormatError(f"{path}: {name!r} is in the zip twice")
        seen.add(name.lower())
        if not 0 <= entry.header_offset < size:
            raise FormatError(f"{path}: a damaged zip: {name!r} would lie at byte {entry.header_offset} of {size}")
        if entry.flag_bits & _ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{path}: {name!r} is neither stored nor deflated, unencrypted, as a package's files are")
        if entry.file_size > _SMALL and entry.file_size > limits.max_ratio * max(entry.compress_size, 1):
            ratio = entry.file_size / max(entry.compress_size, 1)
            raise FormatError(
                f"{path}: {name!r} unpacks to {ratio:.0f} times its size, the limit is {limits.max_ratio:g}"
            )


def _prefix(path: Path, archive: zipfile.ZipFile) -> str:
    """Zips made by hand often hold the folder itself: one folder deep is accepted."""
    names = archive.namelist()
    if FILE_NAME in names:
        return ""
    found = [name.removesuffix(FILE_NAME) for name in names if name.endswith("/" + FILE_NAME) and name.count("/") == 1]
    if len(found) != 1:
        raise FormatError(f"{path}: no {FILE_NAME} inside, which every environment package has")
    return found[0]


def _entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    try:
        return archive.getinfo(name)
    except KeyError:
        return None
