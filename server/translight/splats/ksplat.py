"""mkkellogg's ``.ksplat`` 0.1: sections of splats, plain or quantised within buckets of space. Read only.

Source: mkkellogg/GaussianSplats3D, ``src/loaders/SplatBuffer.js``. A header of 4096 bytes, a header of 1024 bytes a
section, then each section's data: lengths of partly filled buckets (u32), buckets' centres (3 × f32), splats. A splat
is position, linear scale, rotation w x y z, RGBA u8, and SH band by band, red before green before blue. Little-endian;
axes are RDF, as in the cloud.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from translight.core.errors import FormatError
from translight.splats import raw
from translight.splats.cloud import MAX_DEGREE, SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks

HEADER_BYTES = 4096
_WHAT = "KSPLAT"
_SECTION_BYTES = 1024
_HEADER = struct.Struct("<BB2xI4x4xIH2x12xff")
_SECTION = struct.Struct("<IIIIfH2xI4xIIH")
_BUCKET_BYTES = 12
_POSITION = (np.dtype("<f4"), np.dtype("<u2"), np.dtype("<u2"))
_FLOAT = (np.dtype("<f4"), np.dtype("<f2"), np.dtype("<f2"))
_HARMONIC = (np.dtype("<f4"), np.dtype("<f2"), np.dtype("u1"))
"""Types of positions, of scales and rotations, and of SH, by compression level."""
_STEPS = 32767
_SH_RANGE = 1.5


@dataclass(frozen=True, slots=True)
class Section:
    """One section's header, and where its data begins in the file."""

    count: int
    room: int
    """Splats that there is room for; the first ``count`` are there."""
    bucket_size: int
    buckets: int
    block_size: float
    steps: int
    """Positions are within ± this many steps of a bucket's centre."""
    full_buckets: int
    partial_buckets: int
    degree: int
    start: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says before its splats."""

    version: str
    count: int
    level: int
    """Compression: 0 float32, 1 half floats and 16-bit positions, 2 as 1 with SH in a byte each."""
    sh_range: tuple[float, float]
    sections: tuple[Section, ...]
    size: int
    """Bytes that the file must have."""

    @property
    def sh_degree(self) -> int:
        """The highest degree of any section."""
        return max((section.degree for section in self.sections), default=0)


def read_header(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Header:
    """The headers, from the file's first bytes. Raises FormatError on what is not KSPLAT 0.1 or does not add up."""
    if len(data) < HEADER_BYTES:
        raise FormatError(f"{_WHAT}: truncated: a header is {HEADER_BYTES} bytes, there are {len(data):,}")
    major, minor, sections, count, level, low, high = _HEADER.unpack_from(data)
    if (major, minor) != (0, 1):
        raise FormatError(f"{_WHAT}: version {major}.{minor}; version 0.1 is read")
    if level > 2:
        raise FormatError(f"{_WHAT}: compression level {level}; 0, 1 and 2 are read")
    limits.check_count(count, _WHAT)
    start = HEADER_BYTES + sections * _SECTION_BYTES
    if len(data) < start:
        raise FormatError(f"{_WHAT}: truncated: {sections:,} section headers end at byte {start:,}")
    found = []
    for i in range(sections):
        section = _section(data, HEADER_BYTES + i * _SECTION_BYTES, i, start)
        found.append(section)
        start += _data_bytes(section, level)
    total = sum(section.count for section in found)
    if total != count:
        raise FormatError(f"{_WHAT}: its sections hold {total:,} splats, its header says {count:,}")
    if not (np.isfinite([low, high]).all() and low <= high):
        raise FormatError(f"{_WHAT}: its range of SH is {low:g} to {high:g}")
    # 0 is "not said": files older than the field
    return Header(f"{major}.{minor}", count, level, (low or -_SH_RANGE, high or _SH_RANGE), tuple(found), start)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a ``.ksplat``. Raises FormatError on a broken layout, non-finite or negative values, zero rotations."""
    header = read_header(data, limits)
    if header.size != len(data):
        raise FormatError(f"{_WHAT}: its sections end at byte {header.size:,}, the file at {len(data):,}")
    n, rest = header.count, raw.REST[header.sh_degree]
    means, scales = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.zeros((n, 1 + rest, 3), np.float32)
    begin = 0
    with np.errstate(over="ignore", invalid="ignore"):  # whatever the floats are, make_cloud refuses what is not finite
        for section in header.sections:
            table = _table(data, section, header.level)
            centres = _centres(data, section) if header.level else None
            k = raw.REST[section.degree]
            for part in blocks(section.count):
                block, rows = table[part], slice(begin + part.start, begin + part.stop)
                means[rows] = block["mean"]
                if centres is not None:
                    step = section.block_size / 2.0 / section.steps
                    means[rows] = (means[rows] - section.steps) * np.float32(step) + centres[part]
                scales[rows], wxyz[rows] = block["scale"], block["wxyz"]
                opacities[rows] = block["rgba"][:, 3] / np.float32(255.0)
                sh[rows, 0] = (block["rgba"][:, :3] / np.float32(255.0) - 0.5) / np.float32(raw.SH_C0)
                if k:
                    sh[rows, 1 : 1 + k] = _harmonics(block["sh"], header)
                if progress is not None:
                    progress(rows.stop / n)
            begin += section.count
        negative = np.flatnonzero((scales < 0).any(axis=1))
    if len(negative):
        raise FormatError(
            f"{_WHAT}: {len(negative):,} splats have a negative scale, the first at index {negative[0]:,}"
        )
    return raw.make_cloud(_WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def _section(data: bytes, at: int, index: int, start: int) -> Section:
    where = f"{_WHAT}: section {index}"
    count, room, size, buckets, block, stored, steps, full, partial, degree = _SECTION.unpack_from(data, at)
    if degree > MAX_DEGREE:
        raise FormatError(f"{where}: spherical harmonics of degree {degree}; degrees 0 to {MAX_DEGREE} are read")
    if count > room:
        raise FormatError(f"{where}: {count:,} splats in room for {room:,}")
    if buckets and stored != _BUCKET_BYTES:
        raise FormatError(f"{where}: {stored} bytes a bucket; {_BUCKET_BYTES} are read")
    if full + partial > buckets:
        raise FormatError(f"{where}: {full:,} full and {partial:,} partly filled of {buckets:,} buckets")
    if not (np.isfinite(block) and block >= 0):
        raise FormatError(f"{where}: buckets of size {block:g}")
    return Section(count, room, size, buckets, block, steps or _STEPS, full, partial, degree, start)


def _row(section: Section, level: int) -> np.dtype[np.void]:
    fields = [("mean", _POSITION[level], 3), ("scale", _FLOAT[level], 3), ("wxyz", _FLOAT[level], 4), ("rgba", "u1", 4)]
    rest = raw.REST[section.degree]
    return np.dtype([*fields, ("sh", _HARMONIC[level], (3 * rest,))] if rest else fields)


def _data_bytes(section: Section, level: int) -> int:
    rows = section.room * _row(section, level).itemsize
    return 4 * section.partial_buckets + _BUCKET_BYTES * section.buckets + rows


def _table(data: bytes, section: Section, level: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    start = section.start + 4 * section.partial_buckets + _BUCKET_BYTES * section.buckets
    return np.frombuffer(data, _row(section, level), section.count, start)


def _centres(data: bytes, section: Section) -> Float32[np.ndarray, "n 3"]:
    """The centre of each splat's bucket: full buckets first, then the partly filled ones, of their own lengths."""
    lengths = np.frombuffer(data, "<u4", section.partial_buckets, section.start).astype(np.int64)
    centres = np.frombuffer(data, "<f4", 3 * section.buckets, section.start + 4 * section.partial_buckets)
    ends = _ends(section, lengths)
    if section.count > (int(ends[-1]) if len(ends) else 0):
        raise FormatError(
            f"{_WHAT}: {section.count:,} splats in buckets that hold {int(ends[-1]) if len(ends) else 0:,}"
        )
    bucket = np.searchsorted(ends, np.arange(section.count), side="right")
    return centres.reshape(-1, 3)[bucket]


def _ends(section: Section, lengths: Int64[np.ndarray, "p"]) -> Int64[np.ndarray, "b"]:
    """The number of the first splat after each bucket."""
    full = np.arange(1, section.full_buckets + 1, dtype=np.int64) * section.bucket_size
    return np.concatenate([full, section.full_buckets * section.bucket_size + np.cumsum(lengths)])


def _harmonics(values: np.ndarray, header: Header) -> Float32[np.ndarray, "m k 3"]:
    """Coefficients beyond the constant; each degree stands alone, its reds before its greens before its blues."""
    if header.level == 2:
        low, high = header.sh_range
        values = values / np.float32(255.0) * np.float32(high - low) + np.float32(low)
    out, rest = [], values.shape[1] // 3
    for first, last in ((0, 3), (3, 8), (8, 15)):
        if last <= rest:
            out.append(values[:, 3 * first : 3 * last].reshape(len(values), 3, last - first).transpose(0, 2, 1))
    return np.concatenate(out, axis=1).astype(np.float32)
