"""The cuda backend: splats on an NVIDIA GPU by our own kernels, which NVRTC compiles on the user's machine."""

from __future__ import annotations

from importlib import import_module

from translight.core.errors import BackendError
from translight.render.cuda.renderer import CudaRenderer
from translight.render.nvidia import require_gpu

__all__ = ["CudaRenderer", "open_backend"]


def open_backend(threads: int | None = None) -> CudaRenderer:  # noqa: ARG001 - every backend is asked
    """The entry that backends.py calls. Raises BackendError without CuPy, an NVIDIA GPU, or a driver for it."""
    require_gpu("cuda")
    try:
        cupy_device = import_module("translight.render.cuda.cupy_device")
    except ImportError as error:
        raise BackendError(
            f'the cuda backend needs CuPy, which cannot be imported ({error}); pip install "translight[cuda]"'
        ) from error
    return CudaRenderer(cupy_device.open_device())
