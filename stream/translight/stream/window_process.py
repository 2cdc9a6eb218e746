"""The process of a display's window: shows the newest frame of a ring until the ring or its owner ends.

A process of its own, since window systems want their events answered on a main thread, swapping buffers waits for
the monitor, and a driver that hangs or dies must not take the show with it. It reads the ring of ring.py where it
lies: a slot is announced, handed to OpenGL, and looked at again; if the writer was there, the newer frame is taken.
Run by window_keeper.py as ``python -m translight.stream.window_process``; it speaks as window_report.py says.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

import psutil

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.stream.header import unpack
from translight.stream.ring import Ring, remove_if_dead
from translight.stream.window import Window, screens
from translight.stream.window_report import Failed, Opened, Report, Shown, WindowJob, line_of, read_window_job

_TELL_EVERY_NS = 200_000_000
_LOOK_EVERY_S = 0.02
"""How long it waits for a frame before it answers the window system again."""


class _Mailbox:
    """The newest frame of the ring that was not shown yet."""

    def __init__(self, job: WindowJob, ring: Ring) -> None:
        if ring.picture(0).nbytes != job.pixel_format.nbytes(job.width_px, job.height_px):
            raise StreamError(f"ring {job.ring!r} holds pictures of another size")
        self._ring = ring
        self._line = ring.join()
        self._sequence = 0

    def upload(self, window: Window) -> tuple[int, int] | None:
        """Hand the newest frame to the window: (its place in the ring's history, its number), or None.

        A slot that the writer took back meanwhile is left for the newer frame, so no torn picture is shown.
        """
        ring = self._ring
        while self._waits():
            slot = ring.latest
            ring.sign(self._line, slot)
            sequence = ring.sequence(slot)
            header = bytes(ring.header_bytes(slot))
            window.upload(ring.picture(slot))
            ring.fence()
            whole = ring.sequence(slot) == sequence and sequence % 2 == 0
            ring.sign(self._line)
            if whole:
                self._sequence = sequence
                return sequence // 2, _frame_number(header)
        ring.sign(self._line)
        return None

    def wait(self) -> None:
        """Until there is a frame not yet taken, or for a while."""
        seen = self._ring.wake.value
        if not self._waits():
            self._ring.wake.wait(seen, _LOOK_EVERY_S)

    def close(self) -> None:
        """Give the reader's line back."""
        self._ring.leave(self._line)

    def _waits(self) -> bool:
        """Whether a frame waits that was not taken. Sequences grow over all slots."""
        slot = self._ring.latest
        return slot >= 0 and self._ring.sequence(slot) > self._sequence


def _frame_number(header: bytes) -> int:
    """−1 where the header is not one: the picture is shown all the same."""
    try:
        return unpack(header).frame
    except ProtocolError:
        return -1


def _show(job: WindowJob, ring: Ring, out: _Teller) -> None:
    """Open the window, and show frames until there is nothing more to do. Raises StreamError when it cannot."""
    with screens() as monitors:
        window = Window(job, monitors)
        window.present()
        out.tell(Opened(str(window.monitor), window.surface_bits, window.notes))
        mailbox = _Mailbox(job, ring)
        while not ring.closed and out.owner_lives():
            window.attend()
            if window.ended is not None:
                raise StreamError(window.ended)
            taken = mailbox.upload(window)
            if taken is not None:
                out.shown(*taken, window.present())
            elif window.stale:
                window.present()
            out.breathe()
            mailbox.wait()
        mailbox.close()


class _Teller:
    """Reports to the owner, and knows whether it lives."""

    def __init__(self, out: BinaryIO, owner: int) -> None:
        self._out = out
        self._owner = owner
        self._parent = os.getppid()
        self._told_ns = now_ns()
        self._frames: list[tuple[int, int, int]] = []
        self._alive = True

    def tell(self, report: Report) -> None:
        try:
            self._out.write(line_of(report))
            self._out.flush()
        except OSError:
            self._alive = False

    def shown(self, place: int, frame: int, shown_ns: int) -> None:
        self._frames.append((place, frame, shown_ns))

    def breathe(self) -> None:
        """Now and then, a sign of life."""
        if now_ns() - self._told_ns > _TELL_EVERY_NS:
            self._told_ns = now_ns()
            self._alive = self._alive and os.getppid() == self._parent and psutil.pid_exists(self._owner)
            self.tell(Shown(tuple(self._frames)))
            self._frames.clear()

    def owner_lives(self) -> bool:
        return self._alive


def main() -> int:
    """The process's entry."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's business
    # A driver that prints must not break the reports: from here on standard output is standard error.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = read_window_job(sys.stdin.buffer.readline())
    with out:
        teller = _Teller(out, job.owner)
        try:
            ring = Ring.attach(job.ring)
            try:
                _show(job, ring, teller)
            finally:
                ring.close()
        except StreamError as error:
            teller.tell(Failed(str(error)))
            return 1
        finally:
            # Nobody else is left to take the ring's name away when the owner was killed.
            if not psutil.pid_exists(job.owner):
                remove_if_dead(job.ring)
    return 0


if __name__ == "__main__":
    sys.exit(main())
