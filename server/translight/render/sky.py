"""The equirectangular sky behind the splats: what a stage direction sees, as exact numbers for every backend.

With azimuth = atan2(x, y) and elevation = atan2(z, √(x² + y²)) of a stage direction, and a picture of w by h texels
whose centres are at +0.5: column = (½ + azimuth / 2π)·w − ½ and row = (½ − elevation / π)·h − ½ are interpolated
bilinearly. Columns wrap around; rows are clamped to 0 … h − 1, so the poles see their row's texels. Straight up and
down, where azimuth is undefined, atan2(0, 0) = 0 is meant.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.core.camera import View


def sky_coordinates(directions: ArrayLike, width: int, height: int) -> Float64[np.ndarray, "*n 2"]:
    """Columns within [−½, width − ½] and rows within [0, height − 1], of stage directions (…, 3) of any length."""
    x, y, z = np.moveaxis(np.asarray(directions, dtype=np.float64), -1, 0)
    azimuth = np.arctan2(x, y)
    elevation = np.arctan2(z, np.hypot(x, y))
    column = (0.5 + azimuth / (2 * np.pi)) * width - 0.5
    row = (0.5 - elevation / np.pi) * height - 0.5
    return np.stack([column, np.clip(row, 0.0, height - 1.0)], axis=-1)


def sample_sky(sky: np.ndarray, directions: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
    """Colours of an equirectangular picture (h w 3) in stage directions (…, 3)."""
    height, width = sky.shape[:2]
    column, row = np.moveaxis(sky_coordinates(directions, width, height), -1, 0)
    left, top = np.floor(column), np.floor(row)
    across, down = (column - left)[..., None], (row - top)[..., None]
    x0, y0 = left.astype(np.int64) % width, top.astype(np.int64)
    x1, y1 = (x0 + 1) % width, np.minimum(y0 + 1, height - 1)
    texels = np.asarray(sky, dtype=np.float64)
    upper = texels[y0, x0] * (1 - across) + texels[y0, x1] * across
    lower = texels[y1, x0] * (1 - across) + texels[y1, x1] * across
    return upper * (1 - down) + lower * down


def sky_picture(sky: np.ndarray, view: View) -> Float64[np.ndarray, "h w 3"]:
    """The sky alone, as ``view`` sees it at its pixel centres."""
    camera = view.camera
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    rays = camera.ray(np.stack([u, v], axis=-1))
    return sample_sky(sky, rays @ view.stage_from_camera.rotation().T)
