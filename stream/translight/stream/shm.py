"""shm://NAME: frames through shared memory on one machine, composited straight into the ring of ring.py.

A receiver takes the newest frame. With ``every=yes`` it takes the oldest that it has not taken and that the ring still
holds, in order, as a recording wants: of a ring of ``slots`` it may be ``slots`` − 2 frames late and lose none.
"""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import ProtocolError, StreamError
from translight.stream.contract import PictureSpec, ReceivedFrame, ReceiverCounts, SenderCounts
from translight.stream.header import FrameHeader, pack, picture_check, unpack
from translight.stream.ring import Ring
from translight.stream.transports import MOST_SLOTS, SLOTS
from translight.stream.urls import StreamUrl

_ATTACH_EVERY_S = 0.05
_LOOK_EVERY_S = 0.25


def open_sender(url: StreamUrl, spec: PictureSpec) -> ShmSender:
    """For ``urls.open_sender``."""
    return ShmSender(url.place, spec, url.options.integer("slots", SLOTS, 2, MOST_SLOTS))


def open_receiver(url: StreamUrl) -> ShmReceiver:
    """For ``urls.open_receiver``."""
    return ShmReceiver(url.place, every=url.options.flag("every"))


class ShmSender:
    """Writes frames into a ring that it owns. A dead sender's name is taken over, a living one's is refused."""

    keeps_rooms = True

    def __init__(self, name: str, spec: PictureSpec, slots: int = SLOTS) -> None:
        self.url = f"shm://{name}"
        self._spec = spec
        self._ring: Ring | None = Ring.create(name, spec, slots)
        self._slot = -1
        self._sent = 0

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture, in the ring itself; asking again lends the same room."""
        ring = self._open_ring()
        if self._slot < 0:
            self._slot = ring.begin_write()
        spec = self._spec
        return (
            ring.picture(self._slot).view(spec.format.dtype).reshape(spec.format.shape(spec.width_px, spec.height_px))
        )

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Make the lent slot the newest frame."""
        ring = self._open_ring()
        if self._slot < 0:
            raise ValueError("publish comes after acquire")
        check = picture_check(ring.picture(self._slot))
        sent = replace(header, check=check, times=replace(header.times, sent_ns=now_ns()))
        ring.header_bytes(self._slot)[:] = pack(sent)
        ring.end_write(self._slot)
        self._slot = -1
        self._sent += 1
        return sent

    def counts(self) -> SenderCounts:
        """Frames sent; a ring drops none, readers skip."""
        return SenderCounts(self._sent, 0, self._ring.readers() if self._ring is not None else 0)

    def close(self) -> None:
        """Tell readers that it ends, and remove the name."""
        if self._ring is not None:
            self._ring.end()
            self._ring.close()
            self._ring = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _open_ring(self) -> Ring:
        if self._ring is None:
            raise StreamError(f"{self.url} is closed")
        return self._ring


class ShmReceiver:
    """Copies the newest frame out of a ring and verifies the copy. Waits for a sender, and finds it again.

    With ``every`` it copies the next frame instead, as long as the ring holds it; the newest at first.
    """

    def __init__(self, name: str, *, every: bool = False) -> None:
        self.url = f"shm://{name}"
        self._every = every
        self.counts = ReceiverCounts()
        self._name = name
        self._ring: Ring | None = None
        self._line = -1
        self._ended = False
        self._sequence = 0
        self._frame: int | None = None
        self._copy: NDArray[np.uint8] = np.empty(0, np.uint8)

    def receive(self, timeout_s: float) -> ReceivedFrame | None:
        """The newest (with ``every``, the next) whole frame not yet received, or None.

        Raises StreamError on a ring of another version.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            ring = self._attached(deadline)
            if ring is None:
                return None
            seen = ring.wake.value
            frame = self._copied(ring)
            if frame is not None:
                return frame
            left = deadline - time.monotonic()
            if ring.closed:
                self._detach_if_ended(ring)
                return None
            if left <= 0:
                return None
            if not ring.wake.wait(seen, min(left, _LOOK_EVERY_S)):
                self._detach_if_ended(ring)

    @property
    def ended(self) -> bool:
        """Whether the sender said that it ended, and every frame of it was taken."""
        return self._ended

    def close(self) -> None:
        """Unmap the ring."""
        if self._ring is not None:
            self._ring.leave(self._line)
            self._ring.close()
            self._ring = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _attached(self, deadline: float) -> Ring | None:
        while self._ring is None:
            try:
                ring = Ring.attach(self._name)
            except StreamError as error:
                if "is its sender running" not in str(error):
                    raise
            else:
                if not ring.closed:
                    self._adopt(ring)
                    break
                ring.close()
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(left, _ATTACH_EVERY_S))
        return self._ring

    def _adopt(self, ring: Ring) -> None:
        self._ring = ring
        self._ended = False
        self._line = ring.join()
        self._sequence = 0
        if self._frame is not None:
            self.counts.restarts += 1
            self._frame = None
        size = ring.picture(0).nbytes
        if self._copy.nbytes != size:
            self._copy = np.zeros(size, np.uint8)

    def _detach_if_ended(self, ring: Ring) -> None:
        if ring.closed or ring.memory.replaced():
            self._ended = ring.closed
            self.close()

    def _wanted(self, ring: Ring) -> int:
        """The slot to copy."""
        latest = ring.latest
        if not self._every or self._sequence == 0 or latest < 0:
            return latest
        # Sequences grow over all slots: the smallest that is whole and was not taken is the next frame
        sequences = [(ring.sequence(slot), slot) for slot in range(ring.slots)]
        waiting = [pair for pair in sequences if pair[0] > self._sequence and pair[0] % 2 == 0]
        return min(waiting)[1] if waiting else latest

    def _copied(self, ring: Ring) -> ReceivedFrame | None:
        """Copy and verify; while the writer is ahead of the copy, try a newer frame."""
        while True:
            slot = self._wanted(ring)
            if slot < 0:
                return None
            sequence = ring.sequence(slot)
            if sequence <= self._sequence:
                return None
            available_ns = now_ns()
            if sequence % 2 == 0:
                ring.sign(self._line, slot)
                head = bytes(ring.header_bytes(slot))
                np.copyto(self._copy, ring.picture(slot))
                ring.fence()
                whole = ring.sequence(slot) == sequence
                ring.sign(self._line)
                if whole:
                    self._sequence = sequence
                    return self._frame_of(head, available_ns)
            self.counts.overtaken += 1

    def _frame_of(self, head: bytes, available_ns: int) -> ReceivedFrame | None:
        try:
            header = unpack(head)
            if header.payload_bytes > self._copy.nbytes:
                raise ProtocolError(f"{header.payload_bytes} bytes do not fit a slot of {self._copy.nbytes}")
        except ProtocolError:
            self.counts.bad += 1
            return None
        if picture_check(self._copy) != header.check:
            self.counts.torn += 1
            return None
        self.counts.received += 1
        if self._frame is not None and header.frame > self._frame:
            self.counts.skipped += header.frame - self._frame - 1
        self._frame = header.frame
        pixels = self._copy[: header.payload_bytes].view(header.format.dtype)
        shaped = pixels.reshape(header.format.shape(header.width_px, header.height_px))
        return ReceivedFrame(header, shaped, available_ns, now_ns())
