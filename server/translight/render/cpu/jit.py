"""How every kernel of this backend is compiled: without the GIL, and cached on disk for the next start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba

from translight.core.kernel_cache import cached

FAST_MATH = {"contract", "arcp", "nsz"}
"""No ``reassoc`` (it undoes rounding by magic numbers), no ``nnan`` or ``ninf`` (a depth may be infinite)."""


_HERE = Path(__file__).parent
"""Other folders' kernels build on this one's."""


def kernel(function: Callable[..., Any]) -> Any:
    """Compile for one thread."""
    return cached(numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH)(function), _HERE)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile as a part of the kernels that call it: LLVM inlines it."""
    return numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH, forceinline=True)(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile with ``numba.prange`` over Numba's threads; such kernels run from one Python thread at a time."""
    return cached(numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=FAST_MATH)(function), _HERE)


@contextmanager
def on_threads(threads: int) -> Iterator[None]:
    """Parallel kernels that are called within run on so many of Numba's threads."""
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        yield
    finally:
        numba.set_num_threads(before)
