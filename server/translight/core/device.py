"""What GPU code asks of a device: memory, kernels, launches in order, recordings of them, and copies.

``render/cuda/cupy_device.py`` is the real one; tests have one that runs the same kernels on the CPU, without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

THREADS = 256
"""Of a block, of every kernel."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """A buffer from some byte on."""

    whole: Buffer
    offset: int

    @property
    def address(self) -> int:
        """The device's pointer to it."""
        return self.whole.address + self.offset

    @property
    def nbytes(self) -> int:
        """What is left of the buffer."""
        return self.whole.nbytes - self.offset


Argument = Buffer | np.int32 | np.uint32 | None
"""Of a kernel: a buffer's address (None is null), or a 32-bit number."""


@runtime_checkable
class Device(Protocol):
    """One queue: what is asked of it happens in that order, after the call has returned, except ``download``."""

    name: str

    def load(self, text: str, kernels: Sequence[str], constants: Sequence[str]) -> None:
        """Compile CUDA C++, and make known its kernels and variables in constant memory by their names.

        Raises BackendError where the text does not compile for this device.
        """
        ...

    def constant(self, name: str) -> Buffer:
        """A variable in constant memory, of a text that was loaded."""
        ...

    def allocate(self, nbytes: int) -> Buffer:
        """Memory with undefined contents. Raises BackendError where there is not enough."""
        ...

    def upload(self, buffer: Buffer, values: np.ndarray[Any, Any]) -> None:
        """Copy a C-contiguous array to the buffer's beginning; the array may be changed after the call."""
        ...

    def launch(self, kernel: str, blocks: int, arguments: Sequence[Argument]) -> None:
        """Run a kernel in ``blocks`` blocks of ``THREADS`` threads."""
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


def uploaded(device: Device, values: np.ndarray[Any, Any]) -> Buffer:
    """A C-contiguous array in memory of its own."""
    buffer = device.allocate(values.nbytes)
    device.upload(buffer, values)
    return buffer
