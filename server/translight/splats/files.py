"""Splat files on disk: the one module of this room that opens files; the codecs turn bytes into clouds and back."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError
from translight.core.files import whole_file
from translight.splats import compressed_ply, formats, ply, raw, sog, sog_zip, splat, spz
from translight.splats.cloud import SplatCloud
from translight.splats.formats import Format
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress
from translight.splats.ply_header import check_length, parse_header


@dataclass(frozen=True, slots=True)
class Description:
    """What a splat file says of itself in its header."""

    format: Format
    version: str
    """Empty where the format has none."""
    splats: int
    sh_degree: int
    bytes: int
    """Of the file, or of all files of a SOG folder."""


def load(path: str | Path, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a splat file of any format that is read, known by its content first and its name second.

    ``path`` may be a SOG folder or its ``meta.json``. Raises FormatError, which begins with the path.
    """
    path = Path(path)
    try:
        folder = _sog_folder(path)
        if folder is not None:
            meta = _folder_meta(folder)
            return sog.decode(meta, lambda name: _read(folder / name, limits), limits, progress)
        return decode(path.name, _read(path, limits), limits, progress)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def decode(name: str, data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """The cloud in a file's bytes; ``name`` decides only where the bytes cannot. Raises FormatError."""
    match formats.identify(Path(name), data[: formats.START_BYTES]):
        case Format.PLY:
            return ply.decode(data, limits, progress)
        case Format.COMPRESSED_PLY:
            return compressed_ply.decode(data, limits, progress)
        case Format.SPLAT:
            return splat.decode(data, limits, progress)
        case Format.SPZ:
            return spz.decode(data, limits, progress)
        case Format.SOG:
            return sog_zip.decode(data, limits, progress)


def save(path: str | Path, cloud: SplatCloud, *, spz_version: int = 3, progress: Progress | None = None) -> None:
    """Write ``cloud`` in the format of the path's extension, whole or not at all; an existing file is replaced.

    Raises FormatError, which begins with the path, when the format is not written, cannot hold the cloud, or the file
    cannot be made. ``losses.losses`` says what the format does not keep.
    """
    path = Path(path)
    try:
        kind = formats.written_format(path)
        raw.check_finite(kind, cloud)
        match kind:
            case Format.SPZ:
                data = spz.encode(cloud, spz_version, progress=progress)
            case Format.SPLAT:
                data = splat.encode(cloud, progress)
            case _:
                data = ply.encode(cloud, progress)
        with whole_file(path) as aside:
            aside.write_bytes(data)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be written: {error.strerror or error}") from error


def describe(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Description:
    """What the file's header says, without decoding its splats. Raises FormatError, which begins with the path."""
    path = Path(path)
    try:
        folder = _sog_folder(path)
        if folder is not None:
            meta = _folder_meta(folder)
            size = sum(_size(folder / name, limits) for name in (sog.META, *sog.files(meta)))
            return Description(Format.SOG, str(meta.version), meta.count, meta.sh_degree, size)
        return _describe_file(path, limits)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _describe_file(path: Path, limits: Limits) -> Description:
    size = _size(path, limits)
    start = _read(path, limits, formats.START_BYTES)
    kind = formats.identify(path, start)
    match kind:
        case Format.PLY | Format.COMPRESSED_PLY:
            header = parse_header(start)
            check_length(header, size, limits, kind)
            vertices = header.elements["vertex"]
            degree = ply.sh_degree(vertices) if kind is Format.PLY else compressed_ply.sh_degree(header)
            return Description(kind, "1.0", vertices.count, degree, size)
        case Format.SPLAT:
            return Description(kind, "", splat.count(size, limits), 0, size)
        case Format.SPZ:
            spz_header = spz.read_header(start)
            return Description(kind, str(spz_header.version), spz_header.count, spz_header.degree, size)
        case Format.SOG:
            meta = sog_zip.read_meta(_read(path, limits))
            return Description(kind, str(meta.version), meta.count, meta.sh_degree, size)


def _sog_folder(path: Path) -> Path | None:
    """The folder of a SOG scene, when ``path`` is one or names its ``meta.json``."""
    if path.name == sog.META and not path.is_dir():
        return path.parent
    if not path.is_dir():
        return None
    if (path / formats.STREAMED_SOG).is_file() and not (path / sog.META).is_file():
        raise FormatError("streamed SOG is not read; convert it to one SOG scene")
    return path


def _folder_meta(folder: Path) -> sog.Meta:
    if not (folder / sog.META).is_file():
        raise FormatError(f"a folder without {sog.META} is no SOG scene")
    return sog.parse_meta(_read(folder / sog.META, Limits(max_bytes=sog.MAX_META_BYTES)))


def _size(path: Path, limits: Limits) -> int:
    try:
        status = path.stat()
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}") from error
    return _checked_size(status, path, limits)


def _checked_size(status: os.stat_result, path: Path, limits: Limits) -> int:
    if not stat.S_ISREG(status.st_mode):
        raise FormatError(f"{path.name} is not a regular file")
    limits.check_bytes(status.st_size, path.name)
    return status.st_size


def _read(path: Path, limits: Limits, most: int | None = None) -> bytes:
    """A file's bytes, or the first ``most`` of them. Raises FormatError when they cannot be read or pass the limit."""
    try:
        with path.open("rb") as file:
            size = _checked_size(os.fstat(file.fileno()), path, limits)
            return file.read(size if most is None else most)
    except OSError as error:
        raise FormatError(f"cannot be read: {error.strerror or error}") from error
