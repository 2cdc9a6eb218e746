"""PlayCanvas's compressed PLY: chunks of 256 splats quantised between the chunk's own bounds. Read only.

Source: playcanvas/splat-transform and SuperSplat, ``write-compressed-ply``: element ``chunk`` of 12 float (bounds of
position and log scale) or 18 (and of colour); ``vertex`` of four uint (position 11-10-11, rotation 2-10-10-10, log
scale 11-10-11, colour and linear opacity 8-8-8-8); optional ``sh`` of uchar. Axes are RDF, as in the cloud.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt32

from translight.core.errors import FormatError
from translight.splats import raw
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks, brief
from translight.splats.ply_header import Element, Header, check_length, parse_header, rows

CHUNK = 256
_WHAT = "compressed PLY"
_SH_RANGE = 8.0
_BOUNDS = tuple(f"{end}_{axis}" for end in ("min", "max") for axis in ("x", "y", "z"))
_SCALE_BOUNDS = tuple(f"{end}_scale_{axis}" for end in ("min", "max") for axis in ("x", "y", "z"))
_COLOUR_BOUNDS = tuple(f"{end}_{channel}" for end in ("min", "max") for channel in ("r", "g", "b"))
_PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")


def is_compressed(header: Header) -> bool:
    """Whether a PLY's header is this format's."""
    return "chunk" in header.elements


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a compressed PLY. Raises FormatError on anything but a whole and finite splat cloud."""
    header = parse_header(data)
    check_length(header, len(data), limits, _WHAT)
    degree = sh_degree(header)
    vertices, chunks = header.elements["vertex"], header.elements["chunk"]
    table, bounds = rows(data, vertices), rows(data, chunks)

    n, rest = vertices.count, raw.REST[degree]
    means, scales = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.empty((n, 1 + rest, 3), np.float32)
    codes = rows(data, header.elements["sh"]).view(np.uint8).reshape(n, 3, rest) if rest else None
    of_position, of_scale, of_colour = (_bounds(bounds, names) for names in (_BOUNDS, _SCALE_BOUNDS, _COLOUR_BOUNDS))
    with np.errstate(over="ignore", invalid="ignore"):  # bounds may be anything; make_cloud refuses what comes of it
        for part in blocks(n, progress):
            block = table[part]
            chunk = np.arange(part.start, part.stop) // CHUNK
            means[part] = _lerp(of_position, chunk, _unpack_11_10_11(block["packed_position"]))
            scales[part] = raw.exp(_lerp(of_scale, chunk, _unpack_11_10_11(block["packed_scale"])))
            wxyz[part] = _unpack_rotation(block["packed_rotation"])
            rgba = _unpack(block["packed_color"], (24, 16, 8, 0), (8, 8, 8, 8))
            opacities[part] = rgba[:, 3]
            sh[part, 0] = (_lerp(of_colour, chunk, rgba[:, :3]) - 0.5) / np.float32(raw.SH_C0)
            if codes is not None:
                sh[part, 1:] = _SH_VALUES[codes[part]].transpose(0, 2, 1)
    return raw.make_cloud(_WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def sh_degree(header: Header) -> int:
    """Degree of the spherical harmonics. Raises FormatError when the elements are not this format's."""
    vertices, chunks = header.elements["vertex"], header.elements["chunk"]
    wanted = -(-vertices.count // CHUNK)
    if chunks.count != wanted:
        raise FormatError(f"{_WHAT}: {vertices.count:,} splats need {wanted:,} chunks, the header has {chunks.count:,}")
    _check_columns(vertices, "uint", _PACKED)
    coloured = "min_r" in (chunks.row.names or ())
    _check_columns(chunks, "float", (*_BOUNDS, *_SCALE_BOUNDS, *(_COLOUR_BOUNDS if coloured else ())))
    if set(header.elements) - {"chunk", "vertex", "sh"}:
        raise FormatError(f"{_WHAT}: elements {brief(', '.join(header.elements))}; chunk, vertex and sh are known")
    if "sh" not in header.elements:
        return 0
    harmonics = header.elements["sh"]
    columns = len(harmonics.row.names or ())
    degree = next((d for d, rest in raw.REST.items() if d and 3 * rest == columns), None)
    if degree is None or harmonics.count != vertices.count:
        raise FormatError(
            f"{_WHAT}: element sh is {columns} x {harmonics.count:,}; 9, 24 or 45 columns for each of "
            f"{vertices.count:,} splats are needed"
        )
    _check_columns(harmonics, "uchar", tuple(f"f_rest_{i}" for i in range(columns)), ordered=True)
    return degree


_SH_VALUES = np.concatenate([[0.0], (np.arange(1, 255) + 0.5) / 256.0, [1.0]]).astype(np.float32)
_SH_VALUES = (_SH_VALUES - np.float32(0.5)) * np.float32(_SH_RANGE)
"""What each byte stands for: middles of 256 steps of -4…4, the first and the last standing for the ends."""


def _check_columns(element: Element, kind: str, names: tuple[str, ...], *, ordered: bool = False) -> None:
    code = {"float": "f4", "uint": "u4", "uchar": "u1"}[kind]
    have = element.row.names or ()
    for name in names:
        if name not in have or element.row[name].str[1:] != code:
            raise FormatError(f"{_WHAT}: element {element.name!r} needs a property {kind} {name}")
    if ordered and have != names:
        raise FormatError(f"{_WHAT}: the properties of element {element.name!r} are out of order")


def _bounds(table: np.ndarray, names: tuple[str, ...]) -> Float32[np.ndarray, "2 c 3"]:
    """Lower and upper bounds of every chunk; 0 and 1 where the file has none."""
    if names[0] not in (table.dtype.names or ()):
        return np.stack([np.zeros((len(table), 3), np.float32), np.ones((len(table), 3), np.float32)])
    return np.stack([np.column_stack([table[name].astype(np.float32) for name in names[i : i + 3]]) for i in (0, 3)])


def _lerp(
    bounds: Float32[np.ndarray, "2 c 3"], chunk: np.ndarray, share: Float32[np.ndarray, "m 3"]
) -> Float32[np.ndarray, "m 3"]:
    return bounds[0][chunk] * (1.0 - share) + bounds[1][chunk] * share


def _unpack(words: UInt32[np.ndarray, "m"], shifts: tuple[int, ...], bits: tuple[int, ...]) -> np.ndarray:
    """Fields of each word as shares of their largest value, (m, fields) float32."""
    words = words.astype(np.uint32)[:, None]
    largest = np.array([(1 << b) - 1 for b in bits], np.uint32)
    return ((words >> np.array(shifts, np.uint32)) & largest).astype(np.float32) / largest.astype(np.float32)


def _unpack_11_10_11(words: UInt32[np.ndarray, "m"]) -> Float32[np.ndarray, "m 3"]:
    return _unpack(words, (21, 11, 0), (11, 10, 11))


def _unpack_rotation(words: UInt32[np.ndarray, "m"]) -> Float32[np.ndarray, "m 4"]:
    """Index of the largest of w x y z in the top two bits, then the other three, ±1/√2 in ten bits each."""
    small = (_unpack(words, (20, 10, 0), (10, 10, 10)) - np.float32(0.5)) * np.float32(np.sqrt(2.0))
    return raw.from_smallest_three(small, (words.astype(np.uint32) >> np.uint32(30)).astype(np.intp))
