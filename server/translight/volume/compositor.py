"""Inner picture over outer picture onto the walls, as geometry: each wall pixel's stage position seen from the camera.

``kernel.py`` holds the loops, ``frustum.py`` the views. Pictures are blended in the splats' own colour encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numba
import numpy as np
from jaxtyping import Float32, Float64

from translight.colour.output import OPAQUE, OutputTransform
from translight.core.camera import View
from translight.core.image import PixelFormat
from translight.volume import kernel
from translight.volume.canvas import Canvas
from translight.volume.frustum import outer_views
from translight.volume.sampling import Sampling, coefficients

_Scene = TypeVar("_Scene")


class Picture(Protocol):
    """A rendered view: ``rgba`` (h w 4) float32, RGB premultiplied (over black) in the splats' encoding."""

    @property
    def rgba(self) -> Float32[np.ndarray, "h w 4"]:
        """The picture; its alpha is not used."""
        ...


class Compositor:
    """Fills a canvas, frame by frame. Used by one thread; after construction it allocates next to nothing.

    ``feather`` is the fraction of the inner picture's width (and of its height, above and below) over which it fades
    into the outer one, inwards from its edge; ``frustum.check_feather`` keeps it out of the camera's sight. Until
    there is an outer picture, it is black. ``threads`` bounds the processor threads; None takes all.
    """

    def __init__(
        self,
        canvas: Canvas,
        output: OutputTransform,
        *,
        feather: float = 0.03,
        sampling: Sampling | str = Sampling.CATMULL_ROM,
        threads: int | None = None,
    ) -> None:
        self.canvas = canvas
        self._feather = max(feather, 1e-6)
        self.sampling = Sampling(sampling)
        self.outer_renders = 0
        """How often the outer picture has been rendered."""
        self._filter = coefficients(self.sampling)
        self._surfaces = _Surfaces(canvas)
        size = (canvas.height_px, canvas.width_px)
        self._outer = np.zeros((*size, 4), np.float32)
        self._outer[..., 3] = 1
        self._mixed: np.ndarray | None = None
        self._encoded = np.empty(size, np.uint32)
        self.threads = min(threads or numba.get_num_threads(), numba.get_num_threads())
        """Processor threads that a picture is made with."""
        self._scratch = np.empty((self.threads, kernel.SCRATCH), np.float32)
        self._planes = np.empty((10, 4))
        self._ticket = np.zeros(1, np.int64)
        self._outer_of: tuple[object, bytes] | None = None
        self.set_output(output)

    def set_output(self, output: OutputTransform) -> None:
        """Change the colour; the outer picture is encoded anew, not rendered."""
        self.output = output
        self._colour = _colour(output)
        kernel.encode(self._outer, self._colour, self._scratch, self.threads, self._encoded)

    def draw_outer(
        self,
        render: Callable[[_Scene, list[View]], Sequence[Picture]],
        scene: _Scene,
        eye_m: Float64[np.ndarray, "3"],
        behind: Float64[np.ndarray, "k 4"] | None = None,
    ) -> Float32[np.ndarray, "h w 4"]:
        """An outer picture of ``scene`` from ``eye_m``, on the canvas; ``behind`` as in ``outer_views``. Shows nothing.

        Raises ShowError when the eye cannot see a wall.
        """
        views = outer_views(self.canvas, np.array(eye_m, np.float64), behind)
        pictures = render(scene, [outer.view for outer in views])
        drawn = np.zeros((self.canvas.height_px, self.canvas.width_px, 4), np.float32)
        drawn[..., 3] = 1
        for outer, picture in zip(views, pictures, strict=True):
            wall, columns, rows = outer.wall, outer.wall.columns(), outer.wall.rows()
            projection, offset = _projection(outer.view)
            x, y = wall.canvas_x_px, wall.canvas_y_px
            kernel.sample_surface(
                np.ascontiguousarray((columns[outer.first : outer.end] @ projection.T + offset).T, np.float32),
                np.ascontiguousarray((rows @ projection.T).T, np.float32),
                _checked(picture, outer.view),
                self._filter,
                self._scratch,
                self.threads,
                drawn[y : y + wall.height_px, x + outer.first : x + outer.end],
            )
        self.outer_renders += 1
        return drawn

    def show_outer(self, picture: Float32[np.ndarray, "h w 4"]) -> None:
        """From now on this is the outer picture (``draw_outer``'s); it is not copied."""
        self._outer = picture
        kernel.encode(self._outer, self._colour, self._scratch, self.threads, self._encoded)

    def dissolve_outer(
        self, first: Float32[np.ndarray, "h w 4"], second: Float32[np.ndarray, "h w 4"], fraction: float
    ) -> None:
        """The outer picture is a ``fraction`` of the second and the rest of the first, mixed in their encoding."""
        if self._mixed is None:
            self._mixed = np.empty_like(first)
        self._outer = self._mixed
        kernel.mix_and_encode(
            first, second, np.float32(fraction), self._colour, self._scratch, self.threads, self._mixed, self._encoded
        )

    def refresh_outer(
        self,
        render: Callable[[_Scene, list[View]], Sequence[Picture]],
        scene: _Scene,
        eye_m: Float64[np.ndarray, "3"],
    ) -> bool:
        """Draw and show the outer picture for ``scene``, unless it shows just that; returns whether it did.

        Scenes are told apart by identity, so a moved environment must be another object. Raises ShowError when the
        eye cannot see a wall.
        """
        eye = np.array(eye_m, np.float64)
        if self._outer_of is not None and self._outer_of[0] is scene and self._outer_of[1] == eye.tobytes():
            return False
        self.show_outer(self.draw_outer(render, scene, eye))
        self._outer_of = (scene, eye.tobytes())
        return True

    def composite(self, inner: Picture, view: View, out: np.ndarray) -> None:
        """Fill ``out``, shaped as the output's pixel format says: ``inner``, drawn for ``view``, over the outer one.

        Raises ValueError when ``out`` or the inner picture is not of the size or type it must have.
        """
        rgba = _checked(inner, view)
        columns, rows = self._surfaces.project(view)
        _frustum_planes(view, self._feather, self._planes)
        kernel.composite(
            self._surfaces.tiles,
            self._surfaces.spheres,
            self._planes,
            columns,
            rows,
            rgba,
            np.float32(view.near_m),
            np.float32(self._feather),
            self._filter,
            self._outer,
            self._encoded,
            self._colour,
            self._scratch,
            self.threads,
            self._ticket,
            self._words(out),
        )

    def _words(self, out: np.ndarray) -> np.ndarray:
        pixel_format = self.output.pixel_format
        shape = pixel_format.shape(self.canvas.width_px, self.canvas.height_px)
        if out.shape != shape or out.dtype != pixel_format.dtype or not out.flags.c_contiguous:
            raise ValueError(f"the canvas is C-contiguous {pixel_format.dtype} {shape}, got {out.dtype} {out.shape}")
        return out.view(np.uint32).reshape(self.canvas.height_px, self.canvas.width_px)


class _Surfaces:
    """All walls' columns and rows, and the tiles that cover the canvas once."""

    def __init__(self, canvas: Canvas) -> None:
        self._columns = np.concatenate([wall.columns() for wall in canvas.walls])
        self._rows = np.concatenate([wall.rows() for wall in canvas.walls])
        tiles: list[tuple[int, ...]] = []
        column = row = 0
        for wall in canvas.walls:
            for x, y, width, height in _cut(wall.width_px, wall.height_px):
                at = (wall.canvas_x_px + x, wall.canvas_y_px + y)
                tiles.append((*at, width, height, column + x, row + y))
            column, row = column + wall.width_px, row + wall.height_px
        for gap in canvas.gaps():
            for x, y, width, height in _cut(gap.width, gap.height):
                tiles.append((gap.x + x, gap.y + y, width, height, kernel.NO_WALL, 0))
        self.tiles = np.array(tiles, np.int64)
        self.spheres = np.array([self._sphere(*t[2:]) for t in tiles])
        self._projected = np.empty((3, len(self._columns)), np.float32), np.empty((3, len(self._rows)), np.float32)

    def project(self, view: View) -> tuple[Float32[np.ndarray, "3 c"], Float32[np.ndarray, "3 r"]]:
        """Homogeneous pixel coordinates of the columns, and what each row adds to them; valid until the next call."""
        projection, offset = _projection(view)
        columns, rows = self._projected
        columns[:] = projection @ self._columns.T + offset[:, None]
        rows[:] = projection @ self._rows.T
        return columns, rows

    def _sphere(self, width: int, height: int, column: int, row: int) -> tuple[float, ...]:
        """Centre and radius of a sphere around a tile's pixel centres."""
        if column == kernel.NO_WALL:
            return (0.0, 0.0, 0.0, 0.0)
        columns, rows = self._columns[column : column + width], self._rows[row : row + height]
        centre = columns.mean(axis=0) + rows.mean(axis=0)
        # Distances from an inner point are largest at the rim, and rows are straight lines: first and last do
        rim = np.concatenate([columns + rows[0], columns + rows[-1]])
        return (*centre, float(np.linalg.norm(rim - centre, axis=1).max()) + 1e-5)


def _cut(width: int, height: int) -> list[tuple[int, int, int, int]]:
    return [
        (x, y, min(kernel.TILE_WIDTH, width - x), min(kernel.TILE_HEIGHT, height - y))
        for y in range(0, height, kernel.TILE_HEIGHT)
        for x in range(0, width, kernel.TILE_WIDTH)
    ]


def _projection(view: View) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]]:
    """(M, m) so that M·stage + m are homogeneous pixel coordinates whose third is the depth in metres."""
    matrix = view.camera.matrix() @ view.stage_from_camera.rotation().T
    return matrix, -matrix @ view.stage_from_camera.position_m


def _frustum_planes(view: View, feather: float, planes: Float64[np.ndarray, "10 4"]) -> None:
    """Two sets of five half-spaces: the inner picture in front of the near plane, and where its weight is 1."""
    matrix, offset = _projection(view)
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


def _checked(picture: Picture, view: View) -> Float32[np.ndarray, "h w 4"]:
    rgba, shape = picture.rgba, (view.camera.height_px, view.camera.width_px, 4)
    if rgba.shape != shape or rgba.dtype != np.float32 or not rgba.flags.c_contiguous or min(shape[:2]) < 4:
        raise ValueError(f"a view's picture is C-contiguous float32 {shape}, got {rgba.dtype} {rgba.shape}")
    return rgba


def _colour(output: OutputTransform) -> tuple[Any, ...]:
    """What the kernel's ``_encode`` unpacks."""
    tables = output.tables()
    plain = output.wall == output.encoding == "srgb" and np.array_equal(output.grade.matrix(), np.eye(3))
    kind = kernel.PLAIN if plain else kernel.MIXING if tables.mixes else kernel.TABLE
    eight_bit = output.pixel_format is PixelFormat.RGBA8
    return (
        kind,
        np.float32(output.largest_code if kind == kernel.PLAIN else 1),
        np.float32(tables.limit),
        _pairs(tables.direct),
        _pairs(tables.decode),
        _pairs(tables.encode),
        tables.matrix,
        np.ascontiguousarray(np.repeat(np.tile(tables.rounding, 2), 4, axis=1)),
        np.uint32(8 if eight_bit else 10),
        np.uint32(OPAQUE[output.pixel_format] << (24 if eight_bit else 30)),
    )


def _pairs(table: Float32[np.ndarray, "nodes"]) -> Float32[np.ndarray, "n 2"]:
    """Each piece of a table: its first value, and the step to its last."""
    return np.ascontiguousarray(np.stack([table[:-1], np.diff(table)], axis=-1))
