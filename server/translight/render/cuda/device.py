"""What the cuda backend asks of a device: memory, launches in order, graphs of them, and copies.

``cupy_device.py`` is the real one; tests have one that runs the same kernels on the CPU, without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np


class Buffer(Protocol):
    """Memory of the device, 16-byte aligned; it is freed with the last reference."""

    @property
    def address(self) -> int:
        """The device's pointer to it."""
        ...

    @property
    def nbytes(self) -> int:
        """How long it is."""
        ...


Argument = Buffer | np.int32 | np.uint32 | None
"""Of a kernel: a buffer's address (None is null), or a 32-bit number."""


class Device(Protocol):
    """One queue: what is asked of it happens in that order, after the call has returned, except ``download``."""

    name: str

    def allocate(self, nbytes: int) -> Buffer:
        """Memory with undefined contents. Raises BackendError where there is not enough."""
        ...

    def constant(self, name: str) -> Buffer:
        """A variable in constant memory."""
        ...

    def upload(self, buffer: Buffer, values: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to the buffer's beginning; the array may be changed after the call."""
        ...

    def launch(self, kernel: str, blocks: int, arguments: Sequence[Argument]) -> None:
        """Run a kernel in ``blocks`` blocks of ``source.THREADS`` threads."""
        ...

    def record(self, draw: Callable[[], None]) -> Callable[[], None]:
        """What launches again all that ``draw``, which only launches, launches now; nothing runs meanwhile."""
        ...

    def download(self, buffer: Buffer, targets: Sequence[np.ndarray[Any, Any]]) -> None:
        """Fill C-contiguous arrays, one after the other, from the buffer's beginning on; waits for all before it."""
        ...

    def synchronise(self) -> None:
        """Wait until everything asked for has happened."""
        ...

    def close(self) -> None:
        """Free what the device holds for itself. May be called twice."""
        ...
