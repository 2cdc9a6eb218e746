"""The status board: a small page of shared memory by which a process tells how it does and is told to stop.

The supervisor makes one board for each process it starts; the process writes its status there a few times a second and
looks at the stop word between two frames. Neither end ever waits for the other.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec
import numpy as np
import psutil

from translight.core.clock import now_ns
from translight.core.shared_memory import SharedMemory

PAGE_BYTES = 16384
_STOP, _SEQUENCE, _LENGTH, _WRITTEN_NS, _OWNER = range(5)
_BODY = 64
_TRIES = 50
_OWNER_EVERY_NS = 500_000_000

S = TypeVar("S", bound=msgspec.Struct)


class Board(Generic[S]):
    """One process's page. ``kind`` is its status's type, a msgspec.Struct, as MessagePack behind a sequence lock."""

    def __init__(self, memory: SharedMemory, kind: type[S]) -> None:
        self.name = memory.name
        self._memory = memory
        self._words = np.frombuffer(memory.buffer, np.int64, _BODY // 8)
        self._body = memory.buffer[_BODY:]
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._owner_seen_ns = now_ns()

    @classmethod
    def create(cls, name: str, kind: type[S]) -> Self:
        """A new page; the supervisor's end."""
        board = cls(SharedMemory.create(name, PAGE_BYTES), kind)
        board._words[_OWNER] = os.getpid()
        return board

    @classmethod
    def attach(cls, name: str, kind: type[S]) -> Self:
        """The page that the supervisor made; the process's end. Raises StreamError when there is none."""
        return cls(SharedMemory.attach(name, PAGE_BYTES), kind)

    def write(self, status: S) -> None:
        """Put the newest status up."""
        data = self._encoder.encode(status)
        if len(data) > len(self._body):
            raise ValueError(f"a status is at most {len(self._body)} bytes, got {len(data)}")
        sequence = int(self._words[_SEQUENCE]) | 1
        self._words[_SEQUENCE] = sequence
        self._body[: len(data)] = data
        self._words[_LENGTH] = len(data)
        self._words[_WRITTEN_NS] = now_ns()
        self._words[_SEQUENCE] = sequence + 1

    def read(self) -> S | None:
        """The newest whole status, or None before the first, or when it is being written too often to catch."""
        for _ in range(_TRIES):
            sequence = int(self._words[_SEQUENCE])
            if sequence == 0:
                return None
            data = bytes(self._body[: max(0, min(int(self._words[_LENGTH]), len(self._body)))])
            if sequence % 2 == 0 and int(self._words[_SEQUENCE]) == sequence:
                return self._decoder.decode(data)
        return None

    @property
    def age_s(self) -> float:
        """Seconds since the last status was written."""
        return (now_ns() - int(self._words[_WRITTEN_NS])) / 1e9

    def ask_to_stop(self) -> None:
        """The supervisor's word to the process."""
        self._words[_STOP] = 1

    def clear(self) -> None:
        """Before a process is started anew: no stop, no status."""
        self._words[_STOP] = 0
        self._words[_SEQUENCE] = 0

    @property
    def stopping(self) -> bool:
        """Whether the process should end: it was asked to, or the supervisor that made the board is gone."""
        if self._words[_STOP]:
            return True
        if now_ns() - self._owner_seen_ns > _OWNER_EVERY_NS:
            self._owner_seen_ns = now_ns()
            owner = int(self._words[_OWNER])
            # A dead parent that nobody has collected still has its number, but no longer has children.
            return not psutil.pid_exists(owner) if sys.platform == "win32" else os.getppid() != owner
        return False

    def is_set(self) -> bool:
        """``stopping``, as a ``threading.Event`` would say it: loops that take one take a board."""
        return self.stopping

    def wait(self, timeout_s: float) -> bool:
        """Sleep for ``timeout_s``, which should be short; whether to end."""
        time.sleep(timeout_s)
        return self.stopping

    def close(self) -> None:
        """Unmap; the creator removes the name."""
        self._body.release()
        self._words = np.ones(_BODY // 8, np.int64)
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
