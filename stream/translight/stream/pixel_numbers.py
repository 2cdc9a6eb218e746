"""Frame numbers read from received pixels, beside their headers' numbers; `translight receive` tells how they agree."""

from __future__ import annotations

from dataclasses import dataclass

from translight.stream.barcode import LARGEST, BarcodePlace, decode, locate
from translight.stream.contract import ReceivedFrame

_LOOK_EVERY = 60
"""Frames between two looks for a barcode, while there is none."""


@dataclass(slots=True)
class PixelCounts:
    """What the pixels said. ``unread`` frames showed no barcode that passed its check where one was before."""

    read: int = 0
    mismatched: int = 0
    unread: int = 0
    newest: int = -1
    """The frame number that was read last."""


class PixelNumbers:
    """Reads the barcode of each frame, once one was seen in a corner of the picture (barcode.py)."""

    def __init__(self) -> None:
        self.counts = PixelCounts()
        self._place: BarcodePlace | None = None
        self._seen = 0

    def add(self, frame: ReceivedFrame) -> None:
        """Compare a frame's pixels with its header."""
        if self._place is None:
            if self._seen % _LOOK_EVERY == 0:
                self._place = locate(frame.pixels)
            self._seen += 1
        if self._place is None:
            return
        barcode = decode(frame.pixels, self._place)
        if barcode is None:
            self.counts.unread += 1
            return
        self.counts.read += 1
        self.counts.newest = barcode.frame
        self.counts.mismatched += barcode.frame != frame.header.frame & LARGEST

    @property
    def said(self) -> str:
        """For a line about the stream; empty while no barcode was seen."""
        counts = self.counts
        if not counts.read:
            return ""
        return f"   pixels say {counts.newest}, mismatched {counts.mismatched}"
