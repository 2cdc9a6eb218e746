"""A mailbox of one between two stages (threads.py): the writer never waits, a slow reader skips."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the newest value for one reader; ``peek`` serves any number of onlookers."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._value: T | None = None
        self._fresh = False
        self._closed = False
        self._put = 0
        self._skipped = 0

    def put(self, value: T) -> None:
        """Replace the value and wake the reader, without ever waiting for it. Dropped once closed."""
        with self._changed:
            if self._closed:
                return
            self._put += 1
            self._skipped += self._fresh
            self._value = value
            self._fresh = True
            self._changed.notify()

    def get(self, timeout_s: float | None = None) -> T | None:
        """Take the value put since the last ``get``, waiting for one if need be; None at the timeout or when closed.

        A value put before the close is still given, once. Without a timeout this waits until a value or the close.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._fresh or self._closed, timeout_s)
            if not self._fresh:
                return None
            self._fresh = False
            return self._value

    def peek(self) -> T | None:
        """The newest value, taken or not, without taking it; None before the first."""
        with self._changed:
            return self._value

    def close(self) -> None:
        """No more values: the reader wakes, and later puts are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether ``close`` has been called."""
        return self._closed

    @property
    def put_count(self) -> int:
        """Values put so far."""
        return self._put

    @property
    def skipped_count(self) -> int:
        """Values that were replaced before the reader took them."""
        return self._skipped
