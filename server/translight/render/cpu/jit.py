"""How every kernel of this backend is compiled: without the GIL, and cached on disk for the next start."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache

FAST_MATH = {"contract", "arcp", "nsz"}
"""No ``reassoc`` (it undoes rounding by magic numbers), no ``nnan`` or ``ninf`` (a depth may be infinite)."""


@cache
def _sources_digest(folder: Path) -> str:
    """Of the sources in this folder and in another that builds on it."""
    digest = hashlib.sha256()
    for place in dict.fromkeys((Path(__file__).parent, folder)):
        for path in sorted(place.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


class _KernelCache(FunctionCache):
    """Numba's cache knows a kernel by its own file; these are inlined across files, so every source counts."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        key: tuple[Any, ...] = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return (*key, _sources_digest(Path(self._py_func.__code__.co_filename).parent))


def kernel(function: Callable[..., Any]) -> Any:
    """Compile for one thread."""
    return _cached(numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile as a part of the kernels that call it: LLVM inlines it."""
    return numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH, forceinline=True)(function)


def parallel_kernel(function: Callable[..., Any]) -> Any:
    """Compile with ``numba.prange`` over Numba's threads; such kernels run from one Python thread at a time."""
    return _cached(numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=FAST_MATH)(function))


def _cached(dispatcher: Any) -> Any:
    dispatcher.enable_caching()
    dispatcher._cache = _KernelCache(dispatcher.py_func)  # type: ignore[no-untyped-call]
    return dispatcher
