"""H.264 films in MP4 by PyAV's libx264; a file appears whole or not at all (core/files.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8

from translight.core.errors import FormatError
from translight.core.files import whole_file

CRF = 16
"""x264's constant quality; its default is 23, and lower is better."""
_BT709, _SRGB_CURVE, _LIMITED = 1, 13, 1
"""ITU-T H.273: colour primaries and matrix coefficients 1, transfer characteristics 13; FFmpeg's AVCOL_RANGE_MPEG."""


@contextmanager
def film(path: Path, width_px: int, height_px: int, rate: Fraction) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that takes one sRGB picture (h w 3, uint8) after the other; the file is there when the block ends.

    4:2:0, limited range, Rec.709 primaries and matrix, marked with the sRGB curve.
    Raises ValueError on an odd size, which 4:2:0 cannot hold, and FormatError when the file cannot be written.
    """
    if width_px % 2 or height_px % 2:
        raise ValueError(f"a film's width and height are even, got {width_px}x{height_px}")
    try:
        with whole_file(path) as aside, av.open(str(aside), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=rate, options={"crf": str(CRF), "preset": "medium"})
            stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
            stream.time_base = 1 / rate
            context = stream.codec_context
            context.color_primaries, context.color_trc = _BT709, _SRGB_CURVE
            context.colorspace, context.color_range = _BT709, _LIMITED
            container.start_encoding()
            count = 0

            def write(picture: UInt8[np.ndarray, "h w 3"]) -> None:
                nonlocal count
                if picture.shape != (height_px, width_px, 3) or picture.dtype != np.uint8:
                    raise ValueError(f"the film takes uint8 {(height_px, width_px, 3)}, got {picture.shape}")
                rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame = rgb.reformat(
                    format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
                )
                frame.pts, frame.time_base = count, 1 / rate
                count += 1
                container.mux(stream.encode(frame))

            yield write
            container.mux(stream.encode(None))
    except (OSError, av.FFmpegError) as error:
        raise FormatError(f"{path}: cannot be written ({error.strerror or error})") from error
