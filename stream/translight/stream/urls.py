"""From an output's URL to its sender or receiver; each transport's own module is imported when its URL is opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.core.url_options import Options, read_options
from translight.stream.contract import PictureSpec, Receiver, Sender
from translight.stream.transports import TRANSPORTS, Transport, examples


@dataclass(frozen=True, slots=True, eq=False)
class StreamUrl:
    """A checked URL: ``place`` is what stands between :// and ?, like a ring's name or ``host:port``."""

    text: str
    transport: Transport
    place: str
    options: Options
    base: Path = Path()
    """Where paths in it start that are not absolute."""

    @property
    def scheme(self) -> str:
        """What stands before ://."""
        return self.transport.scheme

    def __str__(self) -> str:
        return self.text


def parse_url(text: str) -> StreamUrl:
    """Check a stream's URL. Raises StreamError saying what is allowed."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise StreamError(f"{text!r} is not a stream URL: give {examples()}")
    transport = TRANSPORTS.get(scheme)
    if transport is None:
        raise StreamError(f"{text!r}: there is no transport {scheme!r}: give {examples()}")
    place, _, query = rest.partition("?")
    options = read_options(text, query, scheme, transport.options, StreamError)
    wrong = transport.check(place, options)
    if wrong is not None:
        raise StreamError(f"{text!r}: {wrong}")
    return StreamUrl(text, transport, place, options)


def open_sender(text: str, spec: PictureSpec, base: Path = Path()) -> Sender:
    """A sender for pictures of ``spec``; files in its URL start at ``base``. Raises StreamError, MissingExtra."""
    url = replace(parse_url(text), base=base)
    if spec.format is PixelFormat.RGBA16F and not url.transport.linear:
        raise StreamError(f"{text}: {url.scheme}:// carries rgba8 or rgb10a2, not {spec.format.value}")
    return cast("Sender", _module(url).open_sender(url, spec))


def open_receiver(text: str) -> Receiver:
    """A receiver for a sender's URL (``*`` as host means this machine). Raises StreamError, MissingExtra."""
    url = parse_url(text)
    if not url.transport.receives:
        raise StreamError(f"{text!r}: {url.scheme}:// is watched by other programs: give {examples(receiving=True)}")
    return cast("Receiver", _module(url).open_receiver(url))


def _module(url: StreamUrl) -> ModuleType:
    return import_module(f"translight.stream.{url.transport.module}")
