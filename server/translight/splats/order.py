"""Splats in an order that keeps neighbours in space together: along a Morton curve (Morton, IBM, 1966).

No file's order means anything, and renderers gain: what is out of sight together is passed over together.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt64

from translight.splats.cloud import SplatCloud

_BITS = 21
"""Of a code, an axis."""
_SPREAD = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def along_curve(cloud: SplatCloud) -> SplatCloud:
    """The same splats, sorted along a Morton curve through their bounds; equal codes stay in the cloud's order.

    Splats whose means are not finite come last. The cloud itself where it is sorted already.
    """
    order = np.argsort(morton_codes(cloud.means), kind="stable")
    if (order[1:] > order[:-1]).all():
        return cloud
    return SplatCloud(
        *(np.ascontiguousarray(a[order]) for a in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh))
    )


def morton_codes(points: np.ndarray) -> UInt64[np.ndarray, "n"]:
    """Codes of points (n 3): 21 bits an axis of where they lie in the box of all finite ones, x lowest, interleaved."""
    finite = np.isfinite(points).all(axis=1)
    codes = np.full(len(points), np.iinfo(np.uint64).max, np.uint64)
    if finite.any():
        inside = points[finite].astype(np.float64)
        low, high = inside.min(axis=0), inside.max(axis=0)
        cells = ((inside - low) * (((1 << _BITS) - 1) / np.maximum(high - low, 1e-300))).astype(np.int64)
        codes[finite] = sum(_spread(cells[:, axis]) << axis for axis in range(3))
    return codes


def _spread(cells: np.ndarray) -> np.ndarray:
    """Two zeros between each two of the low 21 bits (after "Bit Twiddling Hacks", interleaving by binary magic)."""
    for shift, mask in _SPREAD:
        cells = (cells | cells << shift) & mask
    return cells
