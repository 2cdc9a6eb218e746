"""Niantic's SPZ: versions 1 to 4 are read, 3 and 4 are written; ``spz_packing`` turns the arrays into a cloud.

Source: nianticlabs/spz, README and ``src/cc/load-spz.cc``. Versions 1 to 3 are one gzip stream (or the same bytes
bare) of a 16-byte header and the arrays, extension records behind them. Version 4 is a plain 32-byte header, extension
records, a table of contents and one Zstandard frame per array.
"""

from __future__ import annotations

import struct
import zlib
from importlib import import_module
from typing import Any

from translight.core.errors import FormatError, MissingExtra
from translight.splats.axes import RUB_TO_RDF, Flips
from translight.splats.cloud import MAX_DEGREE, SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, brief
from translight.splats.spz_packing import MAX_FRACTIONAL_BITS, WHAT, Header, choose_fractional_bits, pack, unpack

MAGIC = b"NGSP"
GZIP_MAGIC = b"\x1f\x8b"
WRITTEN_VERSIONS = (3, 4)
_LEGACY = struct.Struct("<4sIIBBBx")
_NGSP = struct.Struct("<4sIIBBBBI12x")
_TOC_ENTRY = struct.Struct("<QQ")
_RECORD = struct.Struct("<II")
_ANTIALIASED, _EXTENSIONS = 0x1, 0x2
_COORDINATE_SYSTEM = 0xADBE0003
_MAX_EXTENSION_BYTES = 1 << 20
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 12
_ZSTD_BLOCK, _ZSTD_LEAST_BLOCK = 128 << 10, 4
_MAX_DEFLATE_RATIO = 1032


def read_header(data: bytes) -> Header:
    """The header of any version, from the file's first bytes. Raises FormatError."""
    if data[:2] == GZIP_MAGIC:
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, _LEGACY.size)
        except zlib.error as error:
            raise FormatError(f"{WHAT}: broken gzip stream ({brief(error)})") from error
    if len(data) < _LEGACY.size or data[:4] != MAGIC:
        raise FormatError(f"{WHAT}: it does not begin with an SPZ header")
    _, version, count, degree, bits, flags = _LEGACY.unpack_from(data)
    if not 1 <= version <= 4:
        raise FormatError(f"{WHAT}: version {version}; versions 1 to 4 are read")
    if degree > MAX_DEGREE:
        raise FormatError(f"{WHAT}: spherical harmonics of degree {degree}; degrees 0 to {MAX_DEGREE} are read")
    if bits > MAX_FRACTIONAL_BITS:
        raise FormatError(f"{WHAT}: {bits} fractional bits; {MAX_FRACTIONAL_BITS} at most make sense of 24")
    if flags & ~(_ANTIALIASED | _EXTENSIONS):
        raise FormatError(f"{WHAT}: flags {flags:#x}; only 1 (antialiased) and 2 (extensions) are known")
    return Header(version, count, degree, bits, flags)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read any version. Raises FormatError; MissingExtra when version 4 is met without ``zstandard``."""
    header = read_header(data)
    limits.check_count(header.count, WHAT)
    limits.check_bytes(sum(header.sections().values()), f"{WHAT}: what its header claims")
    if header.version == 4:
        if data[:2] == GZIP_MAGIC:
            raise FormatError(f"{WHAT}: version 4 is not gzipped")
        sections, records = _open_ngsp(data, header, limits)
    else:
        plain = _gunzip(data, header) if data[:2] == GZIP_MAGIC else data
        sections, records = _open_legacy(plain, header)
    return unpack(header, sections, _flips(records), progress)


def encode(
    cloud: SplatCloud, version: int = 3, fractional_bits: int | None = None, progress: Progress | None = None
) -> bytes:
    """Write version 3 (gzip, read everywhere) or 4 (Zstandard, which needs ``zstandard``).

    Errors: positions half of 2^-fractional_bits (chosen from the cloud when None), log scale 1/32 within
    -10…5.94, opacity 1/510, constant colour 1/77 (sh, within ±3.33), other SH 1/256 within -1…127/128, the three
    smallest components of a rotation 1/1445. What is beyond a range is clipped.
    """
    if version not in WRITTEN_VERSIONS:
        raise ValueError(f"SPZ is written in version 3 or 4, not {version}")
    bits = choose_fractional_bits(cloud) if fractional_bits is None else fractional_bits
    if not 0 <= bits <= MAX_FRACTIONAL_BITS:
        raise ValueError(f"fractional_bits is 0 to {MAX_FRACTIONAL_BITS}, got {bits}")
    header = Header(version, len(cloud), cloud.sh_degree, bits, 0)
    arrays = pack(cloud, header, progress)
    common = (MAGIC, version, header.count, header.degree, bits, 0)
    if version == 3:
        gzip = zlib.compressobj(_GZIP_LEVEL, wbits=31)
        return b"".join([gzip.compress(part) for part in (_LEGACY.pack(*common), *arrays.values())] + [gzip.flush()])
    compressor = _zstandard().ZstdCompressor(level=_ZSTD_LEVEL, write_content_size=True)
    streams = [(compressor.compress(array), len(array)) for array in arrays.values() if array]
    toc = [_TOC_ENTRY.pack(len(stream), size) for stream, size in streams]
    return b"".join([_NGSP.pack(*common, len(streams), _NGSP.size), *toc, *(stream for stream, _ in streams)])


def _gunzip(data: bytes, header: Header) -> bytes:
    """Inflate no more than the header accounts for."""
    wanted = _LEGACY.size + sum(header.sections().values())
    if wanted > _MAX_DEFLATE_RATIO * len(data) + _LEGACY.size:
        raise FormatError(f"{WHAT}: {len(data):,} bytes of gzip cannot hold the {header.count:,} splats it claims")
    most = wanted + (_MAX_EXTENSION_BYTES if header.flags & _EXTENSIONS else 0)
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(data, most)
        left = stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise FormatError(f"{WHAT}: broken gzip stream ({brief(error)})") from error
    if left:
        raise FormatError(f"{WHAT}: unpacks to more than the {most:,} bytes that its header makes it")
    if not stream.eof:
        raise FormatError(f"{WHAT}: truncated gzip stream")
    if stream.unused_data:
        raise FormatError(f"{WHAT}: {len(stream.unused_data):,} bytes follow the gzip stream")
    return plain


def _open_legacy(plain: bytes, header: Header) -> tuple[dict[str, memoryview], memoryview]:
    """The arrays and the extension records of versions 1 to 3."""
    view, offset = memoryview(plain), _LEGACY.size
    sizes = header.sections()
    wanted = offset + sum(sizes.values())
    if len(plain) < wanted:
        raise FormatError(f"{WHAT}: truncated: {header.count:,} splats are {wanted:,} bytes, there are {len(plain):,}")
    if len(plain) > wanted and not header.flags & _EXTENSIONS:
        raise FormatError(f"{WHAT}: {len(plain) - wanted:,} bytes follow its {header.count:,} splats")
    sections = {}
    for name, size in sizes.items():
        sections[name] = view[offset : offset + size]
        offset += size
    return sections, view[offset:]


def _open_ngsp(data: bytes, header: Header, limits: Limits) -> tuple[dict[str, memoryview], memoryview]:
    """The arrays and the extension records of version 4."""
    if len(data) < _NGSP.size:
        raise FormatError(f"{WHAT}: truncated: version 4 has a header of {_NGSP.size} bytes")
    *_, streams, toc = _NGSP.unpack_from(data)
    sizes = {name: size for name, size in header.sections().items() if size}
    begin = toc + streams * _TOC_ENTRY.size
    if toc < _NGSP.size or begin > len(data):
        raise FormatError(f"{WHAT}: the table of contents lies outside the file")
    if toc > _NGSP.size and not header.flags & _EXTENSIONS:
        raise FormatError(f"{WHAT}: {toc - _NGSP.size:,} bytes between header and table of contents")
    if streams != len(sizes):
        raise FormatError(f"{WHAT}: {streams} streams; degree {header.degree} has {len(sizes)}")
    entries = [_TOC_ENTRY.unpack_from(data, toc + i * _TOC_ENTRY.size) for i in range(streams)]
    if begin + sum(packed for packed, _ in entries) != len(data):
        raise FormatError(f"{WHAT}: truncated, or its streams' lengths do not add up to the file's {len(data):,} bytes")
    if entries:
        limits.check_ratio(sizes["positions"], entries[0][0], f"{WHAT}: positions")
    for (name, size), (packed, unpacked) in zip(sizes.items(), entries, strict=True):
        if unpacked != size:
            raise FormatError(f"{WHAT}: {name} unpack to {unpacked:,} bytes; {header.count:,} splats need {size:,}")
        if packed < _ZSTD_LEAST_BLOCK * -(-size // _ZSTD_BLOCK):
            raise FormatError(f"{WHAT}: {packed:,} bytes of {name} cannot hold the {header.count:,} splats it claims")
    view, sections = memoryview(data), dict.fromkeys(header.sections(), memoryview(b""))
    for (name, size), (packed, _) in zip(sizes.items(), entries, strict=True):
        sections[name] = memoryview(_unzstd(view[begin : begin + packed], size, name))
        begin += packed
    return sections, view[_NGSP.size : toc]


def _unzstd(stream: memoryview, size: int, name: str) -> bytes:
    """Decompress one frame that must hold exactly ``size`` bytes."""
    zstandard = _zstandard()
    try:
        # A frame's own claim decides what the library allocates, so it is read first; -1 is no claim.
        claim = zstandard.frame_content_size(stream)
        if claim not in (size, -1):
            raise FormatError(f"{WHAT}: the frame of {name} claims {claim:,} bytes; {size:,} are needed")
        plain: bytes = zstandard.ZstdDecompressor().decompress(stream, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise FormatError(f"{WHAT}: broken Zstandard stream of {name} ({brief(error)})") from error
    if len(plain) != size:
        raise FormatError(f"{WHAT}: {name} unpack to {len(plain):,} bytes; {size:,} are needed")
    return plain


def _flips(records: memoryview) -> Flips:
    """Axes of the file: RUB, unless Adobe's coordinate-system extension names others. Other extensions are skipped."""
    flips, offset = RUB_TO_RDF, 0
    while offset < len(records):
        if offset + _RECORD.size > len(records):
            raise FormatError(f"{WHAT}: truncated extension record")
        kind, length = _RECORD.unpack_from(records, offset)
        offset += _RECORD.size
        if offset + length > len(records):
            raise FormatError(f"{WHAT}: truncated extension record")
        if kind == _COORDINATE_SYSTEM and length == 4:
            flips = _flips_of(int.from_bytes(records[offset : offset + 4], "little"))
        offset += length
    return flips


def _flips_of(system: int) -> Flips:
    """Flips to RDF from a coordinate system's number: 1 + bits, set for right, up and front; 0 says nothing."""
    if system == 0:
        return RUB_TO_RDF
    if system > 8:
        raise FormatError(f"{WHAT}: coordinate system {system}; 1 to 8 (left/right, down/up, back/front) are read")
    right, up, front = (bool((system - 1) >> bit & 1) for bit in range(3))
    return (1 if right else -1, -1 if up else 1, 1 if front else -1)


def _zstandard() -> Any:
    try:
        return import_module("zstandard")
    except ModuleNotFoundError as error:
        raise MissingExtra("zstandard, which SPZ version 4 needs,", "spz") from error
