"""SMPTE timecode labels (ST 12-1) and the frames they count; when a frame is due is clock.py's affair."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

_LABEL = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})([:;.,])([0-9]{2,3})")
_NTSC_30 = Fraction(30000, 1001)


@dataclass(frozen=True, slots=True)
class Timecode:
    """A label HH:MM:SS:FF at a frame rate; it runs for 24 hours and starts again.

    Labels count ceil(rate) frames a second. Drop-frame counting, for 29.97 and its multiples, leaves out labels so
    that the label keeps time with the clock: at 29.97 frames 00 and 01 of every minute that is not a tenth, at 59.94
    frames 00 to 03. Above 30 frames a second the frames are counted in full here; on a wire that carries ST 12-1
    labels pairs are counted and a flag tells which of the pair.
    """

    hours: int
    minutes: int
    seconds: int
    frames: int
    rate: Fraction
    drop: bool = False

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"a frame rate is positive, got {self.rate}")
        if self.drop and not can_drop(self.rate):
            raise ValueError(f"only 29.97 frames a second and its multiples drop frame labels, not {self.rate}")
        limits = (24, 60, 60, math.ceil(self.rate))
        label = (self.hours, self.minutes, self.seconds, self.frames)
        if not all(0 <= value < limit for value, limit in zip(label, limits, strict=True)):
            raise ValueError(f"there is no timecode {self} at {self.rate} frames a second")
        if self.drop and self.minutes % 10 and self.seconds == 0 and self.frames < _dropped(self.rate):
            raise ValueError(f"drop-frame counting leaves out the timecode {self}")

    @classmethod
    def from_frame(cls, frame: int, rate: Fraction, *, drop: bool = False) -> Timecode:
        """The label of frame ``frame`` after 00:00:00:00, any number of days on or before."""
        frame %= frames_per_day(rate, drop=drop)
        nominal = math.ceil(rate)
        if drop:
            per_minute = 60 * nominal - _dropped(rate)
            ten_minutes, rest = divmod(frame, 10 * per_minute + _dropped(rate))
            # the first minute of ten is longer: it drops nothing
            late_minutes = max(0, (rest - _dropped(rate)) // per_minute)
            frame += _dropped(rate) * (9 * ten_minutes + late_minutes)
        seconds, frames = divmod(frame, nominal)
        return cls(seconds // 3600, seconds // 60 % 60, seconds % 60, frames, rate, drop)

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Timecode:
        """A label as people write it: ``01:02:03:04``, or ``01:02:03;04`` (also ``.`` or ``,``) for drop-frame.

        Raises ValueError on anything else and on a label that the counting leaves out.
        """
        matched = _LABEL.fullmatch(text.strip())
        if matched is None:
            raise ValueError(f"a timecode is like 01:02:03:04, or 01:02:03;04 for drop-frame, got {text!r}")
        hours, minutes, seconds, separator, frames = matched.groups()
        return cls(int(hours), int(minutes), int(seconds), int(frames), rate, separator != ":")

    @property
    def frame(self) -> int:
        """Frames since 00:00:00:00: the inverse of ``from_frame`` within a day."""
        nominal = math.ceil(self.rate)
        minutes = 60 * self.hours + self.minutes
        labels = (60 * minutes + self.seconds) * nominal + self.frames
        return labels - (_dropped(self.rate) * (minutes - minutes // 10) if self.drop else 0)

    def __str__(self) -> str:
        return f"{self.hours:02}:{self.minutes:02}:{self.seconds:02}{';' if self.drop else ':'}{self.frames:02}"


def can_drop(rate: Fraction) -> bool:
    """Whether drop-frame counting exists at this rate: 30000/1001, 60000/1001 and 120000/1001."""
    return rate in (_NTSC_30, 2 * _NTSC_30, 4 * _NTSC_30)


def frames_per_day(rate: Fraction, *, drop: bool = False) -> int:
    """How many labels there are from 00:00:00:00 until they start again."""
    return 24 * 3600 * math.ceil(rate) - (_dropped(rate) * (24 * 60 - 24 * 6) if drop else 0)


def _dropped(rate: Fraction) -> int:
    """Labels left out at the start of a minute: two of thirty."""
    return math.ceil(rate) // 15
