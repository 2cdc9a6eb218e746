"""What every way out does: a sender lends room for a picture and publishes it, a receiver gives the newest picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from translight.core.image import PixelFormat
from translight.stream.header import FrameHeader

_STRIPS = 16
_LAST_STRIP_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """Size and layout of the pictures that a sender carries; they do not change while it is open."""

    width_px: int
    height_px: int
    format: PixelFormat = PixelFormat.RGBA8

    @property
    def nbytes(self) -> int:
        """Bytes of one picture."""
        return self.format.nbytes(self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class SenderCounts:
    """What a sender did so far. ``dropped`` frames found no free room; ``receivers`` is None where it cannot know."""

    sent: int
    dropped: int
    receivers: int | None


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedFrame:
    """A whole picture in the receiver's own memory, valid until the next ``receive``.

    ``available_ns`` is when the receiver learned of it, ``done_ns`` when its copy was whole (``core.clock``).
    """

    header: FrameHeader
    pixels: NDArray[np.generic]
    available_ns: int
    done_ns: int


@dataclass(slots=True)
class ReceiverCounts:
    """What a receiver saw. ``skipped`` frames were never taken (newest wins, or the sender dropped them).

    ``overtaken`` copies were overwritten while they were made, noticed and made anew. ``torn`` pictures passed for
    whole but disagree with their header's check; there should be none, and none is handed out. ``bad`` messages broke
    the format.
    """

    received: int = 0
    skipped: int = 0
    overtaken: int = 0
    torn: int = 0
    bad: int = 0
    restarts: int = 0

    def took(self, frame: int, before: int | None) -> None:
        """Count a whole picture after that numbered ``before`` (None at first); a sender that restarts counts down."""
        self.received += 1
        if before is not None and frame > before:
            self.skipped += frame - before - 1
        elif before is not None:
            self.restarts += 1


class Sender(Protocol):
    """One way out. One thread uses it; nothing it does waits for a receiver."""

    url: str

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture, shaped as its PixelFormat says; composite straight into it."""
        ...

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Send what ``acquire`` lent; returns the header as sent, with ``sent_ns`` filled in."""
        ...

    def counts(self) -> SenderCounts:
        """What was sent and dropped so far."""
        ...

    def close(self) -> None:
        """End; nothing is left behind. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


@runtime_checkable
class KeepingSender(Sender, Protocol):
    """A sender whose rooms lie where they lie until it closes, and still hold the picture that was last put there."""

    keeps_rooms: bool


@runtime_checkable
class StripSender(Sender, Protocol):
    """A sender that sends, or converts, what is finished of a picture while the rest is being composited."""

    @property
    def strip_ends(self) -> tuple[int, ...]:
        """The rows before which strips best end, from the top down; the last one is the picture's height."""
        ...

    def strip(self, end_row: int) -> None:
        """The lent picture's rows before ``end_row`` are finished; ``publish`` still follows."""
        ...

    def follow(self, rows_done: Callable[[], int]) -> None:
        """Instead of ``strip``: a thread of the sender asks how many of the lent picture's rows are finished."""
        ...


class Receiver(Protocol):
    """The other end. It may start before its sender and outlive it."""

    url: str
    counts: ReceiverCounts

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest whole picture not yet received, or None when none came in time. Raises StreamError."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the sender said that it ended; always False where a transport has no word for it."""
        ...

    def close(self) -> None:
        """End; nothing is left behind. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


def strip_ends(spec: PictureSpec) -> tuple[int, ...]:
    """Before which rows strips end: sixteenths of the picture, the last of which is halved until it is short.

    A frame's end waits for its last strip, and each strip costs some system calls.
    """
    ends = [spec.height_px * k // _STRIPS for k in range(1, _STRIPS)]
    left = spec.height_px - ends[-1]
    while left > 1 and left * spec.nbytes > _LAST_STRIP_BYTES * spec.height_px:
        left //= 2
        ends.append(spec.height_px - left)
    return tuple(sorted({*ends, spec.height_px} - {0}))
