"""Pictures to H.264 packets with no delay in the encoder, for browser_feeds.py; by x264 through PyAV.

Each frame is one slice-threaded picture (x264's tune zerolatency): no B frames, no look-ahead. A rate buffer of two
frames keeps every frame's packet, and so its time on the network, near the mean.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType
from jaxtyping import UInt8

from translight.core.image import PixelFormat
from translight.stream import yuv

_AV_BT709 = 1
_NARROW_RANGE = 1
_BUFFERED_FRAMES = 2
CLOCK_HZ = 90_000
"""RTP's clock for video (RFC 6184, section 8.1)."""


class H264Encoder:
    """Encodes pictures of one size; a new bit rate starts a new stream at the next frame."""

    def __init__(self, width_px: int, height_px: int, fps: Fraction, bitrate_kbps: int, threads: int = 2) -> None:
        if width_px % 2 or height_px % 2:
            raise ValueError(f"H.264 4:2:0 takes even sizes, got {width_px}x{height_px}")
        self._size = width_px, height_px
        self._fps = fps
        self._threads = threads
        self._bitrate_kbps = bitrate_kbps
        self._codec: av.VideoCodecContext | None = None

    @property
    def bitrate_kbps(self) -> int:
        """What a second of video takes."""
        return self._bitrate_kbps

    @bitrate_kbps.setter
    def bitrate_kbps(self, value: int) -> None:
        if value != self._bitrate_kbps:
            self._bitrate_kbps = value
            self._codec = None

    def encode(self, picture: UInt8[np.ndarray, "h w 4"], pts: int, *, keyframe: bool) -> list[Any]:
        """The packets (one, as a rule) of an RGBA8 picture; ``pts`` counts 1/90000 s and grows."""
        if self._codec is None:
            self._codec = self._open()
        width, height = self._size
        frame = av.VideoFrame(width, height, "yuv420p")
        y, cb, cr = yuv.planes(frame, 8)
        yuv.convert(picture, PixelFormat.RGBA8, y, cb, cr, 8, yuv.YUV420)
        frame.pts, frame.time_base = pts, Fraction(1, CLOCK_HZ)
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        return list(self._codec.encode(frame))

    def _open(self) -> av.VideoCodecContext:
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height = self._size
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, CLOCK_HZ)
        codec.framerate = self._fps
        codec.bit_rate = 1000 * self._bitrate_kbps
        codec.thread_count = self._threads
        codec.colorspace = codec.color_primaries = codec.color_trc = _AV_BT709
        codec.color_range = _NARROW_RANGE
        buffer_kbit = max(1, round(self._bitrate_kbps * _BUFFERED_FRAMES / self._fps))
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": f"keyint=600:scenecut=0:repeat-headers=1:vbv-maxrate={self._bitrate_kbps}:"
            f"vbv-bufsize={buffer_kbit}",
        }
        return codec
