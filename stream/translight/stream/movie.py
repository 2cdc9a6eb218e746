"""A movie file that is written picture by picture: ProRes, HEVC or H.264 by PyAV in MOV, Matroska or MP4.

What has been written stays readable when the process is killed: Matroska is written in clusters of a quarter
second, MOV and MP4 in fragments of as much, which a take that ends well replaces by an ordinary index.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.encoder import Planes, check_size, tag_colour
from translight.stream.header import FrameHeader
from translight.stream.record_options import RecordOptions
from translight.stream.take import timecode

_CONTAINERS = {
    ".mov": ("mov", {"movflags": "+hybrid_fragmented", "frag_duration": "250000", "flush_packets": "1"}),
    ".mp4": ("mp4", {"movflags": "+hybrid_fragmented", "frag_duration": "250000", "flush_packets": "1"}),
    ".mkv": ("matroska", {"cluster_time_limit": "250", "flush_packets": "1"}),
}
_ENCODERS = {"prores": "prores_ks", "prores4444": "prores_ks", "hevc": "libx265", "h264": "libx264"}
_PRORES_PROFILES = {"prores": "hq", "prores4444": "4444"}
_LONGEST_GAP_S = 10


def pixel_format(codec: str, form: PixelFormat) -> str:
    """FFmpeg's name of what a codec is fed: ten bits wherever pictures have them, but for H.264."""
    if codec == "prores":
        return "yuv422p10le"
    if codec == "prores4444":
        return "yuv444p10le"
    return "yuv420p10le" if codec == "hevc" and form is PixelFormat.RGB10A2 else "yuv420p"


class Movie:
    """Writes pictures to one file. Its header waits for the first picture, which knows rate and encoding.

    Raises StreamError where the encoder does not open.
    """

    def __init__(self, url: str, path: Path, spec: PictureSpec, options: RecordOptions) -> None:
        check_size(url, spec)
        self._path = path
        self._spec = spec
        self._options = options
        self._planes = Planes(spec, pixel_format(options.codec, spec.format))
        self._container: av.container.OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._first = 0
        self._pts = -1
        try:
            probe = av.CodecContext.create(_ENCODERS[options.codec], "w")
        except ValueError as error:
            raise StreamError(f"{url}: this FFmpeg has no {_ENCODERS[options.codec]}") from error
        del probe

    @staticmethod
    def make(path: Path) -> None:
        """Make the empty file. Raises FileExistsError, OSError."""
        path.open("xb").close()

    def write(self, picture: NDArray[np.generic], header: FrameHeader) -> None:
        """Encode and write a picture at its frame number's place. Raises OSError."""
        if self._stream is None:
            try:
                self._begin(header)
            except av.FFmpegError as error:
                raise OSError(error.errno, error.strerror) from error
        assert self._stream is not None
        assert self._container is not None
        self._planes.fill(picture)
        frame = self._planes.frame
        place = header.frame - self._first
        # Should the clock be set during a take, it goes on without a hole.
        longest = _LONGEST_GAP_S * self._stream.average_rate if self._stream.average_rate else 0
        self._pts = place if self._pts < place <= self._pts + max(longest, 1) else self._pts + 1
        frame.pts = self._pts
        frame.time_base = 1 / header.rate
        self._mux(frame)

    def close(self) -> None:
        """Write what the encoder still holds, and the index. Raises OSError."""
        if self._container is None:
            return
        try:
            self._mux(None)
        finally:
            container, self._container = self._container, None
            try:
                container.close()
            except av.FFmpegError as error:
                raise OSError(error.errno, error.strerror) from error

    def _mux(self, frame: VideoFrame | None) -> None:
        assert self._stream is not None
        assert self._container is not None
        try:
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
        except av.FFmpegError as error:
            raise OSError(error.errno, error.strerror) from error

    def _begin(self, header: FrameHeader) -> None:
        form, container_options = _CONTAINERS[self._path.suffix]
        self._first = header.frame
        container = av.open(str(self._path), "w", format=form, options=container_options)
        container.metadata["timecode"] = timecode(header)
        container.metadata["comment"] = f"Translight, first frame {header.frame}"
        stream = container.add_stream(_ENCODERS[self._options.codec], rate=header.rate, options=self._settings())
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._spec.width_px, self._spec.height_px
        stream.pix_fmt = self._planes.frame.format.name
        context = stream.codec_context
        context.time_base = 1 / header.rate
        context.gop_size = max(1, round(float(header.rate)))
        context.max_b_frames = 0
        context.thread_count = self._options.threads
        context.thread_type = "SLICE"
        tag_colour(context, header.encoding)
        tag_colour(self._planes.frame, header.encoding)
        self._container, self._stream = container, stream

    def _settings(self) -> dict[str, str]:
        codec, quality = self._options.codec, str(self._options.quality)
        if codec in _PRORES_PROFILES:
            return {"profile": _PRORES_PROFILES[codec], "vendor": "apl0"}
        if codec == "h264":
            return {"preset": "ultrafast", "crf": quality, "tune": "zerolatency"}
        parameters = f"log-level=none:pools={self._options.threads}:rc-lookahead=0:bframes=0"
        return {"preset": "ultrafast", "crf": quality, "x265-params": parameters}
