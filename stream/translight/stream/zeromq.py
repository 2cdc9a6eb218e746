"""zmq+tcp:// and zmq+ipc://: one message a frame (header, then picture) over ZeroMQ PUB/SUB, newest wins.

CONFLATE on both ends keeps one message a receiver, so a slow one skips frames and a stalled one costs nothing.
Libzmq's CONFLATE takes single-part messages only (zmq_setsockopt(3)), hence header and picture travel as one.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import zmq
import zmq.utils.monitor
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.stream.contract import PictureSpec, ReceivedFrame, ReceiverCounts, SenderCounts
from translight.stream.header import HEADER_BYTES, FrameHeader, pack, picture_check, unpack
from translight.stream.urls import StreamUrl

MAX_MESSAGE_BYTES = 1 << 28
"""Security: no message larger than this is received (a 16K by 4K picture of 4 bytes a pixel)."""
_BUFFERS = 4
_LINGER_MS = 0
# mallopt(3): keep freed picture-sized blocks instead of giving their pages back at every frame.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def open_sender(url: StreamUrl, spec: PictureSpec) -> ZmqSender:
    """For ``urls.open_sender``."""
    return ZmqSender(f"{url.scheme.removeprefix('zmq+')}://{url.place}", spec, str(url))


def open_receiver(url: StreamUrl) -> ZmqReceiver:
    """For ``urls.open_receiver``; ``*`` as host means this machine."""
    place = url.place.replace("*", "127.0.0.1") if url.scheme == "zmq+tcp" else url.place
    return ZmqReceiver(f"{url.scheme.removeprefix('zmq+')}://{place}", str(url))


class _Buffer:
    """Room for a message, and whether ZeroMQ still reads it."""

    def __init__(self, nbytes: int) -> None:
        self.bytes = np.zeros(nbytes, np.uint8)
        self.tracker: Any = None

    @property
    def free(self) -> bool:
        return self.tracker is None or bool(self.tracker.done)


class ZmqSender:
    """Publishes frames on an endpoint. A picture is not copied on the way to ZeroMQ."""

    def __init__(self, endpoint: str, spec: PictureSpec, url: str) -> None:
        self.url = url
        self._spec = spec
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.CONFLATE, 1)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED  # type: ignore[attr-defined, unused-ignore]
        )
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._end()
            raise StreamError(f"{url} cannot be opened: {zmq.strerror(error.errno or 0)}") from error
        self._buffers = [_Buffer(HEADER_BYTES + spec.nbytes) for _ in range(_BUFFERS)]
        self._lent: _Buffer | None = None
        self._spare = _Buffer(HEADER_BYTES + spec.nbytes)
        self._sent = 0
        self._dropped = 0
        self._receivers = 0

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture: a buffer that ZeroMQ has finished with."""
        if self._lent is None:
            self._lent = next((b for b in self._buffers if b.free), self._spare)
        spec = self._spec
        picture = self._lent.bytes[HEADER_BYTES:].view(spec.format.dtype)
        return picture.reshape(spec.format.shape(spec.width_px, spec.height_px))

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Hand the lent buffer to ZeroMQ; dropped and counted when it still reads all of them."""
        if self._lent is None:
            raise ValueError("publish comes after acquire")
        buffer, self._lent = self._lent, None
        check = picture_check(buffer.bytes[HEADER_BYTES:])
        sent = replace(header, check=check, times=replace(header.times, sent_ns=now_ns()))
        if buffer is self._spare:
            self._dropped += 1
            return sent
        buffer.bytes[:HEADER_BYTES] = np.frombuffer(pack(sent), np.uint8)
        buffer.tracker = self._socket.send(buffer.bytes.data, copy=False, track=True, flags=zmq.NOBLOCK)
        self._sent += 1
        return sent

    def counts(self) -> SenderCounts:
        """Frames handed to ZeroMQ, and receivers connected now."""
        while not self._socket.closed and self._monitor.poll(0):
            event = zmq.utils.monitor.recv_monitor_message(self._monitor)["event"]
            self._receivers += 1 if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else -1
        return SenderCounts(self._sent, self._dropped, max(self._receivers, 0))

    def close(self) -> None:
        """Unbind; frames still on their way are given up."""
        self._end()

    def _end(self) -> None:
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._socket.close(_LINGER_MS)
            self._context.destroy(_LINGER_MS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class ZmqReceiver:
    """Takes the newest frame from an endpoint into its own buffer; reconnects by itself."""

    def __init__(self, endpoint: str, url: str, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        for option, value in (
            (zmq.CONFLATE, 1),
            (zmq.LINGER, _LINGER_MS),
            (zmq.MAXMSGSIZE, max_message_bytes),
            (zmq.RECONNECT_IVL, 50),
            (zmq.RECONNECT_IVL_MAX, 500),
        ):
            self._socket.setsockopt(option, value)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise StreamError(f"{url} cannot be opened: {zmq.strerror(error.errno or 0)}") from error
        _keep_large_blocks()
        self._frame: int | None = None
        self._pixels: NDArray[np.uint8] = np.empty(0, np.uint8)

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest frame, or None when none came in time. Messages that break the format are counted."""
        deadline_ns = now_ns() + int(timeout_s * 1e9)
        while True:
            left_ms = max(0, (deadline_ns - now_ns()) // 1_000_000)
            if not self._socket.poll(left_ms):
                return None
            message = self._socket.recv(copy=False)
            available_ns = now_ns()
            data = message.buffer
            try:
                header = unpack(data)
                if len(data) != HEADER_BYTES + header.payload_bytes:
                    raise ProtocolError(f"{header.payload_bytes} bytes of picture announced, {len(data)} came")
            except ProtocolError:
                self.counts.bad += 1
                continue
            frame = self._take(header, data, available_ns)
            if frame is not None:
                return frame

    def _take(self, header: FrameHeader, data: memoryview, available_ns: int) -> ReceivedFrame | None:
        self._copy(header, data)
        if picture_check(self._pixels) != header.check:
            self.counts.torn += 1
            return None
        self.counts.took(header.frame, self._frame)
        self._frame = header.frame
        shape = header.format.shape(header.width_px, header.height_px)
        pixels = self._pixels.view(header.format.dtype).reshape(shape)
        return ReceivedFrame(header, pixels, available_ns, now_ns())

    @property
    def ended(self) -> bool:
        """A PUB socket does not say that it ends."""
        return False

    def _copy(self, header: FrameHeader, data: memoryview) -> None:
        if self._pixels.nbytes != header.payload_bytes:
            self._pixels = np.zeros(header.payload_bytes, np.uint8)
        np.copyto(self._pixels, np.frombuffer(data, np.uint8, header.payload_bytes, HEADER_BYTES))

    def close(self) -> None:
        """Disconnect."""
        if not self._socket.closed:
            self._socket.close(_LINGER_MS)
            self._context.destroy(_LINGER_MS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _keep_large_blocks() -> None:
    """With glibc, stop malloc from unmapping every received picture: page faults cost more than the copy."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, MAX_MESSAGE_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, MAX_MESSAGE_BYTES)
