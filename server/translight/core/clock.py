"""One monotonic clock, and the frame times that are counted on it; SMPTE timecode is in timecode.py."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from fractions import Fraction

NS_PER_S = 1_000_000_000

# Fraction alone would take "1e999999999" and compute it
_RATE = re.compile(r"[-+]?[0-9]{1,9}(\.[0-9]{1,9}|/[0-9]{1,9})?")


def now_ns() -> int:
    """Nanoseconds on the machine's monotonic clock; the same clock in every process of one machine."""
    return time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class FrameClock:
    """Frame n is presented at epoch_ns + n / rate (SMPTE ST 2059-1's alignment), exactly, for any fractional rate."""

    rate: Fraction
    epoch_ns: int = 0

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a frame rate is positive, got {self.rate}")

    @property
    def period_ns(self) -> float:
        """One frame's time in nanoseconds."""
        return NS_PER_S * self.rate.denominator / self.rate.numerator

    def time_ns(self, frame: int) -> int:
        """When frame ``frame`` is presented."""
        return self.epoch_ns + frame * NS_PER_S * self.rate.denominator // self.rate.numerator

    def frame_at(self, time_ns: int) -> int:
        """The last frame presented at or before ``time_ns``."""
        elapsed = time_ns - self.epoch_ns
        frame = elapsed * self.rate.numerator // (NS_PER_S * self.rate.denominator)
        return frame + 1 if self.time_ns(frame + 1) <= time_ns else frame

    def next_frame(self, time_ns: int) -> int:
        """The first frame presented at or after ``time_ns``."""
        frame = self.frame_at(time_ns)
        return frame if self.time_ns(frame) == time_ns else frame + 1


def parse_rate(text: str) -> Fraction:
    """A frame rate as people write it: ``24``, ``24000/1001``, ``23.976``, ``59.94``. Raises ValueError.

    The decimal names of the NTSC family mean n·1000/1001 (SMPTE ST 12-1).
    """
    ntsc = {"23.976": 24, "23.98": 24, "29.97": 30, "47.952": 48, "47.95": 48, "59.94": 60, "119.88": 120}
    text = text.strip()
    if text in ntsc:
        return Fraction(ntsc[text] * 1000, 1001)
    try:
        rate = Fraction(text) if _RATE.fullmatch(text) else None
    except ZeroDivisionError:
        rate = None
    if rate is None:
        raise ValueError(f"a frame rate is like 24, 23.976 or 24000/1001, got {text!r}")
    if not 1 <= rate <= 1000:
        raise ValueError(f"a frame rate is between 1 and 1000, got {text}")
    return rate
