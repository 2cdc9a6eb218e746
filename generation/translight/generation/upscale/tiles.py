"""Perspective tiles that cover a panorama: what each sees, and how they become one again; upscale.py uses them.

Tiles stand in rings of one elevation, each pole a ring of one. A network sees pictures without the stretch of an
equirectangular one, and no tile ends at the seam. Weights fall to zero within a tile's border, so none shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from translight.generation.panorama import directions, pixels

MARGIN_PX = 10
"""Border of a tile that is not used: there a network sees the tile's end (Real-ESRGAN's own pre-padding)."""
MAX_SIDE_PX = 256
"""Of a tile before it is enlarged; 64 channels of it, four times as large, take 270 MB."""

_MAX_HALF_DEG = 37.5
"""From a tile's middle to the end of its window: beyond, its own stretch grows."""
_SPACING = 0.8
"""Of tiles, in window widths: neighbours share a fifth."""
_SOFT = 0.45
"""Share of a window's half width in which the weight falls."""
_WRAP_PX = 16
"""Columns and rows past the ends that are laid on before a spline is fitted: its response has died by then."""
_BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A square picture towards one direction, OpenCV axes, its principal point in the middle."""

    stage_from_camera: Float64[np.ndarray, "3 3"]
    side_px: int
    focal_px: float

    def window(self) -> float:
        """Tangent of the angle from its axis to the end of what is used."""
        return (self.side_px / 2 - MARGIN_PX) / self.focal_px


def tiles_for(height_px: int) -> list[Tile]:
    """Tiles that cover a panorama of that height, as fine in their middles as it is at its equator."""
    focal = height_px / math.pi
    side = min(MAX_SIDE_PX, 2 * (math.ceil(focal * math.tan(math.radians(_MAX_HALF_DEG))) + MARGIN_PX))
    reach = 2 * math.atan((side / 2 - MARGIN_PX) / focal) * _SPACING
    rings = math.ceil(math.pi / reach)
    found = []
    for ring in range(rings + 1):
        elevation = (ring / rings - 0.5) * math.pi
        widest = math.cos(max(0.0, abs(elevation) - math.pi / rings / 2))
        count = 1 if ring in (0, rings) else 4 * math.ceil(2 * math.pi * widest / reach / 4)  # alike in all quarters
        found += [Tile(_towards(elevation, 2 * math.pi * i / count), side, focal) for i in range(count)]
    return found


class Around:
    """A panorama that is seen from tiles: cubic splines, around the seam and over the poles."""

    def __init__(self, picture: Float32[np.ndarray, "h w 3"]) -> None:
        self._height = picture.shape[0]
        half = picture.shape[1] // 2
        edge = min(_WRAP_PX, self._height)
        over = np.roll(picture, half, axis=1)  # a row past a pole is on the other side
        tall = np.concatenate([over[:edge][::-1], picture, over[-edge:][::-1]])
        self._edge = edge
        wide = np.concatenate([tall[:, -edge:], tall, tall[:, :edge]], axis=1)
        self._spline = [ndimage.spline_filter(wide[..., i], 3, np.float32, mode="mirror") for i in range(3)]

    def seen(self, tile: Tile) -> Float32[np.ndarray, "s s 3"]:
        """What a tile sees."""
        across = (np.arange(tile.side_px) + 0.5 - tile.side_px / 2) / tile.focal_px
        x, y = np.meshgrid(across, across)
        rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ tile.stage_from_camera.T
        at = pixels(rays, self._height) - 0.5 + self._edge
        where = (at[..., 1], at[..., 0])
        planes = [
            ndimage.map_coordinates(plane, where, np.float32, order=3, mode="mirror", prefilter=False)
            for plane in self._spline
        ]
        return np.stack(planes, axis=-1)


class Canvas:
    """A panorama that tiles are laid on, however fine each is."""

    def __init__(self, height_px: int) -> None:
        self._height = height_px
        self._sum = np.zeros((height_px, 2 * height_px, 3), np.float32)
        self._weight = np.zeros((height_px, 2 * height_px), np.float32)

    def lay(self, tile: Tile, picture: Float32[np.ndarray, "n n 3"]) -> None:
        """Add what a tile shows, in any number of pixels."""
        finer = picture.shape[0] / tile.side_px
        spline = [ndimage.spline_filter(picture[..., i], 3, np.float32, mode="mirror") for i in range(3)]
        for rows in self._rows(tile):
            seen = directions(self._height, rows) @ tile.stage_from_camera.astype(np.float32)
            depth = seen[..., 2]
            ahead = np.where(depth > 1e-3, depth, np.float32(np.inf))
            x, y = seen[..., 0] / ahead, seen[..., 1] / ahead
            weight = np.where(depth > 1e-3, _weight(x, tile.window()) * _weight(y, tile.window()), 0)
            row, column = np.nonzero(weight)
            if not len(row):
                continue
            middle = tile.side_px / 2
            where = [(axis[row, column] * tile.focal_px + middle) * finer - 0.5 for axis in (y, x)]
            chosen = weight[row, column].astype(np.float32)
            for i, plane in enumerate(spline):
                values = ndimage.map_coordinates(plane, where, np.float32, order=3, mode="mirror", prefilter=False)
                self._sum[rows][row, column, i] += values * chosen
            self._weight[rows][row, column] += chosen

    def picture(self) -> Float32[np.ndarray, "h w 3"]:
        """The panorama, in the canvas's own memory: nothing more is laid then. ValueError where no tile was laid."""
        if not self._weight.all():
            raise ValueError(f"{int((self._weight == 0).sum())} pixels lie on no tile")
        self._sum /= self._weight[..., None]
        return self._sum

    def _rows(self, tile: Tile) -> list[slice]:
        """Blocks of the rows that the tile's circle may touch."""
        rise = math.asin(float(np.clip(tile.stage_from_camera[2, 2], -1, 1)))
        reach = math.atan(tile.window() * math.sqrt(2))
        first = math.floor((0.5 - (rise + reach) / math.pi) * self._height)
        last = math.ceil((0.5 - (rise - reach) / math.pi) * self._height)
        first, last = max(0, first), min(self._height, last)
        return [slice(top, min(last, top + _BLOCK_ROWS)) for top in range(first, last, _BLOCK_ROWS)]


def _weight(at: np.ndarray, window: float) -> np.ndarray:
    """1 in the middle, smoothly 0 at the window's end."""
    share = np.clip((window - np.abs(at)) / (window * _SOFT), 0, 1)
    return share * share * (3 - 2 * share)


def _towards(elevation: float, azimuth: float) -> Float64[np.ndarray, "3 3"]:
    """Rotation whose columns are the camera's right, down and forward, in stage axes."""
    level, up = math.cos(elevation), math.sin(elevation)
    forward = np.array([level * math.sin(azimuth), level * math.cos(azimuth), up])
    right = np.array([math.cos(azimuth), -math.sin(azimuth), 0.0])
    return np.stack([right, np.cross(forward, right), forward], axis=1)
