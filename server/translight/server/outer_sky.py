"""An outer picture whose sky moves: splats drawn once, and moving_sky.py's sky behind them wherever a plate is seen.

wall_pictures.py shows it. Only pixels that see a plate are touched, so the still part of a wall costs nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from translight.render.contract import Scene
from translight.render.cpu.jit import parallel_kernel
from translight.render.cpu.sky import OPAQUE, sky_tint
from translight.render.moving_sky import MovingSky
from translight.render.sky import sky_coordinates
from translight.volume.canvas import Canvas
from translight.volume.surfaces import NO_WALL, Surfaces


class OuterSky:
    """The outer picture of one environment. Used by one thread; ``lay`` makes no picture anew."""

    def __init__(
        self,
        sky: MovingSky,
        scene: Scene,
        splats: Float32[np.ndarray, "h w 4"],
        canvas: Canvas,
        surfaces: Surfaces,
        eye_m: Float64[np.ndarray, "3"],
    ) -> None:
        """``splats`` is the canvas as drawn of ``scene`` without sky; ``surfaces`` are the canvas'."""
        self._sky, self._tint = sky, sky_tint(scene).reshape(4, 4)
        self._splats = np.ascontiguousarray(splats, np.float32)
        self.picture: Float32[np.ndarray, "h w 4"] = self._splats.copy()
        """Splats and sky, as of the last ``lay``."""
        sky_px = np.zeros((canvas.height_px, canvas.width_px, 2), np.float32)
        wall = np.zeros((canvas.height_px, canvas.width_px), bool)
        for x, y, width, height, column, row in surfaces.tiles:
            if column == NO_WALL:
                continue
            points = surfaces.columns[None, column : column + width] + surfaces.rows[row : row + height, None]
            sky_px[y : y + height, x : x + width] = sky_coordinates(points - eye_m, sky.width_px, sky.height_px)
            wall[y : y + height, x : x + width] = True
        seen = wall & (self._splats[..., 3] < OPAQUE)
        at = np.flatnonzero(seen)
        corners, parts = _places(sky_px.reshape(-1, 2)[at], sky)
        self._add(at, corners, parts)
        moves = sky.moving.reshape(-1)[corners].any(axis=1)
        self._at, self._corners, self._parts = (np.ascontiguousarray(a[moves]) for a in (at, corners, parts))
        touched = np.zeros(seen.shape, bool)
        touched.reshape(-1)[self._at] = True
        self.tiles: Int64[np.ndarray, "k"] = np.array(
            [k for k, (x, y, w, h, *_) in enumerate(surfaces.tiles) if touched[y : y + h, x : x + w].any()], np.int64
        )
        """Which of the canvas' tiles change."""
        self._version = sky.version

    @property
    def stale(self) -> bool:
        """Whether the sky has changed since the picture was laid."""
        return self._version != self._sky.version

    def lay(self) -> None:
        """Bring the picture to what the sky shows now."""
        self._version = self._sky.version
        self._add(self._at, self._corners, self._parts)

    def _add(
        self, at: Int64[np.ndarray, "k"], corners: Int32[np.ndarray, "k 4"], parts: Float32[np.ndarray, "k 2"]
    ) -> None:
        """Splats and sky at canvas pixels number ``at``."""
        _add_sky(
            self._splats.reshape(-1, 4), self.picture.reshape(-1, 4), at, corners, parts,
            self._sky.texels.reshape(-1, 4), self._tint, self._sky.threads,
        )  # fmt: skip


def _places(
    coordinates: Float32[np.ndarray, "k 2"], sky: MovingSky
) -> tuple[Int32[np.ndarray, "k 4"], Float32[np.ndarray, "k 2"]]:
    """The four texels around each of a sky's columns and rows, and where it lies between them."""
    column, row = coordinates.T
    left, top = np.floor(column), np.floor(row)
    x0, y0 = left.astype(np.int64) % sky.width_px, top.astype(np.int64)
    x1, y1 = (x0 + 1) % sky.width_px, np.minimum(y0 + 1, sky.height_px - 1)
    corners = np.stack([y0 * sky.width_px + x0, y0 * sky.width_px + x1, y1 * sky.width_px + x0, y1 * sky.width_px + x1])
    return corners.T.astype(np.int32), np.stack([column - left, row - top], axis=-1).astype(np.float32)


@parallel_kernel
def _add_sky(
    splats: Any, picture: Any, at: Any, corners: Any, parts: Any, texels: Any, tint: Any, threads: int
) -> None:
    """``picture`` = ``splats`` + transmittance · sky, tinted, at pixels number ``at``."""
    count = len(at)
    for thread in numba.prange(threads):
        for i in range(count * thread // threads, count * (thread + 1) // threads):
            pixel, a, b = at[i], corners[i, 0], corners[i, 1]
            c, d, u, v = corners[i, 2], corners[i, 3], parts[i, 0], parts[i, 1]
            through = np.float32(1.0) - splats[pixel, 3]
            for k in range(3):
                upper = texels[a, k] + u * (texels[b, k] - texels[a, k])
                lower = texels[c, k] + u * (texels[d, k] - texels[c, k])
                colour = upper + v * (lower - upper)
                shown = tint[0, k] * min(tint[1, k] * colour, tint[2, k] * colour + tint[3, k])
                picture[pixel, k] = splats[pixel, k] + through * shown
