"""Equirectangular pictures around a point: directions of pixels, pixels of directions, perspective views in and out.

The frame is ``Environment.sky``'s: the middle column looks to stage +Y, azimuth grows to the right, the top row is +Z.
Pixel centres lie at +0.5. A picture is twice as wide as it is high.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Float64

from translight.core.camera import Camera
from translight.core.pose import Pose


def directions(height_px: int, rows: slice = slice(None)) -> Float32[np.ndarray, "h w 3"]:
    """Unit directions, in stage axes, of the pixels of a picture 2·height by height, or of some of its rows."""
    row = np.arange(height_px)[rows]
    elevation = (0.5 - (row + 0.5) / height_px) * np.pi
    azimuth = ((np.arange(2 * height_px) + 0.5) / (2 * height_px) - 0.5) * 2 * np.pi
    level = np.cos(elevation)[:, None]
    up = np.broadcast_to(np.sin(elevation)[:, None], (len(row), 2 * height_px))
    return np.stack([level * np.sin(azimuth), level * np.cos(azimuth), up], axis=-1).astype(np.float32)


def pixels(direction: Float[np.ndarray, "*n 3"], height_px: int) -> Float64[np.ndarray, "*n 2"]:
    """Where directions of any length, in stage axes, are seen: column and row, columns within [0, 2·height)."""
    x, y, z = np.moveaxis(np.asarray(direction, np.float64), -1, 0)
    turn = np.arctan2(x, y) / (2 * np.pi) + 0.5
    rise = np.arctan2(z, np.hypot(x, y)) / np.pi
    return np.stack([np.mod(turn, 1.0) * 2 * height_px, (0.5 - rise) * height_px], axis=-1)


def sample(picture: Float[np.ndarray, "h w *c"], at: Float64[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n *c"]:
    """Bilinear values at columns and rows: columns wrap around, rows go over the poles to the other side."""
    column, row = at[..., 0] - 0.5, at[..., 1] - 0.5
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    u, v = (column - left).astype(np.float32), (row - top).astype(np.float32)
    if picture.ndim > 2:
        u, v = u[..., None], v[..., None]
    upper = _texel(picture, top, left) * (1 - u) + _texel(picture, top, left + 1) * u
    lower = _texel(picture, top + 1, left) * (1 - u) + _texel(picture, top + 1, left + 1) * u
    return upper * (1 - v) + lower * v


def perspective(
    picture: Float[np.ndarray, "h w *c"], camera: Camera, stage_from_camera: Pose
) -> Float[np.ndarray, "ch cw *c"]:
    """What a camera that only turns within the panorama sees; the pose's position is not used.

    Values are interpolated, not filtered: a picture much finer than the camera's pixels must be shrunk first.
    """
    rays = camera.ray(np.stack(np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px)), axis=-1) + 0.5)
    return sample(picture, pixels(rays @ stage_from_camera.rotation().T, picture.shape[0]))


def _texel(picture: Float[np.ndarray, "h w *c"], row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Texels of rows from −1 to h: one row past a pole is the same row half a turn away."""
    height, width = picture.shape[:2]
    over = (row < 0) | (row >= height)
    inside = np.clip(row, 0, height - 1)
    return picture[inside, np.mod(column + np.where(over, height, 0), width)]
