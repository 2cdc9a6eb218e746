"""A ``.sog`` file: the files of ``sog`` in one zip, read from memory and never extracted; written without compression.

Source: PlayCanvas, "The SOG format"; PKWARE APPNOTE 6.3.10. Security: names are looked up, not followed; sizes are
checked before and while inflating; encryption, zip64 and other compressions than deflate are refused.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from translight.core.errors import FormatError
from translight.splats import sog
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, brief

MAGIC = b"PK\x03\x04"
_WHAT = "SOG"
_TIME = (1980, 1, 1, 0, 0, 0)
_MAX_DIRECTORY = 1 << 20
_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT = 0xFFFF
_ZIP64_LOCATOR = b"PK\x06\x07"
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
    struct.error,
)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a ``.sog`` file. Raises FormatError."""
    archive = _open(data)
    meta = sog.parse_meta(_read(archive, sog.META, sog.MAX_META_BYTES))
    return sog.decode(meta, lambda name: _read(archive, name, limits.max_bytes), limits, progress)


def encode(files: Mapping[str, bytes]) -> bytes:
    """The files in one zip, stored, since WebP is packed already; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _TIME), data)
    return out.getvalue()


def read_meta(data: bytes) -> sog.Meta:
    """Only the ``meta.json`` of a ``.sog`` file. Raises FormatError."""
    return sog.parse_meta(_read(_open(data), sog.META, sog.MAX_META_BYTES))


def _open(data: bytes) -> zipfile.ZipFile:
    """The archive, once its directory is known to be small: each entry of it becomes an object."""
    end = data.rfind(_END, max(0, len(data) - _END_BYTES - _MAX_COMMENT))
    if end < 0 or end + _END_BYTES > len(data):
        raise FormatError(f"{_WHAT}: a truncated zip: it has no directory")
    directory = int.from_bytes(data[end + 12 : end + 16], "little")
    if directory > _MAX_DIRECTORY or _ZIP64_LOCATOR in data[max(0, end - 64) : end]:
        raise FormatError(f"{_WHAT}: a zip directory of more than {_MAX_DIRECTORY:,} bytes, or zip64")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        raise FormatError(f"{_WHAT}: broken zip ({brief(error)})") from error


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise FormatError(f"{_WHAT}: the zip holds no {name}") from None
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{_WHAT}: {name} is encrypted or compressed by another method than deflate")
    if entry.file_size > most:
        raise FormatError(f"{_WHAT}: {name} unpacks to {entry.file_size:,} bytes; the limit is {most:,}")
    try:
        with archive.open(entry) as file:
            data = file.read(entry.file_size + 1)
    except _BROKEN as error:
        raise FormatError(f"{_WHAT}: {name}: broken zip ({brief(error)})") from error
    if len(data) != entry.file_size:
        raise FormatError(f"{_WHAT}: {name} unpacks to {len(data):,} bytes, its directory says {entry.file_size:,}")
    return data
