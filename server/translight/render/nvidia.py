"""Whether there is an NVIDIA GPU, told without importing what draws on it: torch takes seconds, the driver does not."""

from __future__ import annotations

import ctypes
import sys

from translight.core.errors import BackendError

_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def require_gpu(backend: str) -> None:
    """Raise BackendError, naming the backend, where NVIDIA's driver finds no device.

    Source: the CUDA Driver API, ``cuInit`` and ``cuDeviceGetCount``.
    """
    try:
        driver = ctypes.CDLL(_LIBRARY)
    except OSError:
        raise BackendError(f"the {backend} backend needs an NVIDIA GPU; its driver ({_LIBRARY}) is not here") from None
    count = ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status or count.value < 1:
        raise BackendError(f"the {backend} backend needs an NVIDIA GPU; the driver finds none (CUDA error {status})")
