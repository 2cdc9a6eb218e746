"""Monitors by number or name: which of those there are a display:// URL means; window.py asks the system for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from translight.core.errors import StreamError

PLACE = re.compile(r"[1-9][0-9]?|[A-Za-z][A-Za-z0-9 ._-]{0,99}")
"""What may stand after display://."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor as it is set now. ``number`` counts from 1, the system's primary monitor."""

    number: int
    name: str
    """Its connector under X11 and Wayland (``DP-2``), its model elsewhere."""
    width_px: int
    height_px: int
    refresh_hz: int
    """Rounded as the system rounds it; 0 where it does not say."""
    bits: int
    """Bits of a colour channel."""

    def __str__(self) -> str:
        rate = f" {self.refresh_hz} Hz" if self.refresh_hz else ""
        return f"{self.number} {self.name} ({self.width_px}x{self.height_px}{rate}, {self.bits} bits)"


def choose(monitors: Sequence[Monitor], place: str) -> Monitor:
    """The monitor that ``place`` means: its number, or its name. Raises StreamError saying which there are."""
    found = [m for m in monitors if place in (str(m.number), m.name)]
    if len(found) == 1:
        return found[0]
    what = f"more than one monitor is called {place!r}: give its number" if found else f"there is no monitor {place!r}"
    raise StreamError(f"{what}; there {'is' if len(monitors) == 1 else 'are'} {described(monitors)}")


def described(monitors: Sequence[Monitor]) -> str:
    """The monitors in one line."""
    return ", ".join(str(m) for m in monitors) or "none"
