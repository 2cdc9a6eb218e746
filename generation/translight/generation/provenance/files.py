"""Which files an asset is made of, and the sha256 of each: a credential lists them, verify.py names what changed.

A zipped environment is its manifest and the parts that this lists; a folder is every file in it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from translight.core.errors import FormatError
from translight.core.files import sha256_of
from translight.environment.manifest import FILE_NAME
from translight.environment.package_zip import DEFAULT_LIMITS, is_zip, opened_zip

MAX_FILES = 10_000
"""Of a folder that is signed as one asset."""
_CHUNK = 1 << 20


def files_of(asset: Path) -> dict[str, str]:
    """Name → sha256, in the order of the names; names in folders have ``/``. One entry for a single file.

    Raises FormatError on a damaged zip, a link or device in a folder, or too many files.
    """
    try:
        if asset.is_dir():
            return {name: sha256_of(asset / name) for name in _names(asset)}
        if is_zip(asset):
            return _in_package(asset)
        if not asset.is_file():
            raise FormatError(f"{asset}: no such file or folder")
        return {asset.name: sha256_of(asset)}
    except OSError as error:
        raise FormatError(f"{error.filename or asset}: cannot be read ({error.strerror})") from error


def listing(files: dict[str, str]) -> bytes:
    """The list as bytes, as sha256sum writes it: what the credential of a folder is over."""
    return "".join(f"{digest}  {name}\n" for name, digest in files.items()).encode()


def digest_of_asset(asset: Path) -> str:
    """A file's sha256; of a folder, that of its list."""
    try:
        return hashlib.sha256(listing(files_of(asset))).hexdigest() if asset.is_dir() else sha256_of(asset)
    except OSError as error:
        raise FormatError(f"{asset}: cannot be read ({error.strerror})") from error


def differences(signed: dict[str, str], now: dict[str, str]) -> list[str]:
    """What became of the files that were signed, in words."""
    told = [f"{name} was changed" for name, digest in signed.items() if now.get(name, digest) != digest]
    told += [f"{name} is gone" for name in signed if name not in now]
    return told + [f"{name} was added" for name in now if name not in signed]


def _names(folder: Path) -> list[str]:
    names = []
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            mode = path.lstat().st_mode
            if (not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)) or not name.isprintable():
                raise FormatError(f"{path}: only plain files and folders with printable names are signed")
            if stat.S_ISREG(mode):
                names.append(path.relative_to(folder).as_posix())
        if len(names) > MAX_FILES:
            raise FormatError(f"{folder}: more than {MAX_FILES} files")
    return sorted(names)


def _in_package(package: Path) -> dict[str, str]:
    with opened_zip(package, DEFAULT_LIMITS) as (archive, prefix, manifest):
        left, found = DEFAULT_LIMITS.max_bytes, {}
        for name in sorted({FILE_NAME, *(part.file for part in manifest.parts.values())}):
            if prefix + name not in archive.namelist():
                continue
            digest = hashlib.sha256()
            with archive.open(prefix + name) as source:
                while block := source.read(_CHUNK):
                    digest.update(block)
                    left -= len(block)
                    if left < 0:
                        raise FormatError(f"{package}: more than {DEFAULT_LIMITS.max_bytes} bytes of parts")
            found[name] = digest.hexdigest()
    return found
