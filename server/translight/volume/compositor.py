"""Inner picture over outer picture onto the walls, as geometry: each wall pixel's stage position seen from the camera.

``kernel.py`` holds the loops, ``frustum.py`` the views. Pictures are blended in the splats' own colour encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float32, Float64, Int64

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.volume import kernel
from translight.volume.canvas import Canvas
from translight.volume.encoding import addressed, canvas_words, encoding_of, lane_encoding, word_type
from translight.volume.frustum import outer_views
from translight.volume.sampling import Sampling, coefficients
from translight.volume.strips import scratch_rooms
from translight.volume.surfaces import Picture, Surfaces, checked_picture, frustum_planes, projection_of

_Scene = TypeVar("_Scene")


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
        self.surfaces = Surfaces(canvas)
        """The canvas' walls as the kernels take them."""
        size = (canvas.height_px, canvas.width_px)
        self._outer = np.zeros((*size, 4), np.float32)
        self._outer[..., 3] = 1
        self._mixed: np.ndarray | None = None
        self.threads, *self._rooms = scratch_rooms(threads)
        self._planes = np.empty((10, 4))
        self._ticket = np.zeros(1, np.int64)
        self._versions = np.zeros(len(self.surfaces.tiles), np.int64)
        """Of what the outer picture shows in each tile."""
        self._shown: dict[int, np.ndarray] = {}
        self._unknown = np.zeros(len(self.surfaces.tiles), np.int64)
        self.watch_rows((canvas.height_px,))
        self.set_output(output)

    def set_output(self, output: OutputTransform) -> None:
        """Change the colour; the outer picture is encoded anew, not rendered."""
        self.output = output
        self._encoded = np.empty((self.canvas.height_px, self.canvas.width_px), word_type(output.pixel_format))
        self._encoding = lane_encoding(encoding_of(output))
        self._colour = addressed(self._encoding)
        self._encode_outer()

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
            projection, offset = projection_of(outer.view)
            x, y = wall.canvas_x_px, wall.canvas_y_px
            kernel.sample_surface(
                np.ascontiguousarray((columns[outer.first : outer.end] @ projection.T + offset).T, np.float32),
                np.ascontiguousarray((rows @ projection.T).T, np.float32),
                checked_picture(picture, outer.view),
                self._filter,
                *self._rooms,
                self.threads,
                drawn[y : y + wall.height_px, x + outer.first : x + outer.end],
            )
        self.outer_renders += 1
        return drawn

    def show_outer(self, picture: Float32[np.ndarray, "h w 4"]) -> None:
        """From now on this is the outer picture (``draw_outer``'s); it is not copied."""
        self._outer = picture
        self._encode_outer()

    def refresh_outer(self, tiles: Int64[np.ndarray, "k"]) -> None:
        """The outer picture, whose memory is still ``show_outer``'s, has changed within these of ``surfaces.tiles``."""
        self._versions[tiles] += 1
        kernel.encode_tiles(
            self.surfaces.tiles, tiles, self._outer, self._colour, *self._rooms, self.threads, self._encoded
        )

    def dissolve_outer(
        self, first: Float32[np.ndarray, "h w 4"], second: Float32[np.ndarray, "h w 4"], fraction: float
    ) -> None:
        """The outer picture is a ``fraction`` of the second and the rest of the first, mixed in their encoding."""
        if self._mixed is None:
            self._mixed = np.empty_like(first)
        self._outer = self._mixed
        self._versions += 1
        kernel.mix_and_encode(
            first, second, np.float32(fraction), self._colour, *self._rooms, self.threads, self._mixed, self._encoded
        )

    def composite(self, inner: Picture, view: View, out: np.ndarray, *, kept: bool = False) -> None:
        """Fill ``out``, shaped as the output's pixel format says: ``inner``, drawn for ``view``, over the outer one.

        ``kept`` promises that whatever was last composited into this memory as ``kept`` still stands there: tiles that
        show the same outer picture and nothing else as then are not written again.

        Raises ValueError when ``out`` or the inner picture is not of the size or type it must have.
        """
        words = canvas_words(out, self.output.pixel_format, self.canvas)
        rgba = checked_picture(inner, view)
        columns, rows = self.surfaces.project(view)
        frustum_planes(view, self._feather, self._planes)
        kernel.composite(
            self.surfaces.tiles,
            self.surfaces.spheres,
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
            *self._rooms,
            self.threads,
            self._ticket,
            self._bands,
            self._unfinished,
            self._versions,
            self._shown_in(words, kept),
            words,
        )
        np.negative(self._band_tiles, out=self._unfinished)

    def watch_rows(self, ends: Sequence[int]) -> None:
        """From now on ``rows_done`` gives one of the growing ``ends``, the last of which is the canvas' height."""
        self._ends = (0, *ends)
        self._bands, self._band_tiles = self.surfaces.bands(ends)
        self._unfinished = -self._band_tiles

    def rows_done(self) -> int:
        """For other threads: the rows, from the top, that ``composite`` has finished; 0 while it does not run."""
        unfinished = self._unfinished < 0
        return self._ends[int(unfinished.argmax()) if unfinished.any() else -1]

    def _encode_outer(self) -> None:
        self._versions += 1
        kernel.encode(self._outer, self._colour, *self._rooms, self.threads, self._encoded)

    def _shown_in(self, words: np.ndarray, kept: bool) -> np.ndarray:
        """Which version of the outer picture each tile of a canvas shows (kernel.py), told by where the canvas lies."""
        place = words.ctypes.data
        shown = self._shown.get(place)
        if shown is None:
            shown = np.zeros(len(self.surfaces.tiles), np.int64) if kept else self._unknown
            if kept:
                self._shown[place] = shown
        elif not kept:
            del self._shown[place]
        if not kept:
            shown[:] = 0
        return shown
