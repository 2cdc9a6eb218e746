"""The frame ring in shared memory: its layout, the writer's slots and the reader's verified copies; shm.py wraps it.

Layout (little-endian, documented in docs/stream_header.md): one control page of 4096 bytes, then ``slots`` slots.
Each slot is a 64-byte line with its sequence, the 256-byte frame header, and the picture.

Torn frames: a slot's sequence is odd while it is written and even when whole. A reader notes the even sequence,
copies, and looks again; if it moved, the copy is thrown away. A reader that wants to look without copying announces
the slot in its own line of the control page; the writer passes over announced slots, unless every slot is announced,
and then the reader's last look finds out. So no reader can slow the writer, and none can be handed a torn picture.
"""

from __future__ import annotations

import os
import threading

import numpy as np
import psutil
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.core.errors import StreamError
from translight.core.shared_memory import SharedMemory, remove
from translight.stream.contract import PictureSpec
from translight.stream.futex import Word
from translight.stream.header import HEADER_BYTES
from translight.stream.transports import MOST_SLOTS

MAGIC = int.from_bytes(b"TLRING\0\0", "little")
VERSION = 1
CONTROL_BYTES = 4096
SLOT_PREFIX_BYTES = 64
READERS = 32
ALIVE_NS = 2_000_000_000
"""A reader that gave no sign for this long no longer counts, and what it announced is no longer kept for it."""

# int64 words of the control page
_MAGIC, _VERSION, _SLOTS, _SLOT_BYTES, _PICTURE_BYTES, _LATEST, _WRITER_PID, _CLOSED = range(8)
_WAKE_BYTE = 64
_READERS_WORD = 64
_READER_WORDS = 8
_READER_ID, _READER_SLOT, _READER_SIGN = range(3)


class Ring:
    """A mapped ring, either end. ``words`` are aligned int64, which one store or load moves whole."""

    def __init__(self, memory: SharedMemory) -> None:
        self.memory = memory
        self.words: NDArray[np.int64] = np.frombuffer(memory.buffer, np.int64, CONTROL_BYTES // 8)
        self.slots = int(self.words[_SLOTS])
        self._slot_bytes = int(self.words[_SLOT_BYTES])
        self._picture_bytes = int(self.words[_PICTURE_BYTES])
        self.wake = Word(memory.buffer, _WAKE_BYTE)
        self._fence = threading.Lock()
        self._sequences = [
            np.frombuffer(memory.buffer, np.int64, 1, CONTROL_BYTES + k * self._slot_bytes) for k in range(self.slots)
        ]
        before = CONTROL_BYTES + SLOT_PREFIX_BYTES + HEADER_BYTES
        self._pictures = [
            np.frombuffer(memory.buffer, np.uint8, self._picture_bytes, before + k * self._slot_bytes)
            for k in range(self.slots)
        ]

    @classmethod
    def create(cls, name: str, spec: PictureSpec, slots: int) -> Ring:
        """A new ring for pictures of ``spec``. Raises StreamError when a living process sends under this name."""
        if not 2 <= slots <= MOST_SLOTS:
            raise ValueError(f"a ring has 2 to {MOST_SLOTS} slots, got {slots}")
        _refuse_if_in_use(name)
        picture = spec.nbytes
        slot = -(-(SLOT_PREFIX_BYTES + HEADER_BYTES + picture) // 4096) * 4096
        memory = SharedMemory.create(name, CONTROL_BYTES + slots * slot)
        words = np.frombuffer(memory.buffer, np.int64, CONTROL_BYTES // 8)
        words[_VERSION], words[_SLOTS], words[_SLOT_BYTES], words[_PICTURE_BYTES] = VERSION, slots, slot, picture
        words[_LATEST], words[_WRITER_PID] = -1, os.getpid()
        words[_MAGIC] = MAGIC
        return cls(memory)

    @classmethod
    def attach(cls, name: str) -> Ring:
        """An existing ring. Raises StreamError when there is none, or when it is not one this version reads."""
        memory = SharedMemory.attach(name)
        try:
            _check(name, memory)
        except StreamError:
            memory.close()
            raise
        return cls(memory)

    @property
    def latest(self) -> int:
        """The slot that holds the newest whole frame, or −1 before the first."""
        return int(self.words[_LATEST])

    @property
    def closed(self) -> bool:
        """Whether the writer has ended this ring."""
        return bool(self.words[_CLOSED])

    def sequence(self, slot: int) -> int:
        """Even: whole, and counts the frames that this slot has held; odd: being written."""
        return int(self._sequences[slot][0])

    def header_bytes(self, slot: int) -> memoryview:
        """The frame header of a slot."""
        start = CONTROL_BYTES + slot * self._slot_bytes + SLOT_PREFIX_BYTES
        return self.memory.buffer[start : start + HEADER_BYTES]

    def picture(self, slot: int) -> NDArray[np.uint8]:
        """The picture's bytes of a slot: the same array each time, so that what is done to its memory can be kept."""
        return self._pictures[slot]

    def begin_write(self) -> int:
        """Claim a slot that is neither the newest nor announced by a living reader; its sequence turns odd."""
        latest = self.latest
        ages = sorted((self.sequence(k), k) for k in range(self.slots) if k != latest)
        for sequence, slot in ages:
            self._sequences[slot][0] = sequence | 1
            self.fence()
            if slot not in self._announced():
                return slot
            self._sequences[slot][0] = sequence
        sequence, slot = ages[0]
        self._sequences[slot][0] = sequence | 1
        return slot

    def end_write(self, slot: int) -> None:
        """The slot is whole: it becomes the newest, and everyone who waits wakes."""
        self.fence()
        # Sequences grow over all slots, so the oldest slot is the one with the smallest.
        self._sequences[slot][0] = (max(self.sequence(k) for k in range(self.slots)) | 1) + 1
        self.fence()
        self.words[_LATEST] = slot
        self.wake.bump()

    def end(self) -> None:
        """Tell readers that no more frames come."""
        self.words[_CLOSED] = 1
        self.wake.bump()

    def join(self) -> int:
        """Take a line of the control page as a reader; −1 when all are taken (copying still works)."""
        mine = (os.getpid() << 20) ^ (now_ns() & 0xFFFFF)
        for line in range(READERS):
            at = self._line(line)
            if self.words[at + _READER_ID] == 0 or now_ns() - int(self.words[at + _READER_SIGN]) > ALIVE_NS:
                self.words[at + _READER_SLOT] = -1
                self.words[at + _READER_SIGN] = now_ns()
                self.words[at + _READER_ID] = mine
                self.fence()
                if self.words[at + _READER_ID] == mine:
                    return line
        return -1

    def sign(self, line: int, slot: int = -1) -> None:
        """A reader's sign of life, and the slot it looks at (−1: none)."""
        if line >= 0:
            at = self._line(line)
            self.words[at + _READER_SIGN] = now_ns()
            self.words[at + _READER_SLOT] = slot
            self.fence()

    def leave(self, line: int) -> None:
        """Give a reader's line back."""
        if line >= 0:
            self.words[self._line(line) + _READER_ID] = 0

    def readers(self) -> int:
        """Readers that gave a sign of life lately."""
        return sum(1 for line in range(READERS) if self._alive(line))

    def fence(self) -> None:
        """Order the stores before against the loads after: taking a lock is an atomic read-modify-write."""
        with self._fence:
            pass

    def close(self) -> None:
        """Unmap."""
        self.wake.release()
        self.words = np.zeros(CONTROL_BYTES // 8, np.int64)
        self._sequences, self._pictures = [], []
        self.memory.close()

    def _line(self, line: int) -> int:
        return _READERS_WORD + line * _READER_WORDS

    def _alive(self, line: int) -> bool:
        at = self._line(line)
        return self.words[at + _READER_ID] != 0 and now_ns() - int(self.words[at + _READER_SIGN]) < ALIVE_NS

    def _announced(self) -> set[int]:
        ids = self.words[_READERS_WORD : _READERS_WORD + READERS * _READER_WORDS : _READER_WORDS]
        if not ids.any():
            return set()
        return {int(self.words[self._line(k) + _READER_SLOT]) for k in range(READERS) if self._alive(k)}


def remove_if_dead(name: str) -> None:
    """Take away the name of a ring whose writer was killed before it could."""
    if _writer(name) is None:
        remove(name)


def _refuse_if_in_use(name: str) -> None:
    """A ring whose writer died without a word may be taken over, one whose writer lives may not."""
    writer = _writer(name)
    if writer is not None:
        raise StreamError(f"shm://{name} is in use: process {writer} sends under this name; end it or choose another")


def _writer(name: str) -> int | None:
    """The living process that sends under a name; None when there is no ring, or it ended, or its process did."""
    try:
        with SharedMemory.attach(name) as memory:
            _check(name, memory)
            words = np.frombuffer(memory.buffer, np.int64, 8).copy()
    except StreamError:
        return None
    writer = int(words[_WRITER_PID])
    return writer if not words[_CLOSED] and psutil.pid_exists(writer) else None


def _check(name: str, memory: SharedMemory) -> None:
    """Refuse what is not a ring of this version, or whose numbers do not fit its size."""
    if len(memory.buffer) < CONTROL_BYTES:
        raise StreamError(f"shared memory {name!r} is not a frame ring: {len(memory.buffer)} bytes")
    words = np.frombuffer(memory.buffer, np.int64, 8).copy()
    if words[_MAGIC] != MAGIC:
        raise StreamError(f"shared memory {name!r} is not a frame ring")
    if words[_VERSION] != VERSION:
        raise StreamError(f"shm://{name} is ring version {words[_VERSION]}, this reads version {VERSION}")
    slots, slot, picture = int(words[_SLOTS]), int(words[_SLOT_BYTES]), int(words[_PICTURE_BYTES])
    room = len(memory.buffer) - CONTROL_BYTES
    if (
        not 2 <= slots <= MOST_SLOTS
        or picture < 4
        or slot < SLOT_PREFIX_BYTES + HEADER_BYTES + picture
        or slot % 8
        or slots * slot > room
        or not -1 <= words[_LATEST] < slots
    ):
        raise StreamError(f"shm://{name}: {slots} slots of {slot} bytes do not fit its {room} bytes")
