"""When to begin a frame: late enough that its pose is fresh, early enough that it is sent by its presentation time."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from translight.core.clock import FrameClock, now_ns

_REMEMBERED = 64
_PERCENTILE = 90
_MARGIN_NS = 500_000
_FIRST_GUESS = 0.7
_LONGEST_SLEEP_NS = 100_000_000


@dataclass(frozen=True, slots=True)
class Slot:
    """A place on the frame clock that was waited for. ``passed`` places before it went by without a frame."""

    frame: int
    presentation_ns: int
    passed: int


class Pace:
    """Begins each frame its usual working time before its presentation time (late latching).

    The working time is the 90th percentile of the last 64 frames and half a millisecond. When that is more than a
    frame's period, the next frame goes to the first place on the clock that can still be met, and the places
    between are counted as passed.
    """

    def __init__(self, clock: FrameClock) -> None:
        self.clock = clock
        self._work_ns = np.full(_REMEMBERED, clock.period_ns * _FIRST_GUESS)
        self._count = 0
        self._last: int | None = None

    @property
    def lead_ns(self) -> int:
        """How long before its presentation time a frame is begun."""
        known = self._work_ns[: max(1, min(self._count, _REMEMBERED))]
        usual = float(np.percentile(known, _PERCENTILE)) + _MARGIN_NS
        if float(np.median(known)) < self.clock.period_ns:
            # Work that fits a period on the whole must not lose every second place to its slowest frames.
            usual = min(usual, self.clock.period_ns)
        return int(usual)

    def wait(self) -> Slot:
        """Sleep until the next frame's time to begin."""
        lead_ns = self.lead_ns
        # A frame begun a little late is still worth its place; only a whole missed period moves on to the next.
        earliest = now_ns() + lead_ns - int(self.clock.period_ns // 4)
        frame = self.clock.next_frame(earliest)
        if self._last is not None:
            frame = max(frame, self._last + 1)
        presentation_ns = self.clock.time_ns(frame)
        while (left := presentation_ns - lead_ns - now_ns()) > 0:
            time.sleep(min(left, _LONGEST_SLEEP_NS) / 1e9)
        passed = 0 if self._last is None else frame - self._last - 1
        self._last = frame
        return Slot(frame, presentation_ns, passed)

    def worked(self, work_ns: int) -> None:
        """How long the frame took, from its begin to sent."""
        self._work_ns[self._count % _REMEMBERED] = work_ns
        self._count += 1


def system_frame_clock(clock: FrameClock) -> FrameClock:
    """The same rate with the epoch of SMPTE ST 2059-1, 1970-01-01 on this machine's system clock, on ``core.clock``.

    Machines whose system clocks agree (PTP, NTP) then agree on frame numbers and times. Leap seconds are as the
    system clock has them: a clock that follows TAI gives ST 2059-1's own frame numbers.
    """
    return FrameClock(clock.rate, now_ns() - time.time_ns())
