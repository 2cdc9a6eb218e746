"""What browser.py tells the preview's process (browser_process.py) on its command line, and what it counts back."""

from __future__ import annotations

from typing import Self

import numpy as np
from msgspec import Struct

from translight.core.errors import StreamError
from translight.core.shared_memory import SharedMemory


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The preview's settings. ``host`` is empty for every interface; ``player`` is "jpeg" or "video"."""

    player: str
    host: str
    port: int
    ring: str
    counters: str
    width_px: int
    height_px: int
    quality: int
    bitrate_kbps: int
    max_peers: int
    scale: int


class Counters:
    """Four words of shared memory that the preview's process writes and the sender reads."""

    BYTES = 64

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self._words = np.frombuffer(memory.buffer, np.int64, 4)

    @classmethod
    def create(cls, name: str) -> Self:
        """Zeros under a name. Raises StreamError."""
        return cls(SharedMemory.create(name, cls.BYTES))

    @classmethod
    def attach(cls, name: str) -> Self:
        """Those of another process. Raises StreamError."""
        memory = SharedMemory.attach(name, cls.BYTES)
        if len(memory.buffer) < cls.BYTES:
            memory.close()
            raise StreamError(f"shared memory {name!r} holds no counters")
        return cls(memory)

    @property
    def peers(self) -> int:
        """Browsers connected now."""
        return int(self._words[0])

    @peers.setter
    def peers(self, value: int) -> None:
        self._words[0] = value

    @property
    def bad(self) -> int:
        """Requests, messages and offers refused."""
        return int(self._words[1])

    @bad.setter
    def bad(self, value: int) -> None:
        self._words[1] = value

    @property
    def sent(self) -> int:
        """Pictures encoded for at least one peer."""
        return int(self._words[2])

    @sent.setter
    def sent(self, value: int) -> None:
        self._words[2] = value

    @property
    def skipped(self) -> int:
        """Pictures that a peer did not get because it had not shown earlier ones."""
        return int(self._words[3])

    @skipped.setter
    def skipped(self, value: int) -> None:
        self._words[3] = value

    def close(self) -> None:
        """Unmap; the creator's close removes the name."""
        self._words = np.zeros(4, np.int64)
        self._memory.close()
