"""tcp://HOST:PORT, the receiving end: strips straight from the socket into the picture (strips.py, tcp_sender.py)."""

from __future__ import annotations

import selectors
import socket
import time
from types import TracebackType
from typing import Self

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.stream.contract import PictureSpec, ReceivedFrame, ReceiverCounts
from translight.stream.strips import ASK, MAX_PICTURE_BYTES, SOCKET_BYTES, Picture, StripReader
from translight.stream.tcp_sender import TcpSender
from translight.stream.urls import StreamUrl

RETRY_S = 0.1
"""Between attempts to connect."""
SILENT_S = 10.0
"""A sender that begins a message and does not go on with it for this long is left, and looked for anew."""


def open_sender(url: StreamUrl, spec: PictureSpec) -> TcpSender:
    """For ``urls.open_sender``; ``*`` as host means every interface."""
    host, port = _address(url.place)
    return TcpSender("" if host == "*" else host, port, spec, str(url))


def open_receiver(url: StreamUrl) -> TcpReceiver:
    """For ``urls.open_receiver``; ``*`` as host means this machine."""
    host, port = _address(url.place)
    return TcpReceiver("127.0.0.1" if host == "*" else host, port, str(url))


class TcpReceiver:
    """Asks for a frame, and receives it into its own memory. Waits for a sender, and finds it again."""

    def __init__(self, host: str, port: int, url: str, max_picture_bytes: int = MAX_PICTURE_BYTES) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._max_picture_bytes = max_picture_bytes
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise StreamError(f"{url}: there is no host {host!r} ({error.strerror or error})") from error
        self._family, self._place = found[0], found[4]
        self._socket: socket.socket | None = None
        self._connected = False
        self._retry_at = 0.0
        self._reader = StripReader(max_picture_bytes)
        self._asked = False
        self._heard_at = 0.0
        self._session: int | None = None
        self._serial = 0
        self._frame: int | None = None
        self._ended = False
        self._closed = False

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest frame, or None when none came in time. What breaks the protocol is counted, and left."""
        if self._closed:
            raise StreamError(f"{self.url} is closed")
        deadline = time.monotonic() + timeout_s
        ended_before = self._ended
        while True:
            try:
                picture = self._advance(deadline)
            except ProtocolError:
                self.counts.bad += 1
                self._leave()
                picture = None
            except OSError:
                self._leave()
                picture = None
            if picture is not None and (frame := self._frame_of(picture)) is not None:
                return frame
            if (self._ended and not ended_before) or time.monotonic() >= deadline:
                return None

    @property
    def ended(self) -> bool:
        """Whether the sender said that it ended, until there is one again."""
        return self._ended

    def close(self) -> None:
        """Disconnect."""
        self._leave()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _advance(self, deadline: float) -> Picture | None:
        """One step: connect, ask, or take what has come. Raises OSError, ProtocolError."""
        left = max(deadline - time.monotonic(), 0.0)
        if self._socket is None:
            pause = min(self._retry_at - time.monotonic(), left)
            if pause > 0:
                time.sleep(pause)
            if time.monotonic() >= self._retry_at:
                self._socket = self._begin()
            return None
        if not self._connected:
            self._connected = _connected(self._socket, left)
            self._heard_at = time.monotonic()
            return None
        wanted = self._reader.wanted()
        if not self._asked:
            # A goodbye may lie there; asking a sender that has gone would have the system throw it away
            self._socket.setblocking(False)
            try:
                return self._took(self._socket.recv_into(wanted))
            except BlockingIOError:
                self._socket.settimeout(SILENT_S)
                self._socket.sendall(ASK)
                self._asked = True
        self._socket.settimeout(left)
        try:
            return self._took(self._socket.recv_into(wanted))
        except (TimeoutError, BlockingIOError):
            if self._reader.begun and time.monotonic() - self._heard_at > SILENT_S:
                raise
            return None

    def _took(self, count: int) -> Picture | None:
        if count == 0:
            raise ConnectionResetError
        self._heard_at = time.monotonic()
        reader = self._reader
        greeted = reader.hello is not None
        picture = reader.filled(count)
        if reader.hello is not None and not greeted:
            self._greet(reader.hello.session)
        if reader.ended:
            self._leave()
            self._ended = True
        return picture

    def _greet(self, session: int) -> None:
        self._ended = False
        if session != self._session:
            self.counts.restarts += self._session is not None
            self._session, self._serial, self._frame = session, 0, None

    def _frame_of(self, picture: Picture) -> ReceivedFrame | None:
        self._asked = False
        header, again = picture.header, picture.serial <= self._serial
        self._serial = picture.serial
        if again:
            return None  # sent anew after a broken connection
        if not picture.sound:
            self.counts.torn += 1
            return None
        self.counts.received += 1
        if self._frame is not None and header.frame > self._frame:
            self.counts.skipped += header.frame - self._frame - 1
        self._frame = header.frame
        done_ns = now_ns()
        return ReceivedFrame(header, picture.pixels, done_ns, done_ns)

    def _begin(self) -> socket.socket:
        """A socket that begins to connect."""
        self._retry_at = time.monotonic() + RETRY_S
        attempt = socket.socket(self._family, socket.SOCK_STREAM)
        attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
        attempt.setblocking(False)
        attempt.connect_ex(self._place)
        return attempt

    def _leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._connected, self._asked = None, False, False
        self._reader = StripReader(self._max_picture_bytes)
        self._retry_at = max(self._retry_at, time.monotonic() + RETRY_S / 2)


def _connected(attempt: socket.socket, wait_s: float) -> bool:
    """Whether a connection stands within ``wait_s``. Raises OSError when it will not."""
    with selectors.DefaultSelector() as selector:
        selector.register(attempt, selectors.EVENT_WRITE)
        ready = bool(selector.select(wait_s))
    error = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "cannot connect")
    return ready


def _address(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)
