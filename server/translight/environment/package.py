"""Reading an environment package, a folder or the same zipped, with every byte checked; package_write.py writes it.

A package from elsewhere is hostile until read: package_zip.py refuses what a zip can do to its reader, and no part is
read past the byte count and the digest in its manifest (manifest.py). What the parts mean is files.py's.
"""

from __future__ import annotations

import hashlib
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from translight.core.errors import FormatError
from translight.environment.manifest import FILE_NAME, Manifest, Part, Role, parse_manifest
from translight.environment.package_zip import DEFAULT_LIMITS, PackageLimits, is_zip, opened_zip

SUFFIX = ".tlenv"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class OpenPackage:
    """A package whose parts are all there and are what the manifest says; ``folder`` holds them while it is open."""

    manifest: Manifest
    folder: Path

    def part(self, role: Role) -> Path | None:
        """Where a part lies, or None where the package has no such part."""
        part = self.manifest.parts.get(role)
        return None if part is None else self.folder / part.file


def is_package(path: Path) -> bool:
    """Whether ``path`` is meant as a package: named .tlenv, or a folder or zip that holds a manifest."""
    if path.suffix.lower() == SUFFIX or (path / FILE_NAME).is_file():
        return True
    if not is_zip(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.rpartition("/")[2] == FILE_NAME for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read_manifest(path: Path, limits: PackageLimits = DEFAULT_LIMITS) -> Manifest:
    """A package's manifest alone; its parts are not looked at. Raises FormatError."""
    if is_zip(path):
        with opened_zip(path, limits) as (_, _, manifest):
            return manifest
    return _folder_manifest(path, limits)


@contextmanager
def open_package(path: Path, limits: PackageLimits = DEFAULT_LIMITS) -> Iterator[OpenPackage]:
    """The package at ``path`` with every part's size and SHA-256 checked; a zip is unpacked for as long as it is open.

    Raises FormatError, in one line, on a missing, altered, linked or oversized part, on a zip whose names leave the
    package, repeat or unpack beyond the limits, and on a manifest that parse_manifest refuses.
    """
    if not is_zip(path):
        yield OpenPackage(_checked_folder(path, limits), path)
        return
    with tempfile.TemporaryDirectory("", "tlenv-") as folder:
        unpacked = Path(folder)
        yield OpenPackage(_unpacked(path, unpacked, limits), unpacked)


def _checked_folder(path: Path, limits: PackageLimits) -> Manifest:
    manifest = _folder_manifest(path, limits)
    _check_total(path, manifest, limits)
    for role, part in manifest.parts.items():
        _check_plain_file(path / part.file, f"{path}: part {role!r}")
        with (path / part.file).open("rb") as source:
            _checked_copy(source, None, part, f"{path}: {part.file}")
    return manifest


def _unpacked(path: Path, folder: Path, limits: PackageLimits) -> Manifest:
    """Only what the manifest lists comes out, under its plain file name."""
    with opened_zip(path, limits) as (archive, prefix, manifest):
        _check_total(path, manifest, limits)
        for role, part in manifest.parts.items():
            if prefix + part.file not in archive.namelist():
                raise FormatError(f"{path}: part {role!r} is missing: no {part.file!r} inside")
            with archive.open(prefix + part.file) as source, (folder / part.file).open("xb") as copy:
                _checked_copy(source, copy, part, f"{path}: {part.file}")
        return manifest


def _folder_manifest(path: Path, limits: PackageLimits) -> Manifest:
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder")
    if not path.is_dir():
        raise FormatError(f"{path}: neither a folder nor a zip, as an environment package is")
    file = path / FILE_NAME
    _check_plain_file(file, f"{path}: {FILE_NAME}")
    if file.stat().st_size > limits.max_manifest_bytes:
        raise FormatError(f"{file}: {file.stat().st_size} bytes, the limit is {limits.max_manifest_bytes}")
    return parse_manifest(file.read_bytes(), str(file))


def _check_total(path: Path, manifest: Manifest, limits: PackageLimits) -> None:
    total = sum(part.bytes for part in manifest.parts.values())
    if total > limits.max_bytes:
        raise FormatError(f"{path}: {total} bytes of parts, the limit is {limits.max_bytes}")


def _check_plain_file(file: Path, where: str) -> None:
    try:
        mode = file.lstat().st_mode
    except OSError as error:
        raise FormatError(f"{where} is missing: no {file.name!r} inside") from error
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a file"
        raise FormatError(f"{where} is {kind}, only plain files are allowed")


def _checked_copy(source: IO[bytes], copy: IO[bytes] | None, part: Part, where: str) -> None:
    """Read no more than the part's bytes and one, and compare size and digest."""
    digest, left = hashlib.sha256(), part.bytes
    while block := source.read(min(_CHUNK, left + 1)):
        if len(block) > left:
            raise FormatError(f"{where}: longer than the {part.bytes} bytes in the manifest")
        left -= len(block)
        digest.update(block)
        if copy is not None:
            copy.write(block)
    if left:
        raise FormatError(f"{where}: {part.bytes - left} bytes, the manifest says {part.bytes}")
    if digest.hexdigest() != part.sha256:
        raise FormatError(f"{where}: its SHA-256 is not the manifest's: the file was changed or damaged")
