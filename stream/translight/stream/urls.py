"""From an output's URL to its sender or receiver; each transport's own module is imported when its URL is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from translight.core.errors import StreamError
from translight.stream.contract import PictureSpec, Receiver, Sender

Scheme = Literal["shm", "zmq+tcp", "zmq+ipc"]
_EXAMPLES = "shm://NAME, zmq+tcp://HOST:PORT or zmq+ipc://PATH"
_SHM_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_TCP = re.compile(r"(?P<host>\*|\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """A checked URL: ``place`` is the ring's name, ``host:port`` or a socket's path."""

    scheme: Scheme
    place: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"


def parse_url(text: str) -> StreamUrl:
    """Check a stream's URL. Raises StreamError saying what is allowed."""
    scheme, separator, place = text.partition("://")
    if not separator:
        raise StreamError(f"{text!r} is not a stream URL: give {_EXAMPLES}")
    if scheme == "shm":
        if not _SHM_NAME.fullmatch(place):
            raise StreamError(f"{text!r}: a ring's name is 1 to 100 of A-Z a-z 0-9 . _ -")
        return StreamUrl("shm", place)
    if scheme == "zmq+tcp":
        match = _TCP.fullmatch(place)
        if match is None or not 1 <= int(match["port"]) <= 65535:
            raise StreamError(f"{text!r}: give HOST:PORT, with HOST * to send on every interface and PORT 1 to 65535")
        return StreamUrl("zmq+tcp", place)
    if scheme == "zmq+ipc":
        if not place or len(place) > 100:
            raise StreamError(f"{text!r}: give a socket path of 1 to 100 characters")
        return StreamUrl("zmq+ipc", place)
    raise StreamError(f"{text!r}: there is no transport {scheme!r}: give {_EXAMPLES}")


def open_sender(text: str, spec: PictureSpec) -> Sender:
    """A sender for pictures of ``spec``. Raises StreamError."""
    url = parse_url(text)
    if url.scheme == "shm":
        from translight.stream.shm import ShmSender

        return ShmSender(url.place, spec)
    from translight.stream.zeromq import ZmqSender

    return ZmqSender(f"{url.scheme.removeprefix('zmq+')}://{url.place}", spec, str(url))


def open_receiver(text: str) -> Receiver:
    """A receiver for a sender's URL (``*`` as host means this machine). Raises StreamError."""
    url = parse_url(text)
    if url.scheme == "shm":
        from translight.stream.shm import ShmReceiver

        return ShmReceiver(url.place)
    from translight.stream.zeromq import ZmqReceiver

    place = url.place.replace("*", "127.0.0.1") if url.scheme == "zmq+tcp" else url.place
    return ZmqReceiver(f"{url.scheme.removeprefix('zmq+')}://{place}", str(url))
