"""What this machine can do: backends, cores, clock, shared memory, ports, extras; ``translight doctor`` prints it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import llvmlite.binding as llvm
import psutil

from translight.core.errors import BackendError, StreamError
from translight.render.backends import BACKENDS, open_renderer
from translight.server.children import may_go_first
from translight.stream.futex import has_futex
from translight.stream.monitors import described

Verdict = Literal["good", "note", "bad"]

EXTRAS = {
    "train": ("torch", "pycolmap"),
    "generate": ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors"),
    "cuda": ("cupy", "gsplat"),
    "display": ("glfw",),
    "ndi": ("NDIlib",),
    "webrtc": ("aiortc",),
    "ray": ("ray",),
}
"""Each extra and the modules that it brings."""

PORTS = {
    8000: ("udp", "OSC, Reality Field"),
    9000: ("udp", "OSC"),
    39539: ("udp", "OSC, VMC"),
    40000: ("udp", "FreeD"),
    52380: ("udp", "FreeD, Sony"),
    6301: ("udp", "FreeD, stYpe and Ncam"),
    8001: ("udp", "Mo-Sys F4"),
    55555: ("udp", "OpenTrackIO"),
    56565: ("udp", "PosiStageNet"),
    5556: ("tcp", "zmq+tcp://"),
}
"""Ports that shows commonly open."""
_SIMD = ("avx512f", "avx2", "fma", "f16c", "neon", "sve")
_NAPS = 40
_NAP_S = 0.002
_ROOM_WANTED_BYTES = 4 * 33_177_600


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    topic: str
    verdict: Verdict
    text: str


def examine() -> list[Finding]:
    """Look at everything. Takes a second or two, longer when a backend compiles for the first time."""
    return [*_machine(), *_clock(), *_priority(), *_memory(), *_backends(), *_ports(), *_monitors(), *_extras()]


def _machine() -> list[Finding]:
    features = llvm.get_host_cpu_features()
    simd = [name for name in _SIMD if features.get(name)]
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    total_gib = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return [
        Finding("system", "good", f"{system}, {total_gib:.0f} GiB of memory"),
        Finding(
            "processor",
            "good" if "avx2" in simd or "neon" in simd else "note",
            f"{cores} cores, {llvm.get_host_cpu_name()}, SIMD {' '.join(simd) or 'none that is used'}",
        ),
    ]


def _clock() -> list[Finding]:
    resolution_ns = time.get_clock_info("monotonic").resolution * 1e9
    late_us = []
    for _ in range(_NAPS):
        wanted = time.monotonic() + _NAP_S
        time.sleep(_NAP_S)
        late_us.append((time.monotonic() - wanted) * 1e6)
    worst = max(late_us)
    text = f"resolution {resolution_ns:.0f} ns; sleeps end {median(late_us):.0f} µs late, {worst:.0f} µs at worst"
    return [Finding("clock", "good" if median(late_us) < 500 else "note", text)]


def _priority() -> list[Finding]:
    if may_go_first():
        return [Finding("priority", "good", "a show's processes go before the machine's other work")]
    text = "this user may not raise it, so a busy machine can delay frames; on Linux, LimitNICE=-10 allows it"
    return [Finding("priority", "note", text)]


def _memory() -> list[Finding]:
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free
    waking = "futex" if has_futex() else "no futex: receivers look every half millisecond"
    enough = free > _ROOM_WANTED_BYTES
    text = f"{free / 2**20:.0f} MiB free in {folder}, {waking}"
    return [
        Finding("shared memory", "good" if enough else "note", text if enough else f"{text}; a 4K ring wants 127 MiB")
    ]


def _backends() -> list[Finding]:
    found = []
    for name in BACKENDS:
        try:
            open_renderer(name).close()
        except BackendError as error:
            found.append(Finding(f"backend {name}", "note", str(error)))
        else:
            found.append(Finding(f"backend {name}", "good", "opens"))
    if not any(f.verdict == "good" for f in found):
        found.append(Finding("rendering", "bad", "no backend opens: nothing can be rendered here"))
    return found


def _ports() -> list[Finding]:
    found = []
    for port, (kind, use) in PORTS.items():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("", port))
            except OSError as error:
                found.append(Finding(f"port {port}", "note", f"{kind} ({use}) cannot be opened: {error.strerror}"))
    if not found:
        found.append(Finding("ports", "good", f"free: {', '.join(str(p) for p in sorted(PORTS))}"))
    return found


def _monitors() -> list[Finding]:
    if importlib.util.find_spec("glfw") is None:
        return []
    try:
        with importlib.import_module("translight.stream.window").screens() as monitors:
            return [Finding("monitors", "good" if monitors else "note", described(monitors))]
    except (StreamError, ImportError) as error:  # ImportError: GLFW without its shared library
        return [Finding("monitors", "note", str(error))]


def _extras() -> list[Finding]:
    found = []
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        if missing:
            line = f'without {", ".join(missing)}: pip install "translight[{extra}]"'
            found.append(Finding(f"extra {extra}", "note", line))
        else:
            found.append(Finding(f"extra {extra}", "good", "installed"))
    return found
