"""A scene laid out for the kernels: splats in chunks of 16, each field's 16 values side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from translight.render.contract import ALPHA_CUT, Scene
from translight.render.cpu.memory import aligned

CHUNK = 16
"""Splats in a chunk."""
MEAN, AXES, LOG2_OPACITY = 0, 3, 12
"""Where a chunk's geometry holds the mean (3), the scaled axes R·S row by row (9), and log₂ of the opacity."""
GEOMETRY_FIELDS = 13


@dataclass(frozen=True, slots=True, eq=False)
class PreparedScene:
    """Splats that can be seen at all (finite, opacity not below the cut), in the cloud's order.

    ``geometry`` (c 13 16) and ``sh`` (c 3k 16; coefficient by coefficient, RGB inner) are in scene axes and flat; the
    last chunk is padded with splats of no opacity. ``sky`` (h w 4) has a fourth column of zeros; 0 0 4 without a sky.
    """

    geometry: Float32[np.ndarray, "c*13*16"]
    sh: Float32[np.ndarray, "c*3*k*16"]
    sky: Float32[np.ndarray, "h w 4"]
    count: int

    @property
    def chunks(self) -> int:
        """Chunks of 16 splats."""
        return len(self.geometry) // (GEOMETRY_FIELDS * CHUNK)


def prepare(scene: Scene) -> PreparedScene:
    """Copy ``scene``'s arrays into the kernels' layout; takes about a second for a million splats."""
    splats = scene.splats
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    kept = np.flatnonzero(finite & (splats.opacities >= np.float32(ALPHA_CUT)))
    n = len(kept)
    coefficients = splats.sh.shape[1] * 3

    geometry = np.zeros((GEOMETRY_FIELDS, _padded(n)), np.float32)
    geometry[LOG2_OPACITY] = -np.inf
    geometry[MEAN:AXES, :n] = splats.means[kept].T
    geometry[AXES:LOG2_OPACITY, :n] = _axes(splats.wxyz[kept], splats.scales[kept])
    geometry[LOG2_OPACITY, :n] = np.log2(splats.opacities[kept].astype(np.float64))
    sh = np.zeros((coefficients, _padded(n)), np.float32)
    sh[:, :n] = splats.sh.reshape(len(splats), coefficients)[kept].T
    return PreparedScene(_chunked(geometry), _chunked(sh), _sky(scene), n)


def _padded(n: int) -> int:
    return -(-n // CHUNK) * CHUNK


def _chunked(fields: np.ndarray) -> np.ndarray:
    flat = aligned(fields.size)
    flat.reshape(-1, len(fields), CHUNK)[:] = fields.reshape(len(fields), -1, CHUNK).transpose(1, 0, 2)
    return flat


def _axes(wxyz: np.ndarray, scales: np.ndarray) -> Float32[np.ndarray, "9 n"]:
    """Rotation matrices with each column times its scale, row by row."""
    w, x, y, z = wxyz.T.astype(np.float64)
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array([[column * scales[:, j] for j, column in enumerate(row)] for row in rotation], np.float32).reshape(
        9, -1
    )


def _sky(scene: Scene) -> Float32[np.ndarray, "h w 4"]:
    if scene.sky is None:
        return np.zeros((0, 0, 4), np.float32)
    sky = np.zeros((*scene.sky.shape[:2], 4), np.float32)
    sky[..., :3] = scene.sky
    return sky
