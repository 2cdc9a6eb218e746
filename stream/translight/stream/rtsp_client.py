"""Receiver of rtsp:// by TCP: connects, asks, and connects anew when the server went; rtsp.py has the messages."""

from __future__ import annotations

import select
import socket
import time
from types import TracebackType
from typing import Self

from translight.core.errors import ProtocolError
from translight.stream import rtsp, sdp
from translight.stream.contract import ReceivedFrame, ReceiverCounts
from translight.stream.decoder import MAX_UNIT_BYTES, Decoder
from translight.stream.nal import VideoCodec
from translight.stream.rtp import Depacketiser
from translight.stream.rtsp import Interleaved, Message

_RETRY_S = 0.2
_ANSWER_S = 3.0
_KEEP_ALIVE_S = 20.0
_READ_BYTES = 1 << 18
_DRAIN = 256


class RtspReceiver:
    """Takes every packet that has come, decodes what they make, and gives the newest picture."""

    def __init__(self, url: str, host: str, port: int, path: str) -> None:
        self.url = url
        self.counts = ReceiverCounts()
        self._host, self._port = host, port
        shown = f"[{host}]" if ":" in host else host
        self._target = f"rtsp://{shown}:{port}/{path}".rstrip("/")
        self._connection: socket.socket | None = None
        self._reader = rtsp.Reader()
        self._units: Depacketiser | None = None
        self._decoder: Decoder | None = None
        self._session = ""
        self._sequence = 0
        self._alive_at = 0.0
        self._closed = False

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest picture, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            if self._connection is None and not self._connect(deadline):
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                time.sleep(min(left, _RETRY_S))
                continue
            assert self._connection is not None
            try:
                self._drain(self._connection)
            except (OSError, ProtocolError) as error:
                self.counts.bad += isinstance(error, ProtocolError)
                self._disconnect()
            frame = self._decoder.take() if self._decoder is not None else None
            if frame is not None:
                return frame
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if self._connection is not None:
                select.select([self._connection], [], [], left)
        return None

    @property
    def ended(self) -> bool:
        """A server that ends may come back: this never says so."""
        return False

    def close(self) -> None:
        """Say goodbye, as far as that goes at once, and hang up."""
        self._closed = True
        if self._connection is not None and self._session:
            try:
                self._connection.setblocking(False)
                self._connection.send(self._request("TEARDOWN"))
            except OSError:
                pass
        self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _drain(self, connection: socket.socket) -> None:
        for _ in range(_DRAIN):  # a flood does not hold the caller for ever
            try:
                data = connection.recv(_READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                raise ConnectionError("the server hung up")
            for thing in self._reader.push(data):
                if isinstance(thing, Interleaved) and thing.channel == 0:
                    self._take(thing.data)
        if time.monotonic() > self._alive_at:
            self._alive_at = time.monotonic() + _KEEP_ALIVE_S
            connection.send(self._request("GET_PARAMETER"))

    def _take(self, packet: bytes) -> None:
        assert self._units is not None
        assert self._decoder is not None
        try:
            found = self._units.push(packet)
        except ProtocolError:
            self.counts.bad += 1
            return
        for unit in found:
            if unit is None:
                self._decoder.lost()
            else:
                self._decoder.feed(unit)

    def _connect(self, deadline: float) -> bool:
        """Connect and go through DESCRIBE, SETUP and PLAY; False where that fails, or takes too long."""
        self._reader, self._session = rtsp.Reader(), ""
        limit = min(deadline, time.monotonic() + _ANSWER_S)
        try:
            self._connection = socket.create_connection((self._host, self._port), max(0.01, limit - time.monotonic()))
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            described = self._ask("DESCRIBE", self._target, limit, {"Accept": "application/sdp"})
            media = sdp.parse(described.body.decode("utf-8", "replace"))
            base = described.headers.get("content-base", self._target + "/")
            track = media.control if media.control.startswith("rtsp://") else base.rstrip("/") + "/" + media.control
            ready = self._ask("SETUP", track, limit, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
            self._session = ready.headers.get("session", "").partition(";")[0]
            self._units = Depacketiser(media.codec, MAX_UNIT_BYTES)
            self._decoder = self._decoder_for(media.codec)
            self._ask("PLAY", self._target, limit, {"Session": self._session})
            self._connection.setblocking(False)
        except (OSError, ProtocolError) as error:
            self.counts.bad += isinstance(error, ProtocolError)
            self._disconnect()
            return False
        self._alive_at = time.monotonic() + _KEEP_ALIVE_S
        return True

    def _decoder_for(self, codec: VideoCodec) -> Decoder:
        """The decoder that knows the last frame, begun anew."""
        if self._decoder is None or self._decoder.codec is not codec:
            return Decoder(codec, self.counts)
        self._decoder.lost()
        return self._decoder

    def _ask(self, method: str, url: str, limit: float, headers: dict[str, str]) -> Message:
        """A response of status 200. Raises ProtocolError, OSError (TimeoutError)."""
        assert self._connection is not None
        self._sequence += 1
        self._connection.settimeout(max(0.01, limit - time.monotonic()))
        self._connection.sendall(rtsp.request(method, url, self._sequence, headers))
        while True:
            self._connection.settimeout(max(0.01, limit - time.monotonic()))
            data = self._connection.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("the server hung up")
            answer: Message | None = None
            for thing in self._reader.push(data):
                if isinstance(thing, Message):
                    answer = thing
                elif thing.channel == 0 and self._units is not None:
                    self._take(thing.data)  # packets on the heels of PLAY's answer
            if answer is not None:
                if answer.status != 200:
                    raise ProtocolError(f"{method} was answered {answer.start[:60]!r}")
                return answer

    def _request(self, method: str) -> bytes:
        self._sequence += 1
        return rtsp.request(method, self._target, self._sequence, {"Session": self._session})

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
