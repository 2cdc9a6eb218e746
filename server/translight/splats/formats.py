"""Which splat format a file is: by its first bytes where a format has them, by its name where not."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePath

from translight.core.errors import FormatError
from translight.splats import glb, sog, sog_zip, spz, usd
from translight.splats.compressed_ply import is_compressed
from translight.splats.ply_header import MAGIC, parse_header

START_BYTES = 1 << 16
"""Bytes of a file that ``identify`` and the headers need."""

READ = (
    "PLY (INRIA's and PlayCanvas's compressed), .splat, .spz, .sog or a SOG folder, .ksplat, .glb or .gltf, "
    "or .usd, .usda, .usdc or .usdz"
)
WRITTEN = ".ply, .splat, .spz, .sog, meta.json (a SOG folder), .glb, .gltf, .usd, .usda, .usdc or .usdz"


class Format(StrEnum):
    """Splat formats that are read."""

    PLY = "PLY"
    COMPRESSED_PLY = "compressed PLY"
    SPLAT = ".splat"
    SPZ = "SPZ"
    SOG = "SOG"
    KSPLAT = "KSPLAT"
    GLTF = "glTF"
    USD = "OpenUSD"


_BY_SUFFIX = {
    ".ply": Format.PLY,
    ".splat": Format.SPLAT,
    ".spz": Format.SPZ,
    ".sog": Format.SOG,
    ".glb": Format.GLTF,
    ".gltf": Format.GLTF,
    **dict.fromkeys(usd.SUFFIXES, Format.USD),
}
"""What is written."""
_NAMED = {".splat": Format.SPLAT, ".ksplat": Format.KSPLAT, ".gltf": Format.GLTF}
"""What only the name tells: these begin with nothing of their own."""
STREAMED_SOG = "lod-meta.json"


def identify(name: PurePath, start: bytes) -> Format:
    """The format of a file from its name and its first ``START_BYTES``. Raises FormatError: what is read instead."""
    if start.startswith(MAGIC):
        return Format.COMPRESSED_PLY if is_compressed(parse_header(start)) else Format.PLY
    if start.startswith((spz.MAGIC, spz.GZIP_MAGIC)):
        return Format.SPZ
    if start.startswith(glb.MAGIC):
        return Format.GLTF
    suffix = name.suffix.lower()
    if start.startswith((usd.CRATE_MAGIC, usd.TEXT_MAGIC)) or (suffix == ".usdz" and start.startswith(sog_zip.MAGIC)):
        return Format.USD
    if start.startswith(sog_zip.MAGIC):
        return Format.SOG
    if suffix in _NAMED:
        return _NAMED[suffix]
    if name.name in (sog.META, STREAMED_SOG):
        raise FormatError("streamed SOG is not read; convert it to one SOG scene")
    if suffix == ".lcc":
        raise FormatError(f"LCC is not read; convert it to one that is: {READ}")
    if suffix in _BY_SUFFIX:
        raise FormatError(f"its content is not that of a {suffix} file")
    raise FormatError(f"not a splat file that is read: {READ}")


def written_format(name: PurePath) -> Format:
    """The format that a file of this name is written in. Raises FormatError: what is written instead."""
    if name.name.lower().endswith(".compressed.ply"):
        raise FormatError(f"compressed PLY is not written; choose {WRITTEN}")
    if name.name.lower() == sog.META:
        return Format.SOG
    try:
        return _BY_SUFFIX[name.suffix.lower()]
    except KeyError:
        raise FormatError(f"{name.suffix or 'a name without extension'} is not written; choose {WRITTEN}") from None
