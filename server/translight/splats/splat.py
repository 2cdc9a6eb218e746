"""antimatter15's ``.splat``: 32 bytes a splat, no header, no spherical harmonics beyond the constant.

Source: antimatter15/splat, ``convert.py``: position 3 × f32, linear scale 3 × f32, red, green, blue and opacity u8,
rotation w x y z u8 (q · 128 + 128), little-endian. Axes are RDF, as in the cloud.
"""

from __future__ import annotations

import numpy as np

from translight.core.errors import FormatError
from translight.splats import raw
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks

BYTES = 32
_WHAT = ".splat"
_ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("wxyz", "u1", 4)])


def count(length: int, limits: Limits) -> int:
    """Splats in a file of this length. Raises FormatError when it is no whole number, or past the limit."""
    n, left = divmod(length, BYTES)
    if left:
        raise FormatError(
            f"{_WHAT}: {length:,} bytes are no whole number of {BYTES}-byte splats: truncated, or another format"
        )
    limits.check_count(n, _WHAT)
    return n


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None) -> SplatCloud:
    """Read a ``.splat``. Raises FormatError on a broken length, non-finite or negative values, zero rotations."""
    n = count(len(data), limits)
    table = np.frombuffer(data, dtype=_ROW)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.empty((n, 1, 3), np.float32)
    for part in blocks(n, progress):
        block = table[part]
        wxyz[part] = (block["wxyz"].astype(np.float32) - 128.0) / 128.0
        opacities[part] = block["rgba"][:, 3] / np.float32(255.0)
        sh[part, 0] = (block["rgba"][:, :3] / np.float32(255.0) - 0.5) / np.float32(raw.SH_C0)
    means, scales = (np.ascontiguousarray(table[name], dtype=np.float32) for name in ("mean", "scale"))
    with np.errstate(invalid="ignore"):
        negative = np.flatnonzero((scales < 0).any(axis=1))
    if len(negative):
        raise FormatError(
            f"{_WHAT}: {len(negative):,} splats have a negative scale, the first at index {negative[0]:,}"
        )
    return raw.make_cloud(_WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def encode(cloud: SplatCloud, progress: Progress | None = None) -> bytes:
    """Write a ``.splat`` in the cloud's own order.

    Positions and scales are exact; opacity and constant colour are rounded to 1/255 (colour clipped to 0…1),
    quaternion components to 1/128; SH beyond the constant are dropped.
    """
    out = np.empty(len(cloud), _ROW)
    for part in blocks(len(cloud), progress):
        block = out[part]
        block["mean"], block["scale"] = cloud.means[part], cloud.scales[part]
        block["rgba"][:, :3] = _bytes((cloud.sh[part, 0] * raw.SH_C0 + 0.5) * 255.0)
        block["rgba"][:, 3] = _bytes(cloud.opacities[part] * 255.0)
        block["wxyz"] = _bytes(cloud.wxyz[part] * 128.0 + 128.0)
    return out.tobytes()


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8)
