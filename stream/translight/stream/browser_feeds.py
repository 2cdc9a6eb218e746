"""From the ring to encoded pictures for browsers: one thread that takes the newest frame and encodes it once for all.

It runs in the preview's own process (browser_process.py). JPEG is simplejpeg's (libjpeg-turbo), H.264 h264.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import NS_PER_S, now_ns
from translight.stream.contract import ReceivedFrame, Receiver
from translight.stream.header import NO_TIME, pack

_LOOK_EVERY_S = 0.25
_KEYFRAME_EVERY_NS = 250_000_000
"""Security: however many ask, key frames come no oftener."""
_CLOCK_HZ = 90_000


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A frame's header and its picture: JPEGs by quality, or one H.264 packet. ``pts`` counts 1/90000 s."""

    frame: int
    header: bytes
    jpegs: dict[int, bytes]
    packet: Any = None
    pts: int = 0
    keyframe: bool = True


class Feed(Protocol):
    """Encodes one frame, or gives None when nobody wants it."""

    def encode(self, frame: ReceivedFrame) -> Encoded | None:
        """The encoded picture."""
        ...


def run(stop: threading.Event, receiver: Receiver, feed: Feed, deliver: Callable[[Encoded], None]) -> None:
    """The encoding thread, until ``stop``."""
    while not stop.is_set():
        frame = receiver.receive(_LOOK_EVERY_S)
        encoded = None if frame is None else feed.encode(frame)
        if encoded is not None:
            deliver(encoded)


class JpegFeed:
    """JPEG 4:2:0 at each quality that some peer with room for a picture wants. ``wanted`` is called by the thread."""

    def __init__(self, wanted: Callable[[], set[int]]) -> None:
        self._wanted = wanted
        self._jpeg: Any = import_module("simplejpeg")
        self._rgba: NDArray[np.uint8] = np.empty((0, 0, 4), np.uint8)

    def encode(self, frame: ReceivedFrame) -> Encoded | None:
        """A JPEG a wanted quality."""
        qualities = self._wanted()
        if not qualities:
            return None
        picture = self._eight_bits(frame.pixels)
        jpegs = {
            quality: self._jpeg.encode_jpeg(
                picture, quality=quality, colorspace="RGBX", colorsubsampling="420", fastdct=True
            )
            for quality in qualities
        }
        return Encoded(frame.header.frame, pack(frame.header), jpegs)

    def _eight_bits(self, pixels: NDArray[np.generic]) -> NDArray[Any]:
        if pixels.dtype == np.uint8:
            return pixels
        from translight.stream import planes

        if self._rgba.shape[:2] != pixels.shape:
            self._rgba = np.zeros((*pixels.shape, 4), np.uint8)
        planes.rgba8_from_rgb10a2(pixels, self._rgba)
        return self._rgba


class H264Feed:
    """One H.264 stream for every peer; other threads ask for key frames and bit rates."""

    def __init__(self, watched: Callable[[], bool], bitrate_kbps: int) -> None:
        self._watched = watched
        self._encoder: Any = None
        self._size = (0, 0)
        self.bitrate_kbps = bitrate_kbps
        self._keyframe = threading.Event()
        self._keyframe_ns = 0
        self._begin_ns = NO_TIME
        self._pts = -1

    def want_keyframe(self) -> None:
        """The next frame that may be one shall be a key frame."""
        self._keyframe.set()

    def encode(self, frame: ReceivedFrame) -> Encoded | None:
        """The frame's packet."""
        if not self._watched():
            return None
        size = frame.header.width_px, frame.header.height_px
        if self._encoder is None or self._size != size:
            module = import_module("translight.stream.h264")
            self._encoder, self._size = module.H264Encoder(*size, frame.header.rate, self.bitrate_kbps), size
        self._encoder.bitrate_kbps = self.bitrate_kbps
        keyframe = self._keyframe.is_set() and now_ns() - self._keyframe_ns >= _KEYFRAME_EVERY_NS
        if keyframe:
            self._keyframe.clear()
            self._keyframe_ns = now_ns()
        self._pts = max(self._pts + 1, self._time(frame))
        packets = self._encoder.encode(frame.pixels, self._pts, keyframe=keyframe)
        if not packets:
            return None
        # one packet a frame: the encoder delays none and merges none
        (packet,) = packets
        return Encoded(frame.header.frame, pack(frame.header), {}, packet, self._pts, packet.is_keyframe)

    def _time(self, frame: ReceivedFrame) -> int:
        if self._begin_ns == NO_TIME:
            self._begin_ns = frame.header.times.sent_ns
        return (frame.header.times.sent_ns - self._begin_ns) * _CLOCK_HZ // NS_PER_S
