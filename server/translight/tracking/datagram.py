"""What every protocol's parser shares: the error for a bad datagram, with the short cause it is counted under."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from translight.core.errors import ProtocolError
from translight.tracking.sample import TrackingSample

Address = tuple[str, int]
"""Sender of a datagram: IPv4 address and port."""

NO_SENDER: Address = ("", 0)

Tap = Callable[[bytes, int, Address], None]
"""Sees every datagram, good or bad, with the time it was received and its sender: take.py records with it."""


class BadDatagram(ProtocolError):  # noqa: N818 - reads as what it says
    """A datagram that is dropped and counted; ``cause`` is a few words that stay the same for the same fault."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class Decoder(Protocol):
    """One protocol as one source speaks it: datagrams in, samples out; holds what the protocol spreads over several."""

    def decode(self, datagram: bytes, received_ns: int, sender: Address = NO_SENDER) -> TrackingSample | None:
        """The sample that this datagram completes, or None. Raises ProtocolError; a bad datagram changes nothing."""
        ...
