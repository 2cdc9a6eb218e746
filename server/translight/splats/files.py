"""Splat files on disk: the one module of this room that opens files; the codecs turn bytes into clouds and back."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from translight.core.errors import FormatError
from translight.core.files import whole_file, whole_folder
from translight.splats import (
    compressed_ply,
    formats,
    gltf,
    ksplat,
    ply,
    raw,
    sog,
    sog_write,
    sog_zip,
    splat,
    spz,
    usd,
    usd_write,
)
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
        match formats.identify(path, _read(path, limits, formats.START_BYTES)):
            case Format.USD:
                _size(path, limits)
                return usd.decode(path, limits, progress)
            case Format.GLTF:
                return gltf.decode(_read(path, limits), limits, progress, _beside(path, limits))
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
        case Format.KSPLAT:
            return ksplat.decode(data, limits, progress)
        case Format.GLTF:
            return gltf.decode(data, limits, progress)
        case Format.USD:
            suffix = Path(name).suffix.lower()
            return usd.decode_bytes(data, suffix if suffix in usd.SUFFIXES else ".usd", limits)


def save(
    path: str | Path,
    cloud: SplatCloud,
    *,
    spz_version: int = 3,
    linear: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write ``cloud`` in the format of the path's extension, whole or not at all; an existing file is replaced.

    ``…/meta.json`` makes a SOG folder, which holds nothing else. ``linear`` is for glTF, the one format that says how
    colours are encoded: linear Rec.709 instead of sRGB.

    Raises FormatError, which begins with the path, when the format is not written, cannot hold the cloud, or the file
    cannot be made. ``losses.losses`` says what the format does not keep.
    """
    path = Path(path)
    try:
        kind = formats.written_format(path)
        raw.check_finite(kind, cloud)
        if kind is Format.SOG and path.name.lower() == sog.META:
            _save_folder(path.parent, sog_write.encode(cloud, progress))
            return
        with whole_file(path) as aside:
            match kind:
                case Format.USD:
                    usd_write.write(aside, cloud, progress)
                case Format.SPZ:
                    aside.write_bytes(spz.encode(cloud, spz_version, progress=progress))
                case Format.SPLAT:
                    aside.write_bytes(splat.encode(cloud, progress))
                case Format.SOG:
                    aside.write_bytes(sog_zip.encode(sog_write.encode(cloud, progress)))
                case Format.GLTF:
                    binary = path.suffix.lower() == ".glb"
                    aside.write_bytes(gltf.encode(cloud, binary=binary, linear=linear, progress=progress))
                case _:
                    aside.write_bytes(ply.encode(cloud, progress))
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
        case Format.KSPLAT:
            found = ksplat.read_header(_read(path, limits), limits)
            return Description(kind, found.version, found.count, found.sh_degree, size)
        case Format.GLTF:
            count, degree = gltf.describe(_read(path, limits), limits, _beside(path, limits))
            return Description(kind, "2.0", count, degree, size)
        case Format.USD:
            count, degree = usd.describe(path, limits)
            return Description(kind, "", count, degree, size)


def _beside(path: Path, limits: Limits) -> Callable[[str], bytes]:
    return lambda name: _read(path.parent / name, limits)


def _save_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """A SOG folder; one that is there is replaced only when it holds a SOG scene and nothing else, or nothing."""
    folder = folder.absolute()
    if folder.exists():
        there = {entry.name for entry in folder.iterdir()}
        own = {sog.META, *sog.files(_folder_meta(folder))} if sog.META in there else set()
        if there - own:
            raise FormatError(f"the folder holds other files ({sorted(there - own)[0]}): choose another")
    with whole_folder(folder) as aside:
        for name, data in contents.items():
            (aside / name).write_bytes(data)


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
