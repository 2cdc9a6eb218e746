"""The ``core/device.py`` that CuPy makes: a stream of the current GPU, and NVRTC with a cache on disk."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import cupy
import numpy as np

from translight.core.device import THREADS, Argument, Buffer
from translight.core.errors import BackendError
from translight.render.cuda.readback import Readback

OPTIONS = ("--std=c++17",)
"""To NVRTC; CuPy adds the GPU's architecture and ``-ftz=true``."""
_LEAST_CAPABILITY = 70
"""Volta: warps whose lanes may part, and ``__match_any_sync``."""
_in_use: set[int] = set()
"""Numbers of the devices that are open in this process."""
_STAGED_BYTES = 1 << 16
"""As much as constant memory has."""
_STAGES = 4


def open_device() -> CupyDevice:
    """The current GPU. Raises BackendError where there is none, or its driver or itself is too old.

    ``nvidia.py`` has asked the driver whether there is one, before CuPy was imported.
    """
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise BackendError(
            f"the cuda backend needs an NVIDIA GPU and its driver for CUDA {_cuda_version()} ({error})"
        ) from error
    device = cupy.cuda.Device()
    if int(device.compute_capability) < _LEAST_CAPABILITY:
        raise BackendError(
            f"the cuda backend needs compute capability {_LEAST_CAPABILITY / 10:g} (Volta) or newer; GPU {device.id} "
            f"has {int(device.compute_capability) / 10:g}"
        )
    return CupyDevice()


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """A piece of CuPy's pool, or a variable of the module; ``pointer`` keeps it."""

    pointer: Any
    nbytes: int

    @property
    def address(self) -> int:
        return int(self.pointer.ptr)


@dataclass(slots=True)
class _Stage:
    """Pinned memory that a small upload is copied from, and what tells when it has been."""

    memory: Any
    copied: Any


class CupyDevice:
    """See ``device.Device``."""

    name = "cupy"

    def __init__(self) -> None:
        self._number = next(k for k in count() if k not in _in_use)
        _in_use.add(self._number)
        self._kernels: dict[str, Any] = {}
        self._constants: dict[str, _Memory] = {}
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self._pool = cupy.cuda.MemoryPool()
        self._stages = [
            _Stage(cupy.cuda.alloc_pinned_memory(_STAGED_BYTES), cupy.cuda.Event(disable_timing=True))
            for _ in range(_STAGES)
        ]
        self._next_stage = 0
        self._readback = Readback(self.stream)

    def load(self, text: str, kernels: Sequence[str], constants: Sequence[str]) -> None:
        """See ``device.Device``."""
        # CuPy has one module for one text, but constant memory must be each device's own
        module = cupy.RawModule(code=f"{text}\n// {self._number}\n", options=OPTIONS)
        try:
            self._kernels |= {name: module.get_function(name) for name in kernels}
            self._constants |= {name: _Memory(module.get_global(name), _STAGED_BYTES) for name in constants}
        except cupy.cuda.compiler.CompileException as error:
            raise BackendError(f"NVRTC does not compile the cuda backend's kernels: {_first_line(error)}") from error
        except RuntimeError as error:
            raise BackendError(f"the GPU does not load the cuda backend's kernels: {error}") from error

    def constant(self, name: str) -> Buffer:
        """See ``device.Device``."""
        return self._constants[name]

    def allocate(self, nbytes: int) -> Buffer:
        """See ``device.Device``."""
        try:
            with self.stream:
                return _Memory(self._pool.malloc(max(nbytes, 16)), nbytes)
        except cupy.cuda.memory.OutOfMemoryError as error:
            raise BackendError(
                f"the GPU has no {nbytes / 1e6:,.0f} MB left; draw fewer splats, or fewer or smaller views in a call"
            ) from error

    def upload(self, buffer: Buffer, values: np.ndarray[Any, Any]) -> None:
        """See ``device.Device``: small arrays by way of pinned memory, which waits for nothing."""
        source_address = values.ctypes.data
        if not values.nbytes:
            return
        if values.nbytes > _STAGED_BYTES:
            # Not pinned: CUDA has taken a copy when the call returns, after waiting for the stream.
            self._copy_in(buffer.address, source_address, values.nbytes)
            self.stream.synchronize()
            return
        stage = self._stages[self._next_stage]
        self._next_stage = (self._next_stage + 1) % _STAGES
        stage.copied.synchronize()
        ctypes.memmove(stage.memory.ptr, source_address, values.nbytes)
        self._copy_in(buffer.address, stage.memory.ptr, values.nbytes)
        stage.copied.record(self.stream)

    def launch(self, kernel: str, blocks: int, arguments: Sequence[Argument]) -> None:
        """See ``device.Device``."""
        with _failures_told(), self.stream:
            self._kernels[kernel]((blocks,), (THREADS,), tuple(_by_value(argument) for argument in arguments))

    def record(self, draw: Callable[[], None]) -> Callable[[], None]:
        """See ``device.Device``: a CUDA graph."""
        with _failures_told(), self.stream:
            self.stream.begin_capture()
            try:
                draw()
            finally:
                graph = self.stream.end_capture()

        def replay() -> None:
            with _failures_told():
                graph.launch(self.stream)

        return replay

    def download(self, buffer: Buffer, targets: Sequence[np.ndarray[Any, Any]]) -> None:
        """See ``device.Device``."""
        with _failures_told():
            self._readback.fill(buffer.address, targets)

    def synchronise(self) -> None:
        """See ``device.Device``."""
        with _failures_told():
            self.stream.synchronize()

    def close(self) -> None:
        """See ``device.Device``."""
        with suppress(BackendError):
            self.synchronise()
        self._readback.close()
        self._pool.free_all_blocks()
        _in_use.discard(self._number)

    def _copy_in(self, target: int, origin: int, nbytes: int) -> None:
        runtime = cupy.cuda.runtime
        runtime.memcpyAsync(target, origin, nbytes, runtime.memcpyHostToDevice, self.stream.ptr)


@contextmanager
def _failures_told() -> Iterator[None]:
    """CUDA's errors, which CuPy raises as RuntimeErrors, as the backend's."""
    try:
        yield
    except RuntimeError as error:
        raise BackendError(f"the GPU failed to draw: {error}") from error


def _by_value(argument: Argument) -> Any:
    """A pointer's or number's bytes, as CuPy passes NumPy scalars."""
    if argument is None:
        return np.uint64(0)
    return argument if isinstance(argument, np.int32 | np.uint32) else np.uint64(argument.address)


def _cuda_version() -> str:
    version = cupy.cuda.runtime.runtimeGetVersion()
    return f"{version // 1000}.{version % 1000 // 10}"


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if "error" in line), str(error)).strip()
