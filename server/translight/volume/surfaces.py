"""A canvas' walls as compositors take them: columns and rows of stage positions, in tiles; and views as numbers.

``compositor.py`` fills the canvas on the processor, ``cuda/compositor.py`` on an NVIDIA GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from jaxtyping import Float32, Float64, Int64

from translight.core.camera import View
from translight.volume.canvas import Canvas

TILE_WIDTH: Final = 128
TILE_HEIGHT: Final = 16
NO_WALL: Final = -1
"""In place of a tile's first column: pixels of no wall."""


class Picture(Protocol):
    """A rendered view: ``rgba`` (h w 4) float32, RGB premultiplied (over black) in the splats' encoding."""

    @property
    def rgba(self) -> Float32[np.ndarray, "h w 4"]:
        """The picture; its alpha is not used."""
        ...


class Surfaces:
    """All walls' columns (c 3) and rows (r 3), whose sums are pixels on the stage, and tiles that cover the canvas.

    ``tiles`` (n 6): canvas x, y, width, height, first column, first row, from the top down; ``spheres`` (n 4) around
    them.
    """

    def __init__(self, canvas: Canvas) -> None:
        self.columns = np.concatenate([wall.columns() for wall in canvas.walls])
        self.rows = np.concatenate([wall.rows() for wall in canvas.walls])
        tiles: list[tuple[int, ...]] = []
        column = row = 0
        for wall in canvas.walls:
            for x, y, width, height in _cut(wall.width_px, wall.height_px):
                at = (wall.canvas_x_px + x, wall.canvas_y_px + y)
                tiles.append((*at, width, height, column + x, row + y))
            column, row = column + wall.width_px, row + wall.height_px
        for gap in canvas.gaps():
            for x, y, width, height in _cut(gap.width, gap.height):
                tiles.append((gap.x + x, gap.y + y, width, height, NO_WALL, 0))
        tiles.sort(key=lambda tile: tile[1])
        self.tiles = np.array(tiles, np.int64)
        self.spheres = np.array([self._sphere(*t[2:]) for t in tiles])
        self._projected = np.empty((3, len(self.columns)), np.float32), np.empty((3, len(self.rows)), np.float32)

    def bands(self, ends: Sequence[int]) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "k"]]:
        """The band of each tile, and how many each band has; the canvas' rows before ``ends[k]`` need bands 0 to k."""
        band = np.searchsorted(np.asarray(ends, np.int64), self.tiles[:, 1], side="right")
        return band, np.bincount(band, minlength=len(ends))

    def project(self, view: View) -> tuple[Float32[np.ndarray, "3 c"], Float32[np.ndarray, "3 r"]]:
        """Homogeneous pixel coordinates of the columns, and what each row adds to them; valid until the next call."""
        projection, offset = projection_of(view)
        columns, rows = self._projected
        columns[:] = projection @ self.columns.T + offset[:, None]
        rows[:] = projection @ self.rows.T
        return columns, rows

    def _sphere(self, width: int, height: int, column: int, row: int) -> tuple[float, ...]:
        """Centre and radius of a sphere around a tile's pixel centres."""
        if column == NO_WALL:
            return (0.0, 0.0, 0.0, 0.0)
        columns, rows = self.columns[column : column + width], self.rows[row : row + height]
        centre = columns.mean(axis=0) + rows.mean(axis=0)
        # Distances from an inner point are largest at the rim, and rows are straight lines: first and last do
        rim = np.concatenate([columns + rows[0], columns + rows[-1]])
        return (*centre, float(np.linalg.norm(rim - centre, axis=1).max()) + 1e-5)


def _cut(width: int, height: int) -> list[tuple[int, int, int, int]]:
    return [
        (x, y, min(TILE_WIDTH, width - x), min(TILE_HEIGHT, height - y))
        for y in range(0, height, TILE_HEIGHT)
        for x in range(0, width, TILE_WIDTH)
    ]


def projection_of(view: View) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]]:
    """(M, m) so that M·stage + m are homogeneous pixel coordinates whose third is the depth in metres."""
    matrix = view.camera.matrix() @ view.stage_from_camera.rotation().T
    return matrix, -matrix @ view.stage_from_camera.position_m


def frustum_planes(view: View, feather: float, planes: Float64[np.ndarray, "10 4"]) -> None:
    """Two sets of five half-spaces: the inner picture in front of the near plane, and where its weight is 1."""
    matrix, offset = projection_of(view)
    rows = np.column_stack([matrix, offset])
    depth = rows[2]
    width, height = view.camera.width_px, view.camera.height_px
    for k, border in enumerate((0.0, feather)):
        planes[5 * k] = depth - [0, 0, 0, view.near_m]
        planes[5 * k + 1] = rows[0] - border * width * depth
        planes[5 * k + 2] = (1 - border) * width * depth - rows[0]
        planes[5 * k + 3] = rows[1] - border * height * depth
        planes[5 * k + 4] = (1 - border) * height * depth - rows[1]
    planes /= np.linalg.norm(planes[:, :3], axis=1, keepdims=True)


def checked_picture(picture: Picture, view: View) -> Float32[np.ndarray, "h w 4"]:
    """A picture's pixels. Raises ValueError on another size than the view's, another type or layout."""
    rgba, shape = picture.rgba, (view.camera.height_px, view.camera.width_px, 4)
    if rgba.shape != shape or rgba.dtype != np.float32 or not rgba.flags.c_contiguous or min(shape[:2]) < 4:
        raise ValueError(f"a view's picture is C-contiguous float32 {shape}, got {rgba.dtype} {rgba.shape}")
    return rgba
