"""Pixels back to the host: straight into arrays that are seen again and again, through pinned memory into others.

An array that is filled a second time, or another view of its memory, is page-locked, so that the GPU writes into it
by itself. Before, and where the system does not allow it, two pinned strips take turns: while the GPU fills one, the
other is copied to its place.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import cupy
import numpy as np

STRIP_BYTES = 1 << 22
_LOCKED_BYTES = 1 << 20
"""Smaller arrays are not worth a page lock."""


class Readback:
    """Copies from a stream's GPU, in the stream's order."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._strips = [cupy.cuda.alloc_pinned_memory(STRIP_BYTES) for _ in range(2)]
        self._filled = [cupy.cuda.Event(disable_timing=True) for _ in range(2)]
        self._locks: dict[tuple[int, int], _Lock] = {}

    def fill(self, address: int, targets: Sequence[np.ndarray[Any, Any]]) -> None:
        """Fill C-contiguous arrays, one after the other, from the device's ``address`` on; they are whole on return."""
        strips: list[tuple[int, int, int]] = []
        for target in targets:
            to = target.ctypes.data
            if self._locked(target):
                self._copy_out(to, address, target.nbytes)
            else:
                strips += [
                    (to + at, address + at, min(STRIP_BYTES, target.nbytes - at))
                    for at in range(0, target.nbytes, STRIP_BYTES)
                ]
            address += target.nbytes
        for k, (_, origin, nbytes) in enumerate(strips):
            if k >= 2:
                self._empty(k - 2, strips)
            self._copy_out(self._strips[k % 2].ptr, origin, nbytes)
            self._filled[k % 2].record(self._stream)
        for k in range(max(0, len(strips) - 2), len(strips)):
            self._empty(k, strips)
        self._stream.synchronize()

    def close(self) -> None:
        """Unlock every array."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()

    def _empty(self, k: int, strips: Sequence[tuple[int, int, int]]) -> None:
        target, _, nbytes = strips[k]
        self._filled[k % 2].synchronize()
        ctypes.memmove(target, self._strips[k % 2].ptr, nbytes)

    def _copy_out(self, target: int, origin: int, nbytes: int) -> None:
        runtime = cupy.cuda.runtime
        runtime.memcpyAsync(target, origin, nbytes, runtime.memcpyDeviceToHost, self._stream.ptr)

    def _locked(self, target: np.ndarray[Any, Any]) -> bool:
        """Whether the GPU may write into an array by itself; from its second time on, if it can be locked."""
        if target.nbytes < _LOCKED_BYTES:
            return False
        key = (target.ctypes.data, target.nbytes)
        lock = self._locks.get(key)
        if lock is None:
            self._locks[key] = lock = _Lock(key[0], key[1])
            weakref.finalize(_whole(target), self._forget, key).atexit = False
            return False
        return lock.acquire()

    def _forget(self, key: tuple[int, int]) -> None:
        """The array is gone: its memory is unlocked before the system has it back."""
        lock = self._locks.pop(key, None)
        if lock is not None:
            lock.release()


def _whole(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array that a view is of: its memory stays as long as this one does."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class _Lock:
    """The page lock of an array's memory, tried once."""

    __slots__ = ("_address", "_held", "_nbytes", "_tried")

    def __init__(self, address: int, nbytes: int) -> None:
        self._address, self._nbytes = address, nbytes
        self._tried = self._held = False

    def acquire(self) -> bool:
        if not self._tried:
            self._tried = True
            with suppress(cupy.cuda.runtime.CUDARuntimeError):
                cupy.cuda.runtime.hostRegister(self._address, self._nbytes, 0)
                self._held = True
        return self._held

    def release(self) -> None:
        if self._held:
            self._held = False
            with suppress(cupy.cuda.runtime.CUDARuntimeError):
                cupy.cuda.runtime.hostUnregister(self._address)
