"""INRIA's PLY, the trainer's own output: read with any order of properties, written as the trainer writes it.

Source: graphdeco-inria/gaussian-splatting, ``scene/gaussian_model.py``: x y z nx ny nz f_dc_0..2 f_rest_*
(channel-major) opacity (logit) scale_0..2 (log) rot_0..3 (w x y z, any length). Axes are RDF, as in the cloud.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32

from translight.core.errors import FormatError
from translight.splats import raw
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks
from translight.splats.ply_header import Element, check_length, parse_header, rows

_WHAT = "PLY"
_FLOAT = np.dtype("<f4")
_MEANS = ("x", "y", "z")
_NORMALS = ("nx", "ny", "nz")
_DC = ("f_dc_0", "f_dc_1", "f_dc_2")
_SCALES = ("scale_0", "scale_1", "scale_2")
_WXYZ = ("rot_0", "rot_1", "rot_2", "rot_3")
_NEEDED = (*_MEANS, *_DC, "opacity", *_SCALES, *_WXYZ)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a binary PLY. Raises FormatError on anything but a whole and finite splat cloud."""
    header = parse_header(data)
    check_length(header, len(data), limits, _WHAT)
    vertices = header.elements["vertex"]
    degree = sh_degree(vertices)
    table = rows(data, vertices)

    n, rest = vertices.count, raw.REST[degree]
    means, scales = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.empty((n, 1 + rest, 3), np.float32)
    rest_names = _rest_names(rest)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # a double beyond float32 becomes an infinity, which make_cloud refuses
        for part in blocks(n, progress):
            block = table[part]
            means[part] = _columns(block, _MEANS)
            scales[part] = raw.exp(_columns(block, _SCALES))
            wxyz[part] = _columns(block, _WXYZ)
            opacities[part] = raw.sigmoid(_columns(block, ("opacity",))[:, 0])
            sh[part, 0] = _columns(block, _DC)
            if rest:
                sh[part, 1:] = _columns(block, rest_names).reshape(-1, 3, rest).transpose(0, 2, 1)
    return raw.make_cloud(_WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def encode(cloud: SplatCloud, progress: Progress | None = None) -> bytes:
    """Write little-endian float32 in the trainer's order; normals are zero, as the trainer's are.

    Positions, rotations and SH come back bit for bit; scales and opacities within rounding of log, exp and sigmoid.
    """
    rest = raw.REST[cloud.sh_degree]
    names = (*_MEANS, *_NORMALS, *_DC, *_rest_names(rest), "opacity", *_SCALES, *_WXYZ)
    header = "".join(
        ["ply\nformat binary_little_endian 1.0\n", f"element vertex {len(cloud)}\n"]
        + [f"property float {name}\n" for name in names]
        + ["end_header\n"]
    ).encode("ascii")
    table = np.zeros((len(cloud), len(names)), "<f4")
    opacity = 9 + 3 * rest
    for part in blocks(len(cloud), progress):
        block = table[part]
        block[:, 0:3] = cloud.means[part]
        block[:, 6:9] = cloud.sh[part, 0]
        block[:, 9:opacity] = cloud.sh[part, 1:].transpose(0, 2, 1).reshape(len(block), -1)
        block[:, opacity] = raw.logit(cloud.opacities[part])
        block[:, opacity + 1 : opacity + 4] = raw.log(cloud.scales[part])
        block[:, opacity + 4 :] = cloud.wxyz[part]
    return header + table.tobytes()


def sh_degree(vertices: Element) -> int:
    """Degree of the spherical harmonics that the columns hold. Raises FormatError when they are not a splat's."""
    names = vertices.row.names or ()
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise FormatError(f"{_WHAT}: a point cloud or mesh, not splats: it has no property {missing[0]!r}")
    count = sum(1 for name in names if name.startswith("f_rest_"))
    for degree, rest in raw.REST.items():
        if count == 3 * rest and all(name in names for name in _rest_names(rest)):
            return degree
    raise FormatError(f"{_WHAT}: {count} properties f_rest_*; degrees 0 to 3 have 0, 9, 24 or 45, numbered from 0")


def _rest_names(rest: int) -> tuple[str, ...]:
    return tuple(f"f_rest_{i}" for i in range(3 * rest))


def _columns(block: np.ndarray[tuple[int], np.dtype[np.void]], names: tuple[str, ...]) -> Float32[np.ndarray, "m c"]:
    """Named columns as float32, whatever types and order the file has; a view of those that are float32 in a row."""
    fields: Any = block.dtype.fields
    first = fields[names[0]][1]
    in_a_row = all(fields[name][:2] == (_FLOAT, first + 4 * i) for i, name in enumerate(names))
    if in_a_row and first % 4 == 0 and block.dtype.itemsize % 4 == 0:
        return block.view(_FLOAT).reshape(len(block), -1)[:, first // 4 : first // 4 + len(names)]
    out = np.empty((len(block), len(names)), np.float32)
    for i, name in enumerate(names):
        out[:, i] = block[name]
    return out
