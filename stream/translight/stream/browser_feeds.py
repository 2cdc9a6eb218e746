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
from translight.stream import planes
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


class Shrinker:
    """Frames as RGBA8 in 1/``scale`` of their size, in memory that is kept; sizes are rounded down to ``multiple``."""

    def __init__(self, scale: int, multiple: int) -> None:
        self._scale = scale
        self._multiple = multiple
        self._eight: NDArray[np.uint8] = np.empty((0, 0, 4), np.uint8)
        self._small: NDArray[np.uint8] = np.empty((0, 0, 4), np.uint8)

    def __call__(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The picture for the encoder, valid until the next."""
        if pixels.dtype != np.uint8:
            self._eight = _sized(self._eight, *pixels.shape[:2])
            planes.rgba8_from_rgb10a2(pixels, self._eight)
            pixels = self._eight
        if self._scale == 1:
            return pixels
        height, width = (side // self._scale // self._multiple * self._multiple for side in pixels.shape[:2])
        self._small = _sized(self._small, height, width)
        planes.shrink_rgba8(pixels, self._small, self._scale)
        return self._small


def _sized(room: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    return room if room.shape[:2] == (height, width) else np.zeros((height, width, 4), np.uint8)


class JpegFeed:
    """JPEG 4:2:0 at each quality that some peer with room for a picture wants. ``wanted`` is called by the thread."""

    def __init__(self, wanted: Callable[[], set[int]], scale: int = 1) -> None:
        self._wanted = wanted
        self._jpeg: Any = import_module("simplejpeg")
        self._shrink = Shrinker(scale, 1)

    def encode(self, frame: ReceivedFrame) -> Encoded | None:
        """A JPEG a wanted quality."""
        qualities = self._wanted()
        if not qualities:
            return None
        picture = self._shrink(frame.pixels)
        jpegs = {
            quality: self._jpeg.encode_jpeg(
                picture, quality=quality, colorspace="RGBX", colorsubsampling="420", fastdct=True
            )
            for quality in qualities
        }
        return Encoded(frame.header.frame, pack(frame.header), jpegs)


class H264Feed:
    """One H.264 stream for every peer; other threads ask for key frames and bit rates."""

    def __init__(self, watched: Callable[[], bool], bitrate_kbps: int, scale: int = 1) -> None:
        self._watched = watched
        self._shrink = Shrinker(scale, 2)
        self._encoder: Any = None
        self._size = 0, 0
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
        picture = self._shrink(frame.pixels)
        size = picture.shape[1], picture.shape[0]
        if self._encoder is None or self._size != size:
            module = import_module("translight.stream.h264")
            self._encoder, self._size = module.H264Encoder(*size, frame.header.rate, self.bitrate_kbps), size
        self._encoder.bitrate_kbps = self.bitrate_kbps
        keyframe = self._keyframe.is_set() and now_ns() - self._keyframe_ns >= _KEYFRAME_EVERY_NS
        if keyframe:
            self._keyframe.clear()
            self._keyframe_ns = now_ns()
        self._pts = max(self._pts + 1, self._time(frame))
        packets = self._encoder.encode(picture, self._pts, keyframe=keyframe)
        if not packets:
            return None
        # one packet a frame: the encoder delays none and merges none
        (packet,) = packets
        return Encoded(frame.header.frame, pack(frame.header), {}, packet, self._pts, packet.is_keyframe)

    def _time(self, frame: ReceivedFrame) -> int:
        if self._begin_ns == NO_TIME:
            self._begin_ns = frame.header.times.sent_ns
        return (frame.header.times.sent_ns - self._begin_ns) * _CLOCK_HZ // NS_PER_S
