"""Sparse points in a PLY file (Turk, "The PLY Polygon File Format", 1994), as nerfstudio and Open3D write them.

Binary or ASCII; x y z, and red green blue where they are known. ``splats.ply`` reads splat clouds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from translight.core.errors import FormatError
from translight.reconstruction.dataset import SparsePoints
from translight.splats.limits import DEFAULT_LIMITS, Limits, brief
from translight.splats.ply_header import Element, parse_header

_ASCII, _BINARY = b"format ascii 1.0", b"format binary_little_endian 1.0"
_HEADER_BYTES = 1 << 16
_POSITION, _COLOUR = ("x", "y", "z"), ("red", "green", "blue")
_NO_COLOUR = 128
"""Grey where a file has no colours."""


def read_points(path: Path, limits: Limits = DEFAULT_LIMITS) -> SparsePoints:
    """The vertices of a PLY file; colours as bytes, or as floats from 0 to 1.

    Raises FormatError on a missing or damaged file, one without points, and values that are not finite.
    """
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    limits.check_bytes(path.stat().st_size, str(path))
    data = path.read_bytes()
    try:
        rows = _rows(data, limits)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    names = rows.dtype.names or ()
    missing = [name for name in _POSITION if name not in names]
    if missing:
        raise FormatError(f"{path}: its points have no {missing[0]}")
    xyz = np.stack([rows[name] for name in _POSITION], axis=-1).astype(np.float64)
    if not len(xyz) or not np.isfinite(xyz).all():
        raise FormatError(f"{path}: {'no points' if not len(xyz) else 'points at positions that are not finite'}")
    return SparsePoints(xyz, _colours(rows))


def _rows(data: bytes, limits: Limits) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    start = data[:_HEADER_BYTES]
    is_ascii = _ASCII in start.partition(b"end_header")[0]
    header = parse_header(start.replace(_ASCII, _BINARY, 1) if is_ascii else start)
    vertices = header.elements.get("vertex")
    if vertices is None or next(iter(header.elements)) != "vertex":
        raise FormatError("PLY: the first element is not 'vertex'")
    if vertices.count > limits.max_splats:
        raise FormatError(f"PLY: claims {vertices.count:,} points; the limit is {limits.max_splats:,}")
    if is_ascii:
        return _ascii_rows(data, vertices)
    if len(data) < vertices.end:
        raise FormatError(f"PLY: truncated: {vertices.count:,} points need {vertices.end:,} bytes, got {len(data):,}")
    return np.frombuffer(data, vertices.row, vertices.count, vertices.offset)


def _ascii_rows(data: bytes, vertices: Element) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    body = data[vertices.offset - len(_BINARY) + len(_ASCII) :]
    lines = body.split(b"\n", vertices.count)[: vertices.count]
    columns = len(vertices.row.names or ())
    words = [found for line in lines if (found := line.split())]
    uneven = next((i for i, found in enumerate(words) if len(found) != columns), None)
    if uneven is not None:
        raise FormatError(f"PLY: point {uneven} has {len(words[uneven])} values, the header says {columns}")
    try:
        table = np.array(words, dtype=np.float64).reshape(-1, columns)
    except ValueError as error:
        raise FormatError(f"PLY: {brief(error)}") from error
    if len(table) != vertices.count:
        raise FormatError(f"PLY: truncated: {vertices.count:,} points are claimed, {len(table):,} are there")
    rows = np.empty(len(table), vertices.row)
    with np.errstate(invalid="ignore", over="ignore"):
        for column, name in enumerate(vertices.row.names or ()):
            rows[name] = table[:, column]
    return rows


def _colours(rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> np.ndarray:
    if not all(name in (rows.dtype.names or ()) for name in _COLOUR):
        return np.full((len(rows), 3), _NO_COLOUR, np.uint8)
    rgb = np.stack([rows[name] for name in _COLOUR], axis=-1)
    if rgb.dtype.kind == "f":
        rgb = np.clip(np.nan_to_num(rgb), 0, 1) * 255 + 0.5
    return np.clip(rgb, 0, 255).astype(np.uint8)
