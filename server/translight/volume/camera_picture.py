"""The film camera's own picture, and its depth, cut from the inner frustum's picture: ``compositor.py``'s sisters.

The inner picture is the camera's with overscan around it, at its resolution or, where the rate is held, below.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from translight.colour.depth_curve import DepthCurve
from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.core.image import PixelFormat
from translight.volume import kernel
from translight.volume.encoding import addressed, depth_encoding_of, encoding_of, lane_encoding, picture_words
from translight.volume.sampling import Sampling, coefficients
from translight.volume.strips import scratch_rooms
from translight.volume.surfaces import Picture, checked_picture


class _Window:
    """Where the camera's pixels lie in pictures of the inner frustum, whose size alone decides it."""

    def __init__(self, width_px: int, height_px: int, overscan: float, threads: int | None) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.margin_px = round(width_px * overscan / 2), round(height_px * overscan / 2)
        self.threads, *self.rooms = scratch_rooms(threads)
        self._places: dict[tuple[int, int], tuple[Float32[np.ndarray, "w"], Float32[np.ndarray, "h"]]] = {}

    def places(self, view: View) -> tuple[Float32[np.ndarray, "w"], Float32[np.ndarray, "h"]]:
        """x of the camera's columns and y of its rows in the picture of ``view``, pixel centres at +0.5."""
        size = (view.camera.width_px, view.camera.height_px)
        if size not in self._places:
            x, y = (
                ((np.arange(n) + 0.5 + margin) * (whole / (n + 2 * margin))).astype(np.float32)
                for n, margin, whole in zip((self.width_px, self.height_px), self.margin_px, size, strict=True)
            )
            self._places[size] = x, y
        return self._places[size]

    def as_drawn(self, view: View) -> bool:
        """Whether the inner picture has the camera's own pixels."""
        x, y = self.margin_px
        return (view.camera.width_px, view.camera.height_px) == (self.width_px + 2 * x, self.height_px + 2 * y)


class CameraPicture:
    """What the film camera sees, through an output's colour. Used by one thread; nothing is made per frame.

    Pixels are the renderer's own, or resampled where the inner picture is coarser than the camera. ``threads`` bounds
    the processor threads; None takes all.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        overscan: float,
        output: OutputTransform,
        *,
        sampling: Sampling = Sampling.CATMULL_ROM,
        threads: int | None = None,
    ) -> None:
        self._window = _Window(width_px, height_px, overscan, threads)
        self._format = output.pixel_format
        self._encoding = lane_encoding(encoding_of(output))
        self._colour = addressed(self._encoding)
        self._filter = coefficients(sampling)
        self._projected: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def fill(self, inner: Picture, view: View, out: np.ndarray) -> None:
        """Fill ``out``, shaped as the output's pixel format says, from the inner picture that was drawn for ``view``.

        Raises ValueError when either is not of the size or type it must have.
        """
        window = self._window
        words = picture_words(out, self._format, window.width_px, window.height_px, "camera's picture")
        rgba = checked_picture(inner, view)
        if window.as_drawn(view):
            left, top = window.margin_px
            cut = rgba[top : top + window.height_px, left : left + window.width_px]
            kernel.encode(cut, self._colour, *window.rooms, window.threads, words)
            return
        size = (view.camera.width_px, view.camera.height_px)
        if size not in self._projected:
            x, y = window.places(view)
            columns = np.stack([x, np.zeros_like(x), np.ones_like(x)])
            self._projected[size] = columns, np.stack([np.zeros_like(y), y, np.zeros_like(y)])
        columns, rows = self._projected[size]
        kernel.sample_and_encode(columns, rows, rgba, self._filter, self._colour, *window.rooms, window.threads, words)


class DepthPicture:
    """The depth of what the film camera sees, z in metres along its axis, three equal channels. Used by one thread.

    Half floats are metres, 65504 where nothing was drawn; codes are the ``curve``'s. Depths are picked from the inner
    picture's pixels, never averaged.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        overscan: float,
        curve: DepthCurve,
        pixel_format: PixelFormat,
        *,
        threads: int | None = None,
    ) -> None:
        self._window = _Window(width_px, height_px, overscan, threads)
        self._format = pixel_format
        self._encoding = lane_encoding(depth_encoding_of(curve, pixel_format))
        self._colour = addressed(self._encoding)
        self._picked: dict[tuple[int, int], tuple[Int64[np.ndarray, "w"], Int64[np.ndarray, "h"]]] = {}

    def fill(self, depth: Float32[np.ndarray, "h w"], view: View, out: np.ndarray) -> None:
        """Fill ``out``, shaped as the pixel format says, from the inner picture's depth, which was drawn for ``view``.

        Raises ValueError when either is not of the size or type it must have.
        """
        window = self._window
        words = picture_words(out, self._format, window.width_px, window.height_px, "camera's depth")
        size = (view.camera.width_px, view.camera.height_px)
        if depth.shape != size[::-1] or depth.dtype != np.float32 or not depth.flags.c_contiguous:
            raise ValueError(f"a view's depth is C-contiguous float32 {size[::-1]}, got {depth.dtype} {depth.shape}")
        if size not in self._picked:
            x, y = window.places(view)
            self._picked[size] = x.astype(np.int64), y.astype(np.int64)
        columns, rows = self._picked[size]
        kernel.encode_depth(depth, columns, rows, self._colour, *window.rooms, window.threads, words)
