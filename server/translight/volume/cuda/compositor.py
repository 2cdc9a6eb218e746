"""Inner picture over outer picture onto the walls, colour and packing on a GPU; ``volume/compositor.py`` is its like.

The inner picture is where the renderer left it, in the device's memory; finished pixels alone come back.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from translight.colour.output import OutputTransform
from translight.core.camera import View
from translight.core.device import THREADS, Buffer, Device, uploaded
from translight.volume.canvas import Canvas
from translight.volume.cuda.composition import aim, composition_of
from translight.volume.cuda.source import CONSTANTS, KERNELS, source
from translight.volume.encoding import canvas_words, encoding_of
from translight.volume.sampling import Sampling
from translight.volume.surfaces import Surfaces


class CudaCompositor:
    """Fills a canvas, frame by frame, on ``device``, which the renderer shares with it; used by the renderer's thread.

    Arguments are ``volume/compositor.Compositor``'s. Raises BackendError where the device cannot compile or hold it.
    """

    def __init__(
        self,
        device: Device,
        canvas: Canvas,
        output: OutputTransform,
        *,
        feather: float = 0.03,
        sampling: Sampling | str = Sampling.CATMULL_ROM,
    ) -> None:
        self.canvas = canvas
        self.sampling = Sampling(sampling)
        self._device = device
        self._feather = max(feather, 1e-6)
        device.load(source(), KERNELS, CONSTANTS)
        self._constants = device.constant(CONSTANTS[0])
        surfaces = Surfaces(canvas)
        points = np.concatenate([surfaces.columns, surfaces.rows]).astype(np.float64)
        self._columns, self._points_count, self._tiles_count = len(surfaces.columns), len(points), len(surfaces.tiles)
        self._points = uploaded(device, points)
        self._tiles = uploaded(device, surfaces.tiles.astype(np.int32))
        self._spheres = uploaded(device, surfaces.spheres.astype(np.float64))
        self._projected = device.allocate(12 * len(points))
        self._pixels = canvas.width_px * canvas.height_px
        black = np.zeros((canvas.height_px, canvas.width_px, 4), np.float32)
        black[..., 3] = 1
        self._outer = uploaded(device, black)
        self.set_output(output)

    def set_output(self, output: OutputTransform) -> None:
        """Change the colour; the outer picture is encoded anew, not rendered."""
        self.output = output
        nbytes = output.pixel_format.pixel_bytes * self._pixels
        self._encoded, self._out = self._device.allocate(nbytes), self._device.allocate(nbytes)
        encoding = encoding_of(output)
        self._tables = tuple(
            uploaded(self._device, table) for table in (encoding.direct, encoding.decode, encoding.encode)
        )
        self._block = composition_of(encoding, self.sampling, self._feather)
        self._encode_outer()

    def show_outer(self, picture: Float32[np.ndarray, "h w 4"]) -> None:
        """From now on this is the outer picture, as ``Compositor.draw_outer`` gives it."""
        self._device.upload(self._outer, picture)
        self._encode_outer()

    def composite(self, inner: Buffer, view: View, out: np.ndarray) -> None:
        """Fill ``out``, shaped as the output's pixel format says, with the inner picture over the outer one.

        ``inner`` is ``view``'s float32 RGBA in the device's memory. Raises ValueError when ``out`` is not of the shape
        or type it must have, or the picture too small.
        """
        words = canvas_words(out, self.output.pixel_format, self.canvas)
        self.ask(inner, view)
        self._device.download(self._out, [words])

    def ask(self, inner: Buffer, view: View) -> Buffer:
        """Ask the device for the finished canvas; its words will stand in the buffer returned."""
        camera = view.camera
        if min(camera.width_px, camera.height_px) < 4 or inner.nbytes < 16 * camera.width_px * camera.height_px:
            raise ValueError(
                f"the inner picture is float32 RGBA of {camera.width_px}x{camera.height_px}, at least 4x4; "
                f"got {inner.nbytes} bytes"
            )
        aim(self._block, view)
        self._device.upload(self._constants, self._block)
        columns, count = np.int32(self._columns), np.int32(self._points_count)
        self._device.launch(
            "project_surfaces", _blocks(self._points_count), [self._points, columns, count, self._projected]
        )
        self._device.launch(
            "composite", self._tiles_count,
            [
                self._tiles, self._spheres, self._projected, columns, count, inner, self._outer, self._encoded,
                *self._tables, np.int32(self.canvas.width_px), self._out,
            ],
        )  # fmt: skip
        return self._out

    def _encode_outer(self) -> None:
        self._device.upload(self._constants, self._block)
        sizes = (np.int32(self.canvas.width_px), np.int32(self._pixels))
        self._device.launch("encode_outer", _blocks(self._pixels), [self._outer, *sizes, *self._tables, self._encoded])


def _blocks(count: int) -> int:
    return max(1, -(-count // THREADS))
