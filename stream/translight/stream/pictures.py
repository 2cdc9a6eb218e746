"""Preallocated pictures between the live loop, which never waits, and one worker thread (video.py, recorder.py)."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from translight.core.clock import now_ns
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader, picture_check


@dataclass(slots=True, eq=False)
class Room:
    """Memory for one picture, and the header of what lies in it."""

    pixels: NDArray[np.generic]
    header: FrameHeader | None = None


class Pictures:
    """``depth`` pictures may wait for the worker. ``acquire`` and ``publish`` are one thread's, ``take`` another's.

    When as many wait already, ``newest_wins`` gives up the oldest of them; otherwise the picture that comes is given
    up, so that what waits stays in order. All memory is allocated, and touched, here.
    """

    def __init__(self, spec: PictureSpec, depth: int, *, newest_wins: bool) -> None:
        if depth < 1:
            raise ValueError(f"at least one picture waits, got {depth}")
        self._changed = threading.Condition(threading.Lock())
        shape = spec.format.shape(spec.width_px, spec.height_px)
        # One is lent to the live loop and one is in the worker's hands.
        self.rooms = tuple(Room(np.full(shape, 0, spec.format.dtype)) for _ in range(depth + 2))
        """All there are."""
        self._free = list(self.rooms)
        self._waiting: deque[Room] = deque()
        self._depth = depth
        self._newest_wins = newest_wins
        self._lent: Room | None = None
        self._closed = False
        self.published = 0
        """Pictures that came."""
        self._given_up: deque[FrameHeader] = deque(maxlen=4096)
        self.dropped = 0
        """Pictures that the worker never gets."""

    def acquire(self) -> NDArray[np.generic]:
        """Room for the next picture; asking again lends the same."""
        if self._lent is None:
            with self._changed:
                self._lent = self._free.pop()
        return self._lent.pixels

    def publish(self, header: FrameHeader) -> FrameHeader:
        """Queue what ``acquire`` lent; returns the header with its check and ``sent_ns``."""
        if self._lent is None:
            raise ValueError("publish comes after acquire")
        room, self._lent = self._lent, None
        check = picture_check(room.pixels.reshape(-1).view(np.uint8))
        sent = replace(header, check=check, times=replace(header.times, sent_ns=now_ns()))
        room.header = sent
        with self._changed:
            self.published += 1
            if self._closed:
                self._give_up(room)
                return sent
            if len(self._waiting) == self._depth:
                if not self._newest_wins:
                    self._give_up(room)
                    return sent
                self._give_up(self._waiting.popleft())
            self._waiting.append(room)
            self._changed.notify()
        return sent

    @property
    def lent(self) -> bool:
        """Whether a room is lent that was not published."""
        return self._lent is not None

    @property
    def crowded(self) -> bool:
        """Whether as many wait as may, so that one more will make one be given up."""
        return len(self._waiting) == self._depth

    def take(self, timeout_s: float) -> Room | None:
        """The next picture, to be handed back with ``give_back``; None at the timeout or once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            return self._waiting.popleft() if self._waiting else None

    def give_back(self, room: Room) -> None:
        """The worker is done with it."""
        with self._changed:
            self._free.append(room)

    def give_up(self, room: Room) -> None:
        """The worker could do nothing with it: counted as dropped."""
        with self._changed:
            self._give_up(room)

    def given_up(self) -> list[FrameHeader]:
        """Headers of the pictures given up since the last call (the last 4096 of them)."""
        with self._changed:
            found = list(self._given_up)
            self._given_up.clear()
        return found

    def close(self) -> None:
        """Nothing more comes: what is published from now on is dropped, and ``take`` gives what still waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Give up what waits."""
        with self._changed:
            while self._waiting:
                self._give_up(self._waiting.popleft())

    @property
    def closed(self) -> bool:
        """Whether ``close`` has been called."""
        return self._closed

    def _give_up(self, room: Room) -> None:
        assert room.header is not None
        self.dropped += 1
        self._given_up.append(room.header)
        self._free.append(room)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
