"""Pictures from H.264 and HEVC access units by PyAV, the newest only; the receivers of encoded video share it."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream import nal, yuv
from translight.stream.contract import ReceivedFrame, ReceiverCounts
from translight.stream.header import FrameHeader
from translight.stream.nal import VideoCodec

MAX_UNIT_BYTES = 1 << 25
"""Security: no access unit larger than this is gathered (32 MiB; 1 Gbit/s at 24 fps is 5 MiB a picture)."""
MAX_PIXELS = 1 << 26
"""Security: larger pictures (8192x8192) are not decoded."""
_FORMATS = {"yuv420p": (8, PixelFormat.RGBA8), "yuv420p10le": (10, PixelFormat.RGB10A2)}


class Decoder:
    """Decodes access units in order and keeps the newest picture. What breaks the format is counted."""

    def __init__(self, codec: VideoCodec, counts: ReceiverCounts) -> None:
        self.codec = codec
        self._counts = counts
        self._context = self._open()
        self._headers: dict[int, FrameHeader] = {}
        self._number = 0
        self._begun = False
        self._frame: int | None = None
        self._newest: tuple[VideoFrame, FrameHeader | None, int] | None = None
        self._pixels: NDArray[np.uint8] = np.empty(0, np.uint8)

    def feed(self, access_unit: bytes) -> None:
        """Decode an Annex B access unit that came just now; until a key picture came, units are passed over."""
        available_ns = now_ns()
        nals = nal.split(access_unit)
        # Rolling refresh has no key pictures after its first: parameter sets mark where it begins anew.
        if not self._begun and not (nal.is_key(nals, self.codec) or nal.parameter_sets(nals, self.codec)):
            return
        self._begun = True
        try:
            header = nal.read_header(nals, self.codec)
        except ProtocolError:
            self._counts.bad += 1
            header = None
        self._number += 1
        if header is not None:
            self._headers[self._number] = header
            for old in [n for n in self._headers if n < self._number - 64]:
                del self._headers[old]
        packet = av.Packet(access_unit)
        packet.pts = self._number
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError:
            self._counts.bad += 1
            return
        for frame in frames:
            self._newest = (frame, self._headers.get(frame.pts or 0), available_ns)

    def lost(self) -> None:
        """Packets went missing: wait for the next picture that decoding can begin with."""
        self._begun = False

    def take(self) -> ReceivedFrame | None:
        """The newest picture, once. Its header is the sent one, or made up where the stream carries none."""
        if self._newest is None:
            return None
        (frame, header, available_ns), self._newest = self._newest, None
        odd = frame.width % 2 or frame.height % 2
        if frame.format.name not in _FORMATS or frame.width * frame.height > MAX_PIXELS or odd:
            self._counts.bad += 1
            return None
        bits, target = _FORMATS[frame.format.name]
        size = target.nbytes(frame.width, frame.height)
        if self._pixels.nbytes != size:
            self._pixels = np.zeros(size, np.uint8)
        picture = self._pixels.view(target.dtype).reshape(target.shape(frame.width, frame.height))
        y, cb, cr = yuv.planes(frame, bits)
        self._count(header)
        yuv.restore(y, cb, cr, bits, target, picture)
        if header is None:
            header = FrameHeader(self._number, frame.width, frame.height, target)
        # The picture is as decoded: its size and layout hold, the sender's check of its own pixels does not.
        header = replace(header, width_px=frame.width, height_px=frame.height, format=target, check=0)
        return ReceivedFrame(header, picture, available_ns, now_ns())

    def _count(self, header: FrameHeader | None) -> None:
        if header is None:
            self._counts.received += 1
            return
        self._counts.took(header.frame, self._frame)
        self._frame = header.frame

    def _open(self) -> VideoCodecContext:
        context = av.CodecContext.create(self.codec.value, "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1  # threads over frames would each hold one back
        context.options = {"flags": "low_delay", "max_pixels": str(MAX_PIXELS)}
        return context
