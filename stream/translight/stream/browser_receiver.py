"""ws://HOST:PORT, the receiving end: a preview's JPEGs (browser_server.py) decoded, as the page of player.js does.

WebSocket is the package websockets' protocol without I/O (RFC 6455); the socket is ours, so that one thread has the
picture decoded with no other to wake. JPEG is simplejpeg's (libjpeg-turbo).
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np
from jaxtyping import UInt8
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.core.image import PixelFormat
from translight.stream.browser_messages import Shown
from translight.stream.contract import ReceivedFrame, ReceiverCounts
from translight.stream.header import HEADER_BYTES, FrameHeader, unpack
from translight.stream.transports import browser_place
from translight.stream.urls import StreamUrl

_jpeg: Any = import_module("simplejpeg")  # has no types
MAX_MESSAGE_BYTES = 1 << 26
"""Security: a longer message ends the connection (64 MiB; a JPEG of 8192x8192 noise has less)."""
MAX_PIXELS = 1 << 26
"""Security: larger pictures (8192x8192) are not decoded."""
_READ_BYTES = 1 << 20
_RETRY_S = 0.1
_SEND_S = 2.0


def open_receiver(url: StreamUrl) -> JpegReceiver:
    """For ``browser.open_receiver``."""
    host, port = browser_place(url.scheme, url.place)
    return JpegReceiver(str(url), "127.0.0.1" if host == "*" else host, port)


class JpegReceiver:
    """Decodes the newest picture that has come, and tells the server of each that there is room for another.

    A received picture's header is the sent one with the picture's own size and format; its check is 0, since JPEG
    changes pixels. Waits for a server, and finds it again.
    """

    def __init__(self, url: str, host: str, port: int) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._address = (host.strip("[]"), port)
        self._uri = parse_uri(f"ws://{host}:{port}/stream")
        self._socket: socket.socket | None = None
        self._protocol = ClientProtocol(self._uri)
        self._message = bytearray()
        self._opcode = Opcode.TEXT
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._pixels: UInt8[np.ndarray, "h w 4"] = np.zeros((0, 0, 4), np.uint8)
        self._waiting: tuple[bytes, int] | None = None
        self._frame: int | None = None

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest picture that has come, decoded, or None. Raises StreamError where the server refuses us."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(deadline - time.monotonic(), 0.0)
            if self._socket is None and not self._connect(left_s):
                return None
            over = self._over(deadline, left_s)
            frame = self._decoded()  # also what came just before the connection ended
            if over:
                self._drop()
            if frame is not None or time.monotonic() >= deadline:
                return frame
            if over:
                time.sleep(min(_RETRY_S, max(deadline - time.monotonic(), 0.0)))

    @property
    def ended(self) -> bool:
        """A preview does not say whether its show ends or only its process."""
        return False

    def close(self) -> None:
        """Say goodbye, and disconnect."""
        if self._socket is not None and self._protocol.state is State.OPEN:
            with suppress(OSError):
                self._protocol.send_close(1000)
                self._flush()
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _connect(self, timeout_s: float) -> bool:
        """Connect and ask for the stream; whether that could be done in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            try:
                self._socket = socket.create_connection(self._address, max(left_s, 0.01))
            except OSError:
                if deadline - time.monotonic() <= 0:
                    return False
                time.sleep(min(_RETRY_S, max(deadline - time.monotonic(), 0.0)))
                continue
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._protocol = ClientProtocol(self._uri, max_size=MAX_MESSAGE_BYTES)
            self._message.clear()
            self._waiting = None
            with suppress(OSError):
                self._protocol.send_request(self._protocol.connect())
                self._flush()
            return True

    def _over(self, deadline: float, timeout_s: float) -> bool:
        """Wait up to ``timeout_s``, take all that has come, and tell whether the connection has ended."""
        try:
            self._read(timeout_s)
            while time.monotonic() < deadline and self._read(0.0):
                pass
        except OSError:
            return True
        return False

    def _read(self, timeout_s: float) -> bool:
        """Take what has come; whether anything had. Raises OSError when the connection is over, StreamError."""
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        try:
            count = self._socket.recv_into(self._buffer)
        except (TimeoutError, BlockingIOError):
            return False
        came_ns = now_ns()
        if count:
            self._protocol.receive_data(bytes(self._buffer[:count]))
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._refuse_unless_open(event)
            elif isinstance(event, Frame):
                self._gather(event, came_ns)
        if self._protocol.handshake_exc is not None and self._protocol.state is not State.OPEN:
            self._bad_handshake(self._protocol.handshake_exc)
        self._flush()
        if self._protocol.state not in (State.OPEN, State.CONNECTING):
            # 1002, 1007, 1009: we closed it, over something that breaks the protocol (RFC 6455, section 7.4.1)
            ours = self._protocol.close_sent
            self.counts.bad += ours is not None and ours.code in (1002, 1007, 1009)
            raise ConnectionResetError
        if not count:
            raise ConnectionResetError
        return True

    def _refuse_unless_open(self, response: Response) -> None:
        if response.status_code != 101:
            said = bytes(response.body or b"")[:200].decode("ascii", "replace").strip()
            self._drop()
            raise StreamError(f"{self.url}: refused with HTTP status {response.status_code}{said and f' ({said})'}")

    def _bad_handshake(self, error: Exception) -> None:
        """Not a WebSocket server, or one that went while it answered."""
        self.counts.bad += not isinstance(error.__cause__, EOFError)
        raise ConnectionResetError from error

    def _gather(self, frame: Frame, came_ns: int) -> None:
        """Put a message together from its frames; a picture takes the place of one that was not looked at."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._opcode = frame.opcode
            self._message.clear()
        elif frame.opcode is not Opcode.CONT:
            return
        self._message += frame.data
        if not frame.fin:
            return
        message = bytes(self._message)
        if self._opcode is Opcode.TEXT:
            self._hear(message)
            return
        if self._waiting is not None:
            self._say_shown(self._waiting[0])
        self._waiting = (message, came_ns)

    def _hear(self, text: bytes) -> None:
        """The server's hello says what it serves; its other words answer what we never ask."""
        try:
            said = msgspec.json.decode(text)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self.counts.bad += 1
            return
        if isinstance(said, dict) and said.get("type") == "hello" and said.get("player") != "jpeg":
            self._drop()
            raise StreamError(f"{self.url}: this preview serves video, not JPEG: give webrtc://")

    def _decoded(self) -> ReceivedFrame | None:
        """The picture that waits; what is none is counted."""
        if self._waiting is None:
            return None
        (message, came_ns), self._waiting = self._waiting, None
        try:
            header, jpeg = unpack(message), memoryview(message)[HEADER_BYTES:]
            pixels = self._pixels_of(jpeg)
        except ProtocolError:
            self.counts.bad += 1
            self._say_shown(message)
            return None
        done_ns = now_ns()
        self._say_shown(message)
        self.counts.took(header.frame, self._frame)
        self._frame = header.frame
        return ReceivedFrame(_shown_header(header, pixels), pixels, came_ns, done_ns)

    def _pixels_of(self, jpeg: memoryview) -> UInt8[np.ndarray, "h w 4"]:
        """A JPEG's picture, in memory that is kept. Raises ProtocolError."""
        try:
            height, width, _, _ = _jpeg.decode_jpeg_header(jpeg)
            if height * width > MAX_PIXELS:
                raise ProtocolError(f"a picture of {width}x{height} pixels; at most {MAX_PIXELS} are decoded")
            if self._pixels.shape[:2] != (height, width):
                self._pixels = np.zeros((height, width, 4), np.uint8)
            _jpeg.decode_jpeg(jpeg, colorspace="RGBA", fastdct=True, buffer=self._pixels)
        except ValueError as error:
            raise ProtocolError(f"not a JPEG: {error}") from error
        return self._pixels

    def _say_shown(self, message: bytes) -> None:
        """There is room for another picture; a server that has gone is noticed by the next read."""
        if self._protocol.state is not State.OPEN:
            return
        try:
            frame = unpack(message).frame
        except ProtocolError:
            frame = 0
        self._protocol.send_text(msgspec.json.encode(Shown(frame)))
        with suppress(OSError):
            self._flush()

    def _flush(self) -> None:
        assert self._socket is not None
        data = b"".join(self._protocol.data_to_send())
        if data:
            self._socket.settimeout(_SEND_S)
            self._socket.sendall(data)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._waiting = None


def _shown_header(header: FrameHeader, pixels: UInt8[np.ndarray, "h w 4"]) -> FrameHeader:
    height, width = pixels.shape[:2]
    return replace(header, width_px=width, height_px=height, format=PixelFormat.RGBA8, check=0)
