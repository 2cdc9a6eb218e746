"""Which splat format a file is: by its first bytes where a format has them, by its name where not."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath

from translight.core.errors import FormatError
from translight.splats import sog, sog_zip, spz
from translight.splats.compressed_ply import is_compressed
from translight.splats.ply_header import MAGIC, parse_header

START_BYTES = 1 << 16
"""Bytes of a file that ``identify`` and the headers need."""

READ = "PLY (INRIA's and PlayCanvas's compressed), .splat, .spz, .sog or a SOG folder"
WRITTEN = ".ply, .splat or .spz"


class Format(StrEnum):
    """Splat formats that are read."""

    PLY = "PLY"
    COMPRESSED_PLY = "compressed PLY"
    SPLAT = ".splat"
    SPZ = "SPZ"
    SOG = "SOG"


_BY_SUFFIX = {".ply": Format.PLY, ".splat": Format.SPLAT, ".spz": Format.SPZ}
_NOT_READ = {
    ".ksplat": "KSPLAT",
    ".gltf": "glTF",
    ".glb": "glTF",
    ".usd": "OpenUSD",
    ".usda": "OpenUSD",
    ".usdc": "OpenUSD",
    ".usdz": "OpenUSD",
    ".lcc": "LCC",
}
_NOT_READ_MAGIC = {b"glTF": "glTF", b"PXR-USDC": "OpenUSD", b"#usda ": "OpenUSD"}
STREAMED_SOG = "lod-meta.json"


def identify(name: PurePath, start: bytes) -> Format:
    """The format of a file from its name and its first ``START_BYTES``. Raises FormatError: what is read instead."""
    if start.startswith(MAGIC):
        return Format.COMPRESSED_PLY if is_compressed(parse_header(start)) else Format.PLY
    if start.startswith((spz.MAGIC, spz.GZIP_MAGIC)):
        return Format.SPZ
    suffix = name.suffix.lower()
    foreign = _NOT_READ.get(suffix) or next(
        (f for magic, f in _NOT_READ_MAGIC.items() if start.startswith(magic)), None
    )
    if foreign is not None:
        raise FormatError(f"{foreign} is not read; convert it to one that is: {READ}")
    if start.startswith(sog_zip.MAGIC):
        return Format.SOG
    if suffix == ".splat":
        return Format.SPLAT
    if name.name in (sog.META, STREAMED_SOG):
        raise FormatError("streamed SOG is not read; convert it to one SOG scene")
    if suffix in (".ply", ".spz", ".sog"):
        raise FormatError(f"its content is not that of a {suffix} file")
    raise FormatError(f"not a splat file that is read: {READ}")


def written_format(name: PurePath) -> Format:
    """The format that a file of this name is written in. Raises FormatError: what is written instead."""
    if name.name.lower().endswith(".compressed.ply"):
        raise FormatError(f"compressed PLY is not written; choose {WRITTEN}")
    try:
        return _BY_SUFFIX[name.suffix.lower()]
    except KeyError:
        raise FormatError(f"{name.suffix or 'a name without extension'} is not written; choose {WRITTEN}") from None
