"""A sender of encoded video: an owned thread encodes the newest picture (encoder.py) and gives it to an Outlet.

Another makes it Y′CbCr by strips while it is still being composited, where the pipeline says how far that is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from translight.core.errors import StreamError
from translight.core.threads import Stages
from translight.stream.contract import PictureSpec, SenderCounts, strip_ends
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.header import FrameHeader
from translight.stream.pictures import Pictures
from translight.stream.strip_planes import StripPlanes

_log = logging.getLogger(__name__)
_LOOK_S = 0.2
CLOCK_HZ = 90_000
"""RTP's and MPEG-TS's clock for video."""


class Outlet(Protocol):
    """Where access units go. The encoding thread calls it, and only it; no call waits for a receiver."""

    def send(self, unit: AccessUnit) -> None:
        """Send one access unit; what the network does not take is lost and counted."""
        ...

    def receivers(self) -> int | None:
        """How many there are, or None where nobody can know. Any thread may ask."""
        ...

    def close(self) -> None:
        """End, after the encoding thread has."""
        ...


def media_time(header: FrameHeader) -> int:
    """A frame's place on the 90 kHz clock: frame / rate. Frames count from 1970, as ST 2110-10's media clock does."""
    return header.frame * CLOCK_HZ * header.rate.denominator // header.rate.numerator


class VideoSender:
    """Lends rooms to the live loop; a slow encoder skips pictures. Owns encoder, outlet and thread."""

    def __init__(self, url: str, spec: PictureSpec, encoder: Encoder, outlet: Outlet) -> None:
        self.url = url
        self._encoder = encoder
        self._outlet = outlet
        self._pictures = Pictures(spec, 1, newest_wins=True)
        self._planes = StripPlanes(self._pictures.rooms, encoder.make_planes)
        self.strip_ends = tuple(sorted({end & ~1 for end in strip_ends(spec)} - {0}))
        """Even rows: two share their chroma, and a picture's height is even."""
        self._sent = 0
        self._failed = 0
        self._stages = Stages()
        self._stages.__enter__()
        self._stages.start(f"encode {url}", self._run)
        self._stages.start(f"convert {url}", self._planes.run)
        self._open = True

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture."""
        fresh = not self._pictures.lent
        room = self._pictures.acquire()
        if fresh:
            # One that makes another be given up may be given up itself: it is not converted before it is taken
            self._planes.begin(room, early=not self._pictures.crowded)
        return room

    def strip(self, end_row: int) -> None:
        """The lent picture's rows before ``end_row`` are finished: they are converted from now on."""
        self._planes.strip(end_row)

    def follow(self, rows_done: Callable[[], int]) -> None:
        """Convert the lent picture's rows when ``rows_done()`` says that they are finished, until it is published."""
        self._planes.follow(rows_done)

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Hand the picture to the encoding thread, in place of one that it has not taken."""
        self._planes.end()
        return self._pictures.publish(header)

    def counts(self) -> SenderCounts:
        """Pictures encoded and handed to the network; dropped are those that were never encoded, or failed."""
        return SenderCounts(self._sent, self._pictures.dropped + self._failed, self._outlet.receivers())

    def close(self) -> None:
        """End the thread, then the outlet; a picture that waits is still sent."""
        if self._open:
            self._open = False
            self._pictures.close()
            try:
                self._stages.__exit__(None, None, None)
            finally:
                self._outlet.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _run(self, stop: threading.Event) -> None:
        del stop  # the pictures' end is the thread's: what waits is still sent
        try:
            self._encode_all()
        finally:
            self._planes.close()

    def _encode_all(self) -> None:
        while True:
            room = self._pictures.take(_LOOK_S)
            if room is None:
                if self._pictures.closed:
                    return
                continue
            try:
                self._encode(room.pixels, room.header)
            except StreamError as error:
                # The other ways out go on; from here on this one only drops.
                _log.error("%s; this output has ended", error)
                self._failed += 1
                self._pictures.close()
                self._pictures.discard()
                return
            finally:
                self._pictures.give_back(room)

    def _encode(self, picture: NDArray[np.generic], header: FrameHeader | None) -> None:
        assert header is not None
        unit = self._encoder.encode_planes(self._planes.taken(picture), header)
        if unit is None:
            self._failed += 1
            return
        self._outlet.send(unit)
        self._sent += 1
