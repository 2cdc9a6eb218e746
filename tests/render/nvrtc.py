"""NVRTC by ctypes, from NVIDIA's wheel: the compiler that CuPy uses, which needs no GPU."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files


@dataclass(frozen=True, slots=True)
class Usage:
    """What ptxas says of a kernel."""

    registers: int
    shared_bytes: int
    stack_bytes: int
    spill_store_bytes: int
    spill_load_bytes: int


class CompileError(Exception):
    """With NVRTC's log."""


@cache
def library() -> ctypes.CDLL | None:
    """The wheel's library; None where it is not installed."""
    try:
        listed = files("nvidia-cuda-nvrtc") or []
    except PackageNotFoundError:
        return None
    for path in listed:
        if re.fullmatch(r"libnvrtc\.so\.\d+|nvrtc64_\d+_0\.dll", path.name):
            return ctypes.CDLL(str(path.locate()))
    return None


def compile_cubin(source: str, architecture: str, options: Sequence[str] = ()) -> tuple[bytes, str]:
    """Machine code for an architecture (``sm_90``), and the log. Raises CompileError with the log."""
    nvrtc = library()
    assert nvrtc is not None
    program = ctypes.c_void_p()
    _check(nvrtc, nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None))
    try:
        words = [f"--gpu-architecture={architecture}", *options]
        given = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
        status = nvrtc.nvrtcCompileProgram(program, len(words), given)
        log = _text(nvrtc, program, "ProgramLog").decode().rstrip("\0")
        if status != 0:
            raise CompileError(log)
        return _text(nvrtc, program, "CUBIN"), log
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def usages(log: str) -> dict[str, Usage]:
    """Each kernel's usage, by the lines that ``--ptxas-options=-v`` makes ptxas write."""
    found = {}
    for part in log.split("Compiling entry function ")[1:]:
        name = re.match(r"'(\w+)'", part)
        stack, stores, loads = (
            int(re.search(rf"(\d+) bytes {what}", part)[1]) for what in ("stack frame", "spill stores", "spill loads")
        )
        shared = re.search(r"(\d+) bytes smem", part)
        registers = int(re.search(r"Used (\d+) registers", part)[1])
        found[name[1]] = Usage(registers, int(shared[1]) if shared else 0, stack, stores, loads)
    return found


def _text(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(nvrtc, getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(nvrtc, getattr(nvrtc, f"nvrtcGet{what}")(program, text))
    return text.raw


def _check(nvrtc: ctypes.CDLL, status: int) -> None:
    if status != 0:
        nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise CompileError(nvrtc.nvrtcGetErrorString(status).decode())
