"""Skies turned and splats taken for edits; ``splats/motion.py`` moves and joins clouds."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.render.sky import sample_sky
from translight.splats.cloud import SplatCloud

_BLOCK_ROWS = 64


def turned_sky(sky: np.ndarray, new_from_stage: Float64[np.ndarray, "3 3"]) -> np.ndarray:
    """An equirectangular sky (h w 3, ``render/sky.py``) for a stage whose axes are turned; bilinear, linear light."""
    height, width = sky.shape[:2]
    azimuth = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    turned = np.empty((height, width, 3), np.float32)
    for top in range(0, height, _BLOCK_ROWS):
        rows = np.arange(top, min(top + _BLOCK_ROWS, height))
        elevation = (0.5 - (rows + 0.5) / height) * np.pi
        level = np.cos(elevation)[:, None]
        up = np.broadcast_to(np.sin(elevation)[:, None], (len(rows), width))
        directions = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), up], axis=-1)
        turned[rows] = sample_sky(sky, directions @ new_from_stage)
    return turned


def taken(cloud: SplatCloud, which: np.ndarray) -> SplatCloud:
    """Only these splats, by truth values (n) or indices."""
    fields = (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh)
    return SplatCloud(*(np.ascontiguousarray(field[which]) for field in fields))
