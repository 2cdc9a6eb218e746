"""An EXR sequence that is written picture by picture: linear half RGB, or metres, decoded from code values.

Attributes are OpenEXR's standard optional ones (framesPerSecond, chromaticities), our frame number and timecode.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from translight.colour.depth_curve import FARTHEST_M, DepthCurve
from translight.colour.output import LARGEST_CODES, OutputTransform
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.header import DEPTH_LOG, FrameHeader
from translight.stream.record_options import RecordOptions
from translight.stream.take import timecode
from translight.stream.yuv import words

_COMPRESSIONS = {
    "none": OpenEXR.NO_COMPRESSION,
    "rle": OpenEXR.RLE_COMPRESSION,
    "zips": OpenEXR.ZIPS_COMPRESSION,
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
}
_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)


class ExrSequence:
    """Writes pictures into a folder, numbered from 1 by their frame's place in the take: drops leave holes."""

    def __init__(self, url: str, folder: Path, spec: PictureSpec, options: RecordOptions) -> None:
        del url
        self._folder = folder
        self._spec = spec
        self._options = options
        self._first: int | None = None
        self._last = 0
        self._light: dict[str, NDArray[np.float16]] = {}
        shape = (spec.height_px, spec.width_px)
        self._planes = {name: np.zeros(shape, np.float16) for name in "RGB"}
        # Compiles, if need be, before the show begins.
        black = FrameHeader(0, spec.width_px, spec.height_px, spec.format)
        self._decode(np.zeros(spec.format.shape(spec.width_px, spec.height_px), spec.format.dtype), black)

    @staticmethod
    def make(folder: Path) -> None:
        """Make the empty folder. Raises FileExistsError, OSError."""
        folder.mkdir()

    def write(self, picture: NDArray[np.generic], header: FrameHeader) -> None:
        """Decode and write a picture. Raises OSError; a file that could not be written whole is removed."""
        if self._first is None:
            self._first = header.frame
        number = max(header.frame - self._first + 1, self._last + 1)
        path = self._folder / f"{number:0{self._options.digits}d}.exr"
        self._decode(picture, header)
        attributes = {
            "compression": _COMPRESSIONS[self._options.compression],
            "type": OpenEXR.scanlineimage,
            "framesPerSecond": header.rate,
            "translightFrame": str(header.frame),
            "translightTimecode": timecode(header),
        }
        if header.carries != "depth":
            attributes["chromaticities"] = _REC709
        try:
            with OpenEXR.File(attributes, dict(self._planes)) as file:
                file.write(str(path))
        except (RuntimeError, OSError) as error:
            path.unlink(missing_ok=True)
            raise OSError(
                getattr(error, "errno", None) or 0, str(error).strip(" .\n") or "the EXR cannot be written"
            ) from error
        self._last = number

    def close(self) -> None:
        """Nothing is left to do."""

    def _decode(self, picture: NDArray[np.generic], header: FrameHeader) -> None:
        if self._spec.format is PixelFormat.RGBA16F:
            for channel, plane in enumerate(self._planes.values()):
                np.copyto(plane, picture[..., channel])
            return
        step = 8 if self._spec.format is PixelFormat.RGBA8 else 10
        light = self._table(header).view(np.uint16)
        bits = [plane.view(np.uint16) for plane in self._planes.values()]
        _decode(words(picture), np.uint32(step), np.uint32((1 << step) - 1), light, *bits)

    def _table(self, header: FrameHeader) -> NDArray[np.float16]:
        """Linear light of every code, or depth in metres."""
        encoding = header.encoding
        if encoding == DEPTH_LOG and encoding not in self._light:
            largest = LARGEST_CODES[self._spec.format]
            metres = DepthCurve(header.near_m, header.far_m).depth_m(np.arange(largest + 1) / largest)
            self._light[encoding] = np.minimum(metres, FARTHEST_M).astype(np.float16)
        if encoding not in self._light:
            white = self._options.reference_white_nits
            output = OutputTransform(
                wall=encoding,  # type: ignore[arg-type]
                pixel_format=self._spec.format,
                reference_white_nits=white,
                peak_nits=10_000.0,
            )
            codes = np.arange(output.largest_code + 1, dtype=np.float64)
            self._light[encoding] = output.linear_from_codes(codes[:, None]).astype(np.float16)[:, 0]
        return self._light[encoding]


@numba.njit(nogil=True, cache=True, boundscheck=False)
def _decode(pixels, shift, mask, light, red, green, blue):  # type: ignore[no-untyped-def]
    """Look up each channel of each pixel; halves are moved as their bits."""
    height, width = pixels.shape
    for row in range(height):
        for x in range(width):
            word = pixels[row, x]
            red[row, x] = light[word & mask]
            green[row, x] = light[(word >> shift) & mask]
            blue[row, x] = light[(word >> (shift + shift)) & mask]
