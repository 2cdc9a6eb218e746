"""As much of CuPy as the cuda backend uses, over the emulator, and as late as CUDA may be.

What a stream is asked for waits until something waits for it. So a copy from memory that has been overwritten
meanwhile, or a read of what has not been copied yet, shows as wrong pixels.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from tests.render.cuda_emulation.emulator import EmulationError, Emulator

HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2


class CUDARuntimeError(RuntimeError):
    pass


class CompileException(Exception):  # noqa: N818 - CuPy's name
    pass


class OutOfMemoryError(MemoryError):
    pass


class World:
    """What a test may set, and look at."""

    def __init__(self) -> None:
        self.emulator = Emulator()
        self.capability, self.memory = "90", 1 << 40
        self.driver_error: str | None = None
        self.failed: str | None = None
        self.compiles = True
        self.may_lock = True
        self.locked: dict[int, int] = {}
        self.pinned: dict[int, int] = {}
        self.streams: dict[int, Stream] = {}
        self.current: list[Stream] = []
        self.direct_bytes = self.staged_bytes = self.graphs = self.replays = 0


class Stream:
    def __init__(self, world: World) -> None:
        self.world = world
        self.ptr = 1000 + len(world.streams)
        self.queue: list[Any] = []
        self.capture: list[Callable[[], None]] | None = None
        world.streams[self.ptr] = self

    def ask(self, what: Any) -> None:
        if self.capture is None:
            self.queue.append(what)
        elif isinstance(what, Event | Copy):
            raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported")
        else:
            self.capture.append(what)

    def run(self, until: Any = None) -> None:
        if self.capture is not None:
            raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: waiting while capturing")
        while self.queue:
            what = self.queue.pop(0)
            if isinstance(what, Event):
                what.passed_s = time.perf_counter()
                if what is until:
                    return
            else:
                try:
                    what()
                except EmulationError as error:
                    self.world.failed = f"cudaErrorIllegalAddress: {error}"
                    self.queue.clear()
        if self.world.failed is not None:
            raise CUDARuntimeError(self.world.failed)

    def synchronize(self) -> None:
        self.run()

    def begin_capture(self) -> None:
        self.capture = []

    def end_capture(self) -> SimpleNamespace:
        kept, self.capture = self.capture, None
        assert kept is not None
        self.world.graphs += 1

        def launch(stream: Stream) -> None:
            self.world.replays += 1
            for what in kept:
                stream.ask(what)

        return SimpleNamespace(launch=launch)

    def __enter__(self) -> Stream:
        self.world.current.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.world.current.pop()


class Event:
    def __init__(self) -> None:
        self.stream: Stream | None = None
        self.passed_s = 0.0

    def record(self, stream: Stream) -> None:
        self.stream = stream
        stream.ask(self)

    def synchronize(self) -> None:
        if self.stream is not None and self in self.stream.queue:
            self.stream.run(self)


class Copy:
    def __init__(self, target: int, origin: int, nbytes: int) -> None:
        self.place = target, origin, nbytes

    def __call__(self) -> None:
        ctypes.memmove(*self.place)


def within(ranges: dict[int, int], address: int, nbytes: int) -> bool:
    return any(start <= address and address + nbytes <= start + length for start, length in ranges.items())


def cupy_of(world: World) -> ModuleType:
    """A module to stand for ``cupy``."""

    def memcpy_async(target: int, origin: int, nbytes: int, kind: int, stream_ptr: int) -> None:
        stream = world.streams[stream_ptr]
        host = origin if kind == HOST_TO_DEVICE else target
        pinned, locked = within(world.pinned, host, nbytes), within(world.locked, host, nbytes)
        if kind == HOST_TO_DEVICE and not pinned:
            kept = ctypes.create_string_buffer(ctypes.string_at(origin, nbytes), nbytes)
            stream.run()
            ctypes.memmove(target, kept, nbytes)
            return
        if kind == DEVICE_TO_HOST:
            assert pinned or locked, "a copy to pageable memory is not asynchronous"
            if locked:
                world.direct_bytes += nbytes
            else:
                world.staged_bytes += nbytes
        stream.ask(Copy(target, origin, nbytes))

    class RawModule:
        def __init__(self, *, code: str, options: tuple[str, ...]) -> None:
            assert options == ("--std=c++17",)
            self.code = code

        def get_function(self, name: str) -> Callable[..., None]:
            if not world.compiles:
                raise CompileException("warning: all is well\nblend.cu(3): error: expected a ';'\n1 error detected")

            def call(grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
                assert len(grid) == len(block) == 1
                kept = []
                for argument in arguments:
                    assert type(argument) in (np.int32, np.uint32, np.uint64)
                    whole = isinstance(argument, np.uint64)
                    kept.append(SimpleNamespace(address=int(argument)) if whole else argument)

                def launch() -> None:
                    world.emulator.load(self.code, [name], [])  # another module may have the same names
                    world.emulator.launch(name, grid[0], kept, block[0])

                world.current[-1].ask(launch)

            return call

        def get_global(self, name: str) -> SimpleNamespace:
            world.emulator.load(self.code, [], [name])
            return SimpleNamespace(ptr=world.emulator.constant(name).address)

    class MemoryPool:
        def malloc(self, nbytes: int) -> SimpleNamespace:
            assert world.current, "memory of the stream that uses it"
            if nbytes > world.memory:
                raise OutOfMemoryError(f"Out of memory allocating {nbytes:,} bytes")
            memory = world.emulator.allocate(nbytes)
            return SimpleNamespace(ptr=memory.address, mem=memory)

        def free_all_blocks(self) -> None:
            pass

    def alloc_pinned_memory(nbytes: int) -> SimpleNamespace:
        memory = world.emulator.allocate(nbytes)
        world.pinned[memory.address] = nbytes
        return SimpleNamespace(ptr=memory.address, mem=memory)

    def count_devices() -> int:
        if world.driver_error is not None:
            raise CUDARuntimeError(world.driver_error)
        return 1

    def host_register(address: int, nbytes: int, flags: int) -> None:
        if not world.may_lock or address in world.locked:
            raise CUDARuntimeError("cudaErrorHostMemoryAlreadyRegistered")
        world.locked[address] = nbytes

    def host_unregister(address: int) -> None:
        del world.locked[address]

    module: Any = ModuleType("cupy")
    module.__version__ = "0"
    module.RawModule = RawModule
    module.cuda = SimpleNamespace(
        Stream=lambda **_: Stream(world),
        Event=lambda **_: Event(),
        MemoryPool=MemoryPool,
        Device=lambda: SimpleNamespace(id=0, compute_capability=world.capability),
        alloc_pinned_memory=alloc_pinned_memory,
        get_elapsed_time=lambda before, after: 1e3 * (after.passed_s - before.passed_s),
        compiler=SimpleNamespace(CompileException=CompileException),
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            getDeviceCount=count_devices,
            runtimeGetVersion=lambda: 13020,
            memcpyAsync=memcpy_async,
            memcpyHostToDevice=HOST_TO_DEVICE,
            memcpyDeviceToHost=DEVICE_TO_HOST,
            hostRegister=host_register,
            hostUnregister=host_unregister,
            getDeviceProperties=lambda _: {"name": b"an emulated GPU"},
        ),
    )
    return module
