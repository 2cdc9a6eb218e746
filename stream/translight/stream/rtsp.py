"""RTSP 1.0 messages and the packets between them (RFC 2326, sections 4–7, 10.12 and 12.39): bytes in, values out.

rtsp_server.py and rtsp_client.py hold the sockets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from translight.core.errors import ProtocolError

MAX_HEAD_BYTES = 8192
"""Security: a longer start line with its headers is refused."""
MAX_BODY_BYTES = 1 << 16
"""Security: a longer body is refused."""
METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    505: "RTSP Version Not Supported",
}
_REQUEST = re.compile(r"([A-Z_]{1,20}) (\S{1,2000}) RTSP/(\d\.\d)")
_RESPONSE = re.compile(r"RTSP/1\.\d (\d{3}) ?(.{0,200})")
_URL = re.compile(r"rtsp://[^/]*(/.*)?", re.IGNORECASE)
_HEADER = re.compile(r"([!-9;-~]{1,100}):[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response; ``headers`` by their names in small letters."""

    start: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def request(self) -> tuple[str, str, str]:
        """Method, URL and version. Raises ProtocolError where this is none."""
        match = _REQUEST.fullmatch(self.start)
        if match is None:
            raise ProtocolError(f"{self.start[:60]!r} is no RTSP request")
        return match[1], match[2], match[3]

    @property
    def status(self) -> int:
        """A response's status. Raises ProtocolError where this is none."""
        match = _RESPONSE.fullmatch(self.start)
        if match is None:
            raise ProtocolError(f"{self.start[:60]!r} is no RTSP response")
        return int(match[1])


@dataclass(frozen=True, slots=True)
class Interleaved:
    """A packet between the messages (RFC 2326, 10.12)."""

    channel: int
    data: bytes


class Reader:
    """Cuts what a connection brings into messages and packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, data: bytes) -> list[Message | Interleaved]:
        """Take some bytes; what is whole comes out. Raises ProtocolError, after which the connection is of no use."""
        self._buffer += data
        found: list[Message | Interleaved] = []
        at = 0
        while (one := self._next(at)) is not None:
            thing, at = one
            if thing is not None:
                found.append(thing)
        del self._buffer[:at]
        return found

    def _next(self, at: int) -> tuple[Message | Interleaved | None, int] | None:
        buffer = self._buffer
        if at >= len(buffer):
            return None
        if buffer[at] == 0x24:  # $
            if len(buffer) < at + 4:
                return None
            end = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
            return (Interleaved(buffer[at + 1], bytes(buffer[at + 4 : end])), end) if len(buffer) >= end else None
        if buffer[at : at + 2] == b"\r\n":
            return None, at + 2  # empty lines between messages keep a connection alive
        stop = buffer.find(b"\r\n\r\n", at, at + MAX_HEAD_BYTES)
        if stop < 0:
            if len(buffer) - at >= MAX_HEAD_BYTES:
                raise ProtocolError(f"an RTSP message's head is at most {MAX_HEAD_BYTES} bytes")
            return None
        start, headers = _head(bytes(buffer[at:stop]))
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= 7 and int(length) <= MAX_BODY_BYTES):
            raise ProtocolError(f"an RTSP message's body is at most {MAX_BODY_BYTES} bytes, got {length[:20]!r}")
        end = stop + 4 + int(length)
        if len(buffer) < end:
            return None
        return Message(start, headers, bytes(buffer[stop + 4 : end])), end


def _head(data: bytes) -> tuple[str, dict[str, str]]:
    try:
        start, *lines = data.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise ProtocolError("an RTSP message's head is not UTF-8") from error
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise ProtocolError(f"{line[:60]!r} is no RTSP header")
        headers[match[1].lower()] = match[2].strip()
    return start, headers


def path_of(url: str) -> str | None:
    """The path of an RTSP URL, without the slashes at its ends; None where it is no such URL."""
    match = _URL.fullmatch(url)
    return (match[1] or "").partition("?")[0].strip("/") if match else None


def response(status: int, sequence: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """A response's bytes."""
    return _message(f"RTSP/1.0 {status} {_REASONS[status]}", {"CSeq": sequence, **(headers or {})}, body)


def request(method: str, url: str, sequence: int, headers: Mapping[str, str] | None = None) -> bytes:
    """A request's bytes."""
    named = {"CSeq": str(sequence), "User-Agent": "Translight", **(headers or {})}
    return _message(f"{method} {url} RTSP/1.0", named, b"")


def _message(start: str, headers: Mapping[str, str], body: bytes) -> bytes:
    length = {"Content-Length": str(len(body))} if body else {}
    lines = [start, *(f"{name}: {value}" for name, value in {**headers, **length}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def interleaved(channel: int, *parts: bytes | memoryview) -> bytes:
    """A packet's bytes between messages."""
    data = b"".join(parts)
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


@dataclass(frozen=True, slots=True)
class Carriage:
    """How a client wants its packets: over this connection on two channels, or by UDP to two of its ports."""

    tcp: bool
    first: int
    second: int


def read_transport(text: str) -> Carriage | None:
    """The first way of a Transport header that we serve: unicast, RTP/AVP over UDP or interleaved; None for none."""
    for way in text.split(","):
        name, *parameters = [part.strip() for part in way.split(";")]
        named = dict(part.partition("=")[::2] for part in parameters)
        if "multicast" in named:
            continue
        key = {"RTP/AVP/TCP": "interleaved", "RTP/AVP": "client_port", "RTP/AVP/UDP": "client_port"}.get(name.upper())
        if key is None:
            continue
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", named.get(key, "0-1" if key == "interleaved" else ""))
        if match is None:
            continue
        first = int(match[1])
        second = int(match[2]) if match[2] else first + 1
        low, high = (0, 255) if key == "interleaved" else (1024, 65535)
        if low <= first <= high and low <= second <= high and first != second:
            return Carriage(key == "interleaved", first, second)
    return None
