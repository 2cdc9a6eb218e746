"""Pictures made Y′CbCr while the compositor still fills them: a thread of video.py's senders converts finished rows.

The compositor's progress is looked at, as tcp_sender.py does; the rows are converted by yuv.py, to the same bytes as
in one go, into planes that each room of pictures.py has of its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from translight.stream.encoder import Planes
from translight.stream.pictures import Room

_WATCH_S = 0.0002
_WAIT_S = 0.1


class _Canvas:
    """A room's planes. ``rows`` of the picture are finished, ``converted`` of them converted, all from the top."""

    def __init__(self, room: Room, planes: Planes) -> None:
        self.pixels = room.pixels
        self.planes = planes
        self.height = len(room.pixels)
        self.serial = 0
        self.early = False
        self.rows = 0
        self.converted = 0


class StripPlanes:
    """Between three threads: the live loop says what is finished, ``run`` converts, and the encoder's takes planes.

    A picture of which nothing was said before it was whole is converted by the encoder's thread, in one go.
    """

    def __init__(self, rooms: Sequence[Room], make: Callable[[], Planes]) -> None:
        self._canvases = {id(room.pixels): _Canvas(room, make()) for room in rooms}
        self._changed = threading.Condition(threading.Lock())
        self._lent: _Canvas | None = None
        self._rows_done: Callable[[], int] | None = None
        self._due: deque[_Canvas] = deque()
        self._busy: _Canvas | None = None
        self._closed = False

    def begin(self, pixels: NDArray[np.generic], *, early: bool) -> None:
        """A room was lent; with ``early`` its rows may be converted before it is published."""
        with self._changed:
            canvas = self._canvases[id(pixels)]
            if canvas in self._due:  # it was given up
                self._due.remove(canvas)
            canvas.serial += 1
            canvas.early, canvas.rows, canvas.converted = early, 0, 0
            self._lent, self._rows_done = canvas, None

    def strip(self, end_row: int) -> None:
        """The lent room's rows before ``end_row`` are finished. Raises ValueError on rows that go back or beyond."""
        with self._changed:
            canvas = self._lent
            if canvas is None or not canvas.rows <= end_row <= canvas.height:
                raise ValueError(f"strip({end_row}) comes after acquire and goes on from the strip before")
            canvas.rows = end_row
            if end_row == canvas.height:
                self._rows_done = None
            if canvas.early:
                self._changed.notify_all()

    def follow(self, rows_done: Callable[[], int]) -> None:
        """Until the lent room is published or wholly finished, ask how many of its rows are."""
        with self._changed:
            if self._lent is None:
                raise ValueError("follow comes after acquire")
            if self._lent.early:
                self._rows_done = rows_done
                self._changed.notify_all()

    def end(self) -> None:
        """The lent room is published: whole, and soon taken."""
        with self._changed:
            canvas, self._lent, self._rows_done = self._lent, None, None
            if canvas is not None:
                canvas.early = canvas.early and canvas.rows > 0
                canvas.rows = canvas.height
                if canvas.early and canvas.converted < canvas.height:
                    self._due.append(canvas)
                    self._changed.notify_all()

    def taken(self, pixels: NDArray[np.generic]) -> Planes:
        """For the encoder's thread: the planes of a published room, once they are whole."""
        canvas = self._canvases[id(pixels)]
        with self._changed:
            # Rows of an earlier picture, which was given up, may still be on their way into these planes
            while self._busy is canvas or (canvas.early and canvas.converted < canvas.height and not self._closed):
                self._changed.wait(_WAIT_S)
        if canvas.converted < canvas.height:
            canvas.planes.fill(pixels)
        return canvas.planes

    def close(self) -> None:
        """End ``run``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def run(self, _: threading.Event) -> None:
        """The converting thread, until ``close``."""
        try:
            while self._step():
                pass
        finally:
            with self._changed:
                self._busy, self._closed = None, True
                self._changed.notify_all()

    def _step(self) -> bool:
        """Convert what is finished, or rest a little; False once closed."""
        with self._changed:
            while (canvas := self._next()) is None and not self._closed:
                self._changed.wait()
            if canvas is None or self._closed:
                return False
            self._busy = canvas
            serial, rows, rows_done = canvas.serial, canvas.rows, self._rows_done if canvas is self._lent else None
        if rows_done is not None and rows < canvas.height:
            rows = self._asked(canvas, serial, rows_done)
        # Two rows share their chroma
        end = rows if rows == canvas.height else rows & ~1
        begin = canvas.converted
        if end > begin:
            canvas.planes.fill(canvas.pixels, begin, end)
        with self._changed:
            self._busy = None
            if canvas.serial == serial and end > begin:
                canvas.converted = end
                if end == canvas.height and canvas in self._due:
                    self._due.remove(canvas)
            self._changed.notify_all()
        if end <= begin:
            time.sleep(_WATCH_S)
        return True

    def _asked(self, canvas: _Canvas, serial: int, rows_done: Callable[[], int]) -> int:
        """How many rows are finished; what was asked too late, when the compositor was elsewhere, does not count."""
        asked = rows_done()
        with self._changed:
            if canvas.serial == serial and self._rows_done is rows_done:
                canvas.rows = max(canvas.rows, asked)
            return canvas.rows if canvas.serial == serial else 0

    def _next(self) -> _Canvas | None:
        """What to convert: a picture that is published before the one that is being composited."""
        if self._due:
            return self._due[0]
        lent = self._lent
        if lent is None or not lent.early:
            return None
        return lent if self._rows_done is not None or lent.rows // 2 * 2 > lent.converted else None
