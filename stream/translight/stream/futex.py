"""Wait for a 32-bit word in shared memory to change: a futex on Linux (futex(2)), short sleeps elsewhere."""

from __future__ import annotations

import ctypes
import platform
import sys
import time
from collections.abc import Callable

_WAIT, _WAKE = 0, 1
_EVERYONE = 2**31 - 1
_SYSCALL_NUMBERS = {"x86_64": 202, "aarch64": 98}
_POLL_S = 0.0005


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class Word:
    """One 32-bit word at ``offset`` (a multiple of 4) of a writable buffer, that one process bumps and others await."""

    def __init__(self, buffer: memoryview, offset: int) -> None:
        self._word: ctypes.c_uint32 | None = ctypes.c_uint32.from_buffer(buffer, offset)
        self._address = ctypes.addressof(self._word)
        self._syscall = _futex_call()

    @property
    def value(self) -> int:
        """The word now."""
        assert self._word is not None, "the word is released"
        return self._word.value

    def bump(self) -> None:
        """Add one (modulo 2³²) and wake everyone who waits."""
        assert self._word is not None, "the word is released"
        self._word.value = (self._word.value + 1) & 0xFFFFFFFF
        if self._syscall is not None:
            self._syscall(self._address, _WAKE, _EVERYONE, None)

    def wait(self, seen: int, timeout_s: float) -> bool:
        """Return when the word is no longer ``seen`` (True) or the time is over (False). Releases the GIL."""
        deadline = time.monotonic() + timeout_s
        while self.value == seen:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._syscall is None:
                time.sleep(min(_POLL_S, left))
            else:
                span = _Timespec(int(left), int(left % 1 * 1e9))
                self._syscall(self._address, _WAIT, seen, ctypes.byref(span))
        return True

    def release(self) -> None:
        """Let go of the buffer, so that it can be unmapped."""
        self._word = None


def has_futex() -> bool:
    """Whether waiting is a system call here rather than short sleeps."""
    return _futex_call() is not None


def _futex_call() -> Callable[..., int] | None:
    number = _SYSCALL_NUMBERS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.argtypes = [
        ctypes.c_long,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_uint32,
    ]
    libc.syscall.restype = ctypes.c_long

    def call(address: int, operation: int, value: int, timeout: object) -> int:
        return int(libc.syscall(number, address, operation, value, timeout, None, 0))

    return call
