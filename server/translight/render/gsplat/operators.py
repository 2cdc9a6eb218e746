"""gsplat's operators that the renderer is made of, and their compilation, which takes minutes once on a machine.

Source: gsplat 1.5.3, ``gsplat/cuda/_wrapper.py`` (the functions) and ``_backend.py`` (what is compiled, and where to).
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch.utils import cpp_extension

from translight.core.errors import BackendError

_LOOK_S = 1.0
_PREBUILT = "gsplat.csrc"
"""The module of compiled kernels in gsplat's prebuilt wheels."""
_EXTENSION = "gsplat_cuda"
"""The name under which gsplat has torch build its kernels."""


@dataclass(frozen=True, slots=True)
class Operators:
    """gsplat's functions by what they do here; tests put others of the same signatures in their place."""

    fully_fused_projection: Callable[..., Any]
    spherical_harmonics: Callable[..., Any]
    isect_tiles: Callable[..., Any]
    isect_offset_encode: Callable[..., Any]
    rasterize_to_pixels: Callable[..., Any]


def load_operators() -> Operators:
    """gsplat's own; does not compile yet. Raises BackendError where they cannot run."""
    if not torch.cuda.is_available():
        raise BackendError(f"the gsplat backend needs an NVIDIA GPU; torch {torch.__version__} sees none")
    if shutil.which("nvcc") is None and cpp_extension.CUDA_HOME is None and not _compiled():
        raise BackendError(
            "the gsplat backend compiles its kernels on first use and finds no nvcc: install CUDA's toolkit"
        )
    try:
        wrapper = importlib.import_module("gsplat.cuda._wrapper")
    except ImportError as error:
        raise BackendError(
            f'the gsplat backend needs gsplat, which cannot be imported ({error}); pip install "translight[cuda]"'
        ) from error
    return Operators(**{name: getattr(wrapper, name) for name in Operators.__slots__})


def compile_operators(progress: Callable[[str], None]) -> None:
    """Compile gsplat's kernels for this GPU where that has not been done; ``progress`` is told how far it is.

    Raises BackendError when they cannot be compiled.
    """
    if _compiled():
        _load_extension()
        return
    sources = (files("gsplat") / "cuda" / "csrc").iterdir()
    total = 1 + sum(source.name.endswith((".cu", ".cpp")) for source in sources)
    tell_while(_load_extension, _built().parent, total, progress)


def tell_while(work: Callable[[], None], folder: Path, total: int, progress: Callable[[str], None]) -> None:
    """Do ``work``, and meanwhile tell how many of ``total`` object files have appeared in ``folder``."""
    began, told = time.monotonic(), -1
    with ThreadPoolExecutor(1) as worker:
        future = worker.submit(work)
        while True:
            done = len(list(folder.rglob("*.o"))) if folder.exists() else 0
            if done != told:
                told = done
                minutes = (time.monotonic() - began) / 60
                progress(f"compiling gsplat, once on this machine: {done} of {total} parts, {minutes:.1f} minutes")
            try:
                future.result(timeout=_LOOK_S)
            except NotYet:
                continue
            return


def _compiled() -> bool:
    """Whether kernels came with gsplat (its prebuilt wheels), or have been compiled on this machine."""
    with suppress(ModuleNotFoundError):
        if importlib.util.find_spec(_PREBUILT) is not None:
            return True
    return _built().exists()


def _built() -> Path:
    """The library that gsplat has torch build."""
    folder = Path(cpp_extension._get_build_directory(_EXTENSION, verbose=False))
    return folder / f"{_EXTENSION}.so"


def _load_extension() -> None:
    try:
        extension = importlib.import_module("gsplat.cuda._backend")._C
    except (OSError, RuntimeError, ImportError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BackendError(f"gsplat's kernels do not compile here: {lines[0]}") from error
    if extension is None:
        raise BackendError("gsplat found no CUDA toolkit to compile its kernels with: install nvcc")
