"""What browsers and the preview server say to one another, as JSON; docs/streams/browser.md lists it.

The same control messages come over the WebSocket (browser_server.py) and WebRTC's data channel (webrtc_peer.py).
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from translight.core.errors import ProtocolError

MAX_CONTROL_BYTES = 1024
"""Security: a longer control message is not parsed."""
MAX_OFFER_BYTES = 64 * 1024
"""Security: nor is an SDP offer beyond this."""
QUALITY = 40, 95
BITRATE_KBPS = 200, 100_000


class Ping(Struct, tag="ping", forbid_unknown_fields=True, frozen=True):
    """Asks for the server's clock; ``t_ms`` comes back as it was."""

    t_ms: Annotated[float, Meta(ge=0, le=1e15)]


class Pause(Struct, tag="pause", forbid_unknown_fields=True, frozen=True):
    """Stop sending pictures to this peer, or go on."""

    on: bool


class Quality(Struct, tag="quality", forbid_unknown_fields=True, frozen=True):
    """JPEG quality of this peer's pictures."""

    value: Annotated[int, Meta(ge=QUALITY[0], le=QUALITY[1])]


class Bitrate(Struct, tag="bitrate", forbid_unknown_fields=True, frozen=True):
    """Of the video, for all who watch it."""

    kbps: Annotated[int, Meta(ge=BITRATE_KBPS[0], le=BITRATE_KBPS[1])]


class Keyframe(Struct, tag="keyframe", forbid_unknown_fields=True, frozen=True):
    """Asks for a picture that stands alone."""


class Shown(Struct, tag="shown", forbid_unknown_fields=True, frozen=True):
    """A JPEG picture was shown or thrown away: there is room for another."""

    frame: Annotated[int, Meta(ge=0)]


class Offer(Struct, tag="offer", forbid_unknown_fields=True, frozen=True):
    """WebRTC's session offer (SDP)."""

    sdp: Annotated[str, Meta(min_length=1, max_length=MAX_OFFER_BYTES)]


T = TypeVar("T")
Control = Ping | Pause | Quality | Bitrate | Keyframe | Shown
_control = msgspec.json.Decoder(Control)
_signal = msgspec.json.Decoder(Control | Offer)


class Hello(Struct, tag="hello", frozen=True):
    """The server's first words."""

    player: str
    width_px: int
    height_px: int


class Pong(Struct, tag="pong", frozen=True):
    """Answers a ping with the time of ``core.clock``, in milliseconds."""

    t_ms: float
    server_ms: float


class Answer(Struct, tag="answer", frozen=True):
    """WebRTC's session answer (SDP)."""

    sdp: str


_encoder = msgspec.json.Encoder()


def to_json(message: Hello | Pong | Answer) -> str:
    """A message of the server's."""
    return _encoder.encode(message).decode()


def read_control(data: str | bytes) -> Control:
    """A control message of a browser's. Raises ProtocolError."""
    return _read(data, MAX_CONTROL_BYTES, _control)


def read_signal(data: str | bytes) -> Control | Offer:
    """A control message or an offer. Raises ProtocolError."""
    return _read(data, MAX_OFFER_BYTES + MAX_CONTROL_BYTES, _signal)


def _read(data: str | bytes, limit: int, decoder: msgspec.json.Decoder[T]) -> T:
    if isinstance(data, bytes):
        raise ProtocolError("a control message is text, got bytes")
    if len(data) > limit:
        raise ProtocolError(f"a control message is at most {limit} characters, got {len(data)}")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ProtocolError(f"not a control message: {error}") from error
