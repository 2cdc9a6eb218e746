"""A ``Device`` of the cuda backend without a GPU: its kernels, compiled by the host's C++ compiler after emulation.h."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from translight.core.device import THREADS, Argument, Buffer

COMPILER = shutil.which("g++") if sys.platform == "linux" else None
"""Fibers, faults and sections are as Linux and GCC have them."""
FLAGS = (
    "-O2", "-g", "-std=c++17", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-march=native", "-U_FORTIFY_SOURCE", "-fno-strict-aliasing",
    "-fno-gnu-unique",
    "-ffp-contract=fast", "-fsanitize=undefined,float-cast-overflow", "-fno-sanitize=float-divide-by-zero",
    "-fsanitize-undefined-trap-on-error", "-Wall", "-Wno-unused", "-Wno-unknown-pragmas", "-Werror",
)  # fmt: skip
"""Multiplications and additions fuse as NVRTC fuses them; undefined behaviour traps; libraries share no variable."""
HEADER = Path(__file__).with_name("emulation.h")


class EmulationError(Exception):
    """A kernel did what a GPU would not forgive."""


@cache
def compiled(text: str) -> ctypes.CDLL:
    """Kernels as a library; kept in the system's temporary folder by a hash of all that made it."""
    assert COMPILER is not None
    whole = f'#line 1 "emulation.h"\n{HEADER.read_text("utf-8")}\n' + text
    version = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True).stdout
    digest = hashlib.sha256("\0".join([whole, *FLAGS, version]).encode()).hexdigest()[:20]
    path = Path(tempfile.gettempdir()) / f"translight-cuda-emulation-{os.getuid()}" / f"{digest}.so"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        command = [COMPILER, *FLAGS, "-x", "c++", "-", "-o", str(aside)]
        done = subprocess.run(command, input=whole, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EmulationError(done.stderr)
        aside.replace(path)
    library = ctypes.CDLL(str(path))
    library.emulate.restype = ctypes.c_char_p
    library.emulate.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.emulate_allocate.restype = ctypes.c_void_p
    library.emulate_allocate.argtypes = [ctypes.c_size_t]
    library.emulate_free.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return library


class Memory:
    """A buffer that ends where memory does, but for what aligns it."""

    def __init__(self, library: ctypes.CDLL, nbytes: int) -> None:
        self._library = library
        self.nbytes = nbytes
        self.address: int = library.emulate_allocate(nbytes)

    def array(self, dtype: Any) -> np.ndarray:
        """What it holds now, copied."""
        return np.frombuffer(ctypes.string_at(self.address, self.nbytes), dtype)

    def __del__(self) -> None:
        self._library.emulate_free(self.address, self.nbytes)


class Constant:
    def __init__(self, address: int, nbytes: int) -> None:
        self.address = address
        self.nbytes = nbytes


class Emulator:
    """Runs every launch at once. ``order`` is emulation.h's; ``launches`` tells the kernels launched, with blocks."""

    name = "emulator"

    def __init__(self, order: int = 0) -> None:
        self.order = order
        self._memory = compiled("")
        self._kernels: dict[str, tuple[ctypes.CDLL, ctypes.c_void_p]] = {}
        self._constants: dict[str, Constant] = {}
        self.launches: list[tuple[str, int]] = []
        self.allocated = 0

    def allocate(self, nbytes: int) -> Memory:
        self.allocated += 1
        return Memory(self._memory, nbytes)

    def load(self, text: str, kernels: Sequence[str], constants: Sequence[str]) -> None:
        library = compiled(text)
        for name in kernels:
            self._kernels[name] = library, ctypes.cast(getattr(library, name), ctypes.c_void_p)
        for name in constants:
            self._constants[name] = Constant(ctypes.addressof(ctypes.c_char.in_dll(library, name)), 1 << 16)

    def constant(self, name: str) -> Constant:
        return self._constants[name]

    def upload(self, buffer: Buffer, values: np.ndarray) -> None:
        assert values.flags.c_contiguous
        assert values.nbytes <= buffer.nbytes
        ctypes.memmove(buffer.address, values.ctypes.data, values.nbytes)

    def launch(self, kernel: str, blocks: int, arguments: Sequence[Argument], threads: int = THREADS) -> None:
        assert blocks > 0
        words = np.empty(len(arguments), np.uint64)
        for k, argument in enumerate(arguments):
            if isinstance(argument, np.int32 | np.uint32):
                words[k] = np.array(argument).view(np.uint32)
            else:
                words[k] = 0 if argument is None else argument.address
        self.launches.append((kernel, blocks))
        library, function = self._kernels[kernel]
        wrong = library.emulate(function, blocks, threads, words.ctypes.data, len(words), self.order)
        if wrong is not None:
            raise EmulationError(f"{kernel}: {wrong.decode()}")

    def record(self, draw: Callable[[], None]) -> Callable[[], None]:
        """The launches with their arguments as they are now, as a CUDA graph keeps them."""
        kept: list[tuple[str, int, list[Argument]]] = []

        class Recorder:
            def launch(_, kernel: str, blocks: int, arguments: Sequence[Argument]) -> None:  # noqa: N805
                kept.append((kernel, blocks, list(arguments)))

        real, self.launch = self.launch, Recorder().launch  # type: ignore[method-assign]
        try:
            draw()
        finally:
            self.launch = real  # type: ignore[method-assign]

        def again() -> None:
            for kernel, blocks, arguments in kept:
                self.launch(kernel, blocks, arguments)

        return again

    def download(self, buffer: Buffer, targets: Sequence[np.ndarray]) -> None:
        at = buffer.address
        for target in targets:
            assert target.flags.c_contiguous
            ctypes.memmove(target.ctypes.data, at, target.nbytes)
            at += target.nbytes
        assert at - buffer.address <= buffer.nbytes

    def synchronise(self) -> None:
        """Nothing is ever under way."""

    def close(self) -> None:
        self.launches.clear()
