"""A cloud laid out for the kernels: splats in chunks of 16, each field's 16 values side by side, chunks in groups.

Where the cloud keeps neighbours together (splats/order.py), cull.py passes over most groups that are out of sight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from jaxtyping import Float32, Int64

from translight.render.contract import ALPHA_CUT
from translight.render.cpu.jit import parallel_kernel
from translight.render.cpu.memory import aligned
from translight.splats.cloud import SplatCloud

CHUNK = 16
"""Splats in a chunk."""
MEAN, AXES, LOG2_OPACITY = 0, 3, 12
"""Where a chunk's geometry holds the mean (3), the scaled axes R·S row by row (9), and log₂ of the opacity."""
GEOMETRY_FIELDS = 13
GROUP = 8 * CHUNK
"""Splats in a group, which is culled as a whole."""
CENTRE, HALF, SCALE, GROUP_FIELDS = 0, 3, 6, 7
"""Where 16 groups' bounds hold the centre (3) and half size (3) of the box around the means, and the largest scale."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCloud:
    """Splats that can be seen at all (finite, opacity not below the cut), in the cloud's order.

    ``geometry`` (c 13 16) and ``sh`` (c 3k 16; coefficient by coefficient, RGB inner) are in scene axes and flat; the
    last chunk is padded with splats of no opacity. ``groups`` (g/16 7 16) is flat; what it is padded with is never
    seen.
    """

    geometry: Float32[np.ndarray, "c*13*16"]
    sh: Float32[np.ndarray, "c*3*k*16"]
    groups: Float32[np.ndarray, "g*7"]
    count: int

    @property
    def chunks(self) -> int:
        """Chunks of 16 splats."""
        return len(self.geometry) // (GEOMETRY_FIELDS * CHUNK)


def prepare(splats: SplatCloud) -> PreparedCloud:
    """Copy a cloud's arrays into the kernels' layout; about a tenth of a second for half a million splats."""
    kept = _kept(splats)
    n = len(kept)
    chunks, coefficients = -(-n // CHUNK), splats.sh.shape[1] * 3
    geometry, sh = aligned(chunks * CHUNK * GEOMETRY_FIELDS), aligned(chunks * CHUNK * coefficients)
    groups = aligned(-(-n // (GROUP * CHUNK)) * CHUNK * GROUP_FIELDS)
    _lay_out(
        kept, splats.means, splats.scales, splats.wxyz, splats.opacities, splats.sh.reshape(len(splats), coefficients),
        geometry, sh,
    )  # fmt: skip
    _bound(kept, splats.means, splats.scales, groups)
    return PreparedCloud(geometry, sh, groups, n)


def _kept(splats: SplatCloud) -> Int64[np.ndarray, "n"]:
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    return np.flatnonzero(finite & (splats.opacities >= np.float32(ALPHA_CUT)))


@parallel_kernel
def _lay_out(
    kept: Any, means: Any, scales: Any, wxyz: Any, opacities: Any, sh: Any, geometry: Any, laid_sh: Any
) -> None:
    n, coefficients = len(kept), sh.shape[1]
    for chunk in numba.prange(-(-n // CHUNK)):
        at, sh_at = chunk * CHUNK * GEOMETRY_FIELDS, chunk * CHUNK * coefficients
        for lane in range(CHUNK):
            if chunk * CHUNK + lane >= n:
                for field in range(GEOMETRY_FIELDS):
                    geometry[at + field * CHUNK + lane] = -np.inf if field == LOG2_OPACITY else 0.0
                for k in range(coefficients):
                    laid_sh[sh_at + k * CHUNK + lane] = 0.0
                continue
            i = kept[chunk * CHUNK + lane]
            w, x, y, z = (
                np.float64(wxyz[i, 0]), np.float64(wxyz[i, 1]), np.float64(wxyz[i, 2]), np.float64(wxyz[i, 3])
            )  # fmt: skip
            rows = (
                (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
                (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
                (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
            )
            for row in range(3):
                geometry[at + (MEAN + row) * CHUNK + lane] = means[i, row]
                for column in range(3):
                    geometry[at + (AXES + 3 * row + column) * CHUNK + lane] = rows[row][column] * scales[i, column]
            geometry[at + LOG2_OPACITY * CHUNK + lane] = math.log2(np.float64(opacities[i]))
            for k in range(coefficients):
                laid_sh[sh_at + k * CHUNK + lane] = sh[i, k]


@parallel_kernel
def _bound(kept: Any, means: Any, scales: Any, groups: Any) -> None:
    n = len(kept)
    for group in numba.prange(len(groups) // GROUP_FIELDS):
        at = group // CHUNK * CHUNK * GROUP_FIELDS + group % CHUNK
        first, end = group * GROUP, min((group + 1) * GROUP, n)
        for axis in range(3):
            low, high = np.float32(np.inf), np.float32(-np.inf)
            for i in range(first, end):
                low, high = min(low, means[kept[i], axis]), max(high, means[kept[i], axis])
            groups[at + (CENTRE + axis) * CHUNK] = np.float32(0.5) * (low + high)
            groups[at + (HALF + axis) * CHUNK] = np.float32(0.5) * (high - low)
        largest = np.float32(0.0)
        for i in range(first, end):
            for axis in range(3):
                largest = max(largest, scales[kept[i], axis])
        groups[at + SCALE * CHUNK] = largest


def prepare_sky(sky: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 4"]:
    """A sky with a fourth column of zeros, so that a texel is one load."""
    wide = np.zeros((*sky.shape[:2], 4), np.float32)
    wide[..., :3] = sky
    return wide
