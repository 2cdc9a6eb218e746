"""ndi://NAME: a picture a frame through the NDI runtime of ndi_runtime.py, with the metadata of ndi_metadata.py.

The runtime's calls compress, and wait while they do, so a thread of the sender's own makes them: publish hands it the
newest picture and goes on. A picture that is still waiting when the next one comes is dropped and counted.
"""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.core.image import PixelFormat
from translight.core.threads import Stages
from translight.stream import ndi_runtime as ndi
from translight.stream import planes
from translight.stream.contract import PictureSpec, ReceivedFrame, ReceiverCounts, SenderCounts
from translight.stream.header import NO_TIME, FrameHeader
from translight.stream.ndi_metadata import from_xml, to_xml
from translight.stream.urls import StreamUrl

MAX_PIXELS = 1 << 26
"""Security: a received picture larger than 8192 by 8192 is not taken."""
# The matrix that the runtime itself converts by, whatever a picture's size.
_MATRIX = "bt709"
_BUFFERS = 3
_LOOK_EVERY_S = 0.25
_SEARCH_MS = 200
_DEADLINE_S = 5.0


def open_sender(url: StreamUrl, spec: PictureSpec) -> NdiSender:
    """For ``urls.open_sender``."""
    return NdiSender(str(url), url.place, spec, groups=url.options.text("groups"))


def open_receiver(url: StreamUrl) -> NdiReceiver:
    """For ``urls.open_receiver``."""
    options = url.options
    return NdiReceiver(
        str(url),
        url.place,
        hosts=options.text("host") or "127.0.0.1",
        groups=options.text("groups"),
        bandwidth=options.one_of("bandwidth", tuple(ndi.BANDWIDTH), "highest"),
        bits=options.integer("bits", 8, 8, 10),
    )


class NdiSender:
    """Sends as an NDI source. RGBA8 goes as UYVY, RGB10A2 as P216; the runtime's own conversion is less exact.

    The runtime keeps the picture sent last and gives it to every receiver that comes.
    """

    def __init__(self, url: str, name: str, spec: PictureSpec, groups: str = "") -> None:
        self.url = url
        self._spec = spec
        if spec.width_px % 2:
            raise StreamError(f"{url}: an NDI picture has an even width, got {spec.width_px}")
        self._ndi = ndi.runtime()
        settings = ndi.SendSettings(name.encode(), groups.encode() or None, False, False)
        self._source: int | None = self._ndi.NDIlib_send_create(ctypes.byref(settings))
        if not self._source:
            raise StreamError(f"{url} cannot be opened: another source of this machine has this name")
        shape = spec.format.shape(spec.width_px, spec.height_px)
        self._rooms: list[NDArray[np.generic]] = [np.zeros(shape, spec.format.dtype) for _ in range(_BUFFERS)]
        self._convert, self._four_cc, self._row_bytes = planes.uyvy_from_rgba8, ndi.UYVY, 2 * spec.width_px
        self._converted: NDArray[np.generic] = np.zeros((spec.height_px, spec.width_px // 2), np.uint32)
        if spec.format is PixelFormat.RGB10A2:
            self._convert, self._four_cc = planes.p216_from_rgb10a2, ndi.P216
            self._converted = np.zeros((2 * spec.height_px, spec.width_px), np.uint16)
        self._turn = threading.Condition()
        self._lent = -1
        self._waiting: tuple[int, FrameHeader] | None = None
        self._sending = -1
        self._last = -1
        self._sent = 0
        self._dropped = 0
        self._stack = ExitStack()
        self._stages = self._stack.enter_context(Stages(deadline_s=_DEADLINE_S))
        self._stages.start(f"send {url}", self._send)

    def acquire(self) -> NDArray[np.generic]:
        """Room that is neither being sent nor was published last; asking again lends the same."""
        if self._lent < 0:
            with self._turn:
                taken = {self._sending, self._last}
            self._lent = next(k for k in range(_BUFFERS) if k not in taken)
        return self._rooms[self._lent]

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Hand the lent picture to the sending thread, in the place of one that it has not taken yet."""
        if self._lent < 0:
            raise ValueError("publish comes after acquire")
        sent = replace(header, times=replace(header.times, sent_ns=now_ns()))
        with self._turn:
            self._dropped += self._waiting is not None
            self._waiting = self._lent, sent
            self._last = self._lent
            self._turn.notify()
        self._lent = -1
        return sent

    def counts(self) -> SenderCounts:
        """Pictures that the runtime took, and receivers connected now."""
        receivers = self._ndi.NDIlib_send_get_no_connections(self._source, 0) if self._source else 0
        return SenderCounts(self._sent, self._dropped, receivers)

    def close(self) -> None:
        """Take the source away."""
        if self._source:
            with self._turn:
                self._stages.stop.set()
                self._turn.notify()
            self._stack.close()
            self._ndi.NDIlib_send_destroy(self._source)
            self._source = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _send(self, stop: threading.Event) -> None:
        """The sending thread: one picture after the other, the newest each time."""
        while True:
            with self._turn:
                self._sending = -1
                while self._waiting is None and not stop.is_set():
                    self._turn.wait(_LOOK_EVERY_S)
                if self._waiting is None or stop.is_set():
                    return
                (room, header), self._waiting = self._waiting, None
                self._sending = room
            frame = self._frame(self._rooms[room], header)
            self._ndi.NDIlib_send_send_video_v2(self._source, ctypes.byref(frame))
            self._sent += 1

    def _frame(self, picture: NDArray[np.generic], header: FrameHeader) -> ndi.VideoFrame:
        spec = self._spec
        self._convert(picture, self._converted, _MATRIX)
        presented_ns = header.times.presentation_ns
        return ndi.VideoFrame(
            spec.width_px,
            spec.height_px,
            self._four_cc,
            header.rate.numerator,
            header.rate.denominator,
            0.0,
            ndi.PROGRESSIVE,
            # NDI counts time in 100 ns
            (header.times.sent_ns if presented_ns == NO_TIME else presented_ns) // 100,
            self._converted.ctypes.data,
            self._row_bytes,
            to_xml(header),
            0,
        )


class NdiReceiver:
    """Finds a Translight source by its name and copies its newest picture; finds it again when it comes back."""

    def __init__(
        self, url: str, name: str, *, hosts: str, groups: str = "", bandwidth: str = "highest", bits: int = 8
    ) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._name = name
        self._bits = bits
        self._ndi = ndi.runtime()
        find = ndi.FindSettings(True, groups.encode() or None, hosts.encode())
        colour = ndi.COLOUR_RGBX if bits == 8 else ndi.COLOUR_BEST
        receive = ndi.ReceiveSettings(ndi.Source(), colour, ndi.BANDWIDTH[bandwidth], False, b"Translight")
        self._finder: int | None = self._ndi.NDIlib_find_create_v2(ctypes.byref(find))
        self._instance: int | None = self._ndi.NDIlib_recv_create_v3(ctypes.byref(receive))
        if not self._finder or not self._instance:
            self.close()
            raise StreamError(f"{url} cannot be opened: the NDI runtime gives no finder or no receiver")
        self._address = b""
        self._frame: int | None = None
        self._pixels: NDArray[np.uint8] = np.empty(0, np.uint8)

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest picture, or None when none came in time. Pictures without a header of ours are counted as bad."""
        deadline = time.monotonic() + timeout_s
        while self._instance:
            left_s = max(0.0, deadline - time.monotonic())
            if self._ndi.NDIlib_recv_get_no_connections(self._instance) < 1:
                self._connect(int(min(left_s * 1000, _SEARCH_MS)))
                left_s = max(0.0, deadline - time.monotonic())
            frame = self._newest(int(min(left_s, _LOOK_EVERY_S) * 1000))
            if frame is not None or time.monotonic() >= deadline:
                return frame
        return None

    @property
    def ended(self) -> bool:
        """An NDI source does not say that it ends."""
        return False

    def close(self) -> None:
        """Disconnect."""
        if self._instance:
            self._ndi.NDIlib_recv_destroy(self._instance)
            self._instance = None
        if self._finder:
            self._ndi.NDIlib_find_destroy(self._finder)
            self._finder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _connect(self, wait_ms: int) -> None:
        """Look for the source; a source that came back may have another address."""
        self._ndi.NDIlib_find_wait_for_sources(self._finder, wait_ms)
        count = ctypes.c_uint32()
        sources = self._ndi.NDIlib_find_get_current_sources(self._finder, ctypes.byref(count))
        for k in range(count.value):
            source = sources[k]
            # a source's full name is MACHINE (NAME)
            if source.name.decode(errors="replace").endswith(f" ({self._name})"):
                address = source.address or b""
                if address != self._address:
                    self._address = address
                    self._ndi.NDIlib_recv_connect(self._instance, ctypes.byref(source))
                return
        self._address = b""

    def _newest(self, wait_ms: int) -> ReceivedFrame | None:
        video: ndi.VideoFrame | None = None
        try:
            while True:
                later = ndi.VideoFrame()
                kind = self._ndi.NDIlib_recv_capture_v3(self._instance, ctypes.byref(later), None, None, wait_ms)
                if kind == ndi.FRAME_VIDEO:
                    if video is not None:
                        self._free(video)
                    video, available_ns = later, now_ns()
                    wait_ms = 0
                elif kind == ndi.FRAME_NONE:
                    break
            return None if video is None else self._take(video, available_ns)
        except ProtocolError:
            self.counts.bad += 1
            return None
        finally:
            if video is not None:
                self._free(video)

    def _free(self, video: ndi.VideoFrame) -> None:
        self._ndi.NDIlib_recv_free_video_v2(self._instance, ctypes.byref(video))

    def _take(self, video: ndi.VideoFrame, available_ns: int) -> ReceivedFrame:
        if not (video.width_px > 0 and video.height_px > 0 and video.width_px * video.height_px <= MAX_PIXELS):
            raise ProtocolError(f"{video.width_px}x{video.height_px} pixels; from 1 to {MAX_PIXELS} are allowed")
        header = from_xml(video.metadata or b"", video.width_px, video.height_px)
        deep = video.four_cc in (ndi.P216, ndi.PA16)
        if not deep and video.four_cc not in (ndi.RGBX, ndi.RGBA):
            raise ProtocolError(f"{video.four_cc.to_bytes(4, 'little')!r} pixels were not asked for")
        # what an 8-bit receiver gets is 8-bit, whatever was sent
        header = replace(header, format=PixelFormat.RGB10A2 if deep else PixelFormat.RGBA8)
        pixels = self._copy(video, header)
        self.counts.took(header.frame, self._frame)
        self._frame = header.frame
        return ReceivedFrame(header, pixels, available_ns, now_ns())

    def _copy(self, video: ndi.VideoFrame, header: FrameHeader) -> NDArray[np.generic]:
        width, height = header.width_px, header.height_px
        if self._pixels.nbytes != header.payload_bytes:
            self._pixels = np.zeros(header.payload_bytes, np.uint8)
        pixels = self._pixels.view(header.format.dtype).reshape(header.format.shape(width, height))
        deep = header.format is PixelFormat.RGB10A2
        rows, row_bytes = (2 * height, 2 * width) if deep else (height, 4 * width)
        if not video.data or video.row_bytes < row_bytes:
            raise ProtocolError(f"rows of {video.row_bytes} bytes do not hold {width} pixels")
        room = (ctypes.c_uint8 * (rows * video.row_bytes)).from_address(video.data)
        lines = np.frombuffer(room, np.uint8).reshape(rows, video.row_bytes)[:, :row_bytes]
        if deep:
            planes.rgb10a2_from_p216(lines.view("<u2"), pixels, _MATRIX)
        else:
            np.copyto(pixels, lines.reshape(height, width, 4))
        return pixels
