"""How the ray tracer's kernels are compiled: without the GIL, and cached on disk (core/kernel_cache.py)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from translight.core.kernel_cache import cached
from translight.environment import noise

_njit: Any = numba.njit
_intrinsic: Any = intrinsic
"""Their own types lack options, and would ask callers for the typing context."""
_FAST_MATH = {"contract", "arcp", "nsz"}
"""Distances may be infinite, so there is no ``ninf``."""


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls, for one thread."""
    compiled = _njit(nogil=True, error_model="numpy", fastmath=_FAST_MATH)(function)
    return cached(compiled, Path(noise.__file__).parent)


def part(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call: it is kept within theirs."""
    return _within(function)


def summing(function: Callable[..., Any]) -> Any:
    """A part whose sums may be taken in any order, so that several terms are reckoned at once."""
    return _within(function, fast_math=_FAST_MATH | {"reassoc"})


def inlined(function: Callable[..., Any]) -> Any:
    """A short part that LLVM copies into its callers."""
    return _within(function, inline=True)


def _within(function: Callable[..., Any], *, fast_math: set[str] = _FAST_MATH, inline: bool = False) -> Any:
    # Without a word, a part would inherit "forceinline" from the first inlined function that calls it.
    return _njit(
        nogil=True,
        error_model="numpy",
        fastmath=fast_math,
        forceinline=inline,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(function)


@_intrinsic
def stays_apart(_typing: Any) -> Any:
    """Written first in a part, keeps LLVM from copying it into every caller: compiling would take minutes."""

    def lower(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), lower


@_intrinsic
def get(_typing: Any, array: Any, offset: Any) -> Any:
    """An element of a flat array, as int64 or float64; nothing is tested, so less is compiled and more runs at once."""
    if not isinstance(array, types.Array) or array.ndim != 1 or not isinstance(offset, types.Integer):
        return None
    found = types.float64 if isinstance(array.dtype, types.Float) else types.int64

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = context.cast(builder, args[1], signature.args[1], types.int64)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        value = builder.load(builder.gep(data, [at]))
        return context.cast(builder, value, array.dtype, found)

    return found(array, offset), lower


@_intrinsic
def call(_typing: Any, function: Any, first: Any, second: Any, third: Any) -> Any:
    """Call a C function at an address, of three words (or addresses) and without a result."""
    if not all(isinstance(word, types.Integer) for word in (function, first, second, third)):
        return None

    def lower(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 3)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.none(types.int64, types.int64, types.int64, types.int64), lower
