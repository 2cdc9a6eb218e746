"""Writing an environment package, whole or not at all: put together under a hidden name, then renamed.

package.py reads it back.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from translight.core.errors import FormatError
from translight.core.files import sha256_of
from translight.environment.manifest import FILE_NAME, Manifest, Part, Role, dump_manifest
from translight.environment.package import open_package
from translight.environment.package_zip import DEFAULT_LIMITS, is_zip, opened_zip

Writer = Callable[[Path], None]
"""Writes one part to the path it is given."""

_CHUNK = 1 << 20
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_STORED = {".jpg", ".png", ".spz", ".sog", ".exr", ".glb", ".c2pa", ".mkv"}


def write_package(
    path: Path, manifest: Manifest, parts: Mapping[Role, tuple[str, Writer]], *, zipped: bool = False
) -> Manifest:
    """Write a package of ``parts`` (role → file name and what writes it), and return the manifest that lists them.

    Everything is written beside ``path`` under a hidden name and renamed when it is complete, so a reader never sees
    half a package and a failure leaves what was there. ``path`` may be a package, which is replaced; anything else
    there is refused with FormatError.
    """
    _check_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"
    packed = aside.with_suffix(".zip")
    try:
        aside.mkdir()
        listed: dict[Role, Part] = {}
        for role, (name, write) in parts.items():
            write(aside / name)
            listed[role] = _listed(aside / name)
        complete = msgspec.structs.replace(manifest, parts=listed)
        (aside / FILE_NAME).write_bytes(dump_manifest(complete))
        _flush(aside / FILE_NAME)
        if zipped:
            _pack(aside, [FILE_NAME, *(part.file for part in listed.values())], packed)
        _rename_over(packed if zipped else aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        packed.unlink(missing_ok=True)
    return complete


def pack_stored(package: Path, packed: Path) -> None:
    """A package, a folder or zipped, as a zip without compression, which every reader of zips takes.

    Raises FormatError on a damaged package, OSError when ``packed`` is there already or cannot be written.
    """
    with open_package(package) as opened:
        names = [FILE_NAME, *(part.file for part in opened.manifest.parts.values())]
        if is_zip(package):
            with opened_zip(package, DEFAULT_LIMITS) as (archive, prefix, _):
                (opened.folder / FILE_NAME).write_bytes(archive.read(prefix + FILE_NAME))
        _pack(opened.folder, names, packed, deflate=False)


def _check_replaceable(path: Path) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if path.is_symlink() or not (is_zip(path) or (path / FILE_NAME).is_file() or _is_empty_folder(path)):
        raise FormatError(f"{path}: exists and is not an environment package: choose another name")


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _listed(file: Path) -> Part:
    digest = sha256_of(file)
    _flush(file)
    return Part(file.name, file.stat().st_size, digest)


def _flush(file: Path) -> None:
    """Onto the disk before the rename, so that a power cut cannot leave the name without the bytes."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _pack(folder: Path, names: list[str], packed: Path, *, deflate: bool = True) -> None:
    """The manifest first; what is compressed already is stored; times fixed, so equal parts give equal zips."""
    with zipfile.ZipFile(packed, "x") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            stored = not deflate or Path(name).suffix in _STORED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            entry.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(entry, "w") as out:
                shutil.copyfileobj(source, out, _CHUNK)
    _flush(packed)


def _rename_over(complete: Path, path: Path) -> None:
    """A file over a file is one step; anything else steps aside first, and comes back when the new one cannot come."""
    if not path.exists() or (path.is_file() and complete.is_file()):
        os.replace(complete, path)
        return
    old = path.parent / f".{path.name}.{secrets.token_hex(4)}.old"
    os.rename(path, old)
    try:
        os.rename(complete, path)
    except OSError:
        os.rename(old, path)
        raise
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink()
