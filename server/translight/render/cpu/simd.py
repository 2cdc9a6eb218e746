"""Vectors of 16 lanes (8 where there is no AVX-512) as Numba types, whose operators become LLVM vector instructions.

Inside a kernel ``a * b + c`` of float vectors is one fused multiply-add; a float32 scalar beside a vector is repeated
over its lanes. Loads and stores are in memory.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable


def _target_features() -> set[str]:
    """Features of the processor that Numba compiles for (NUMBA_CPU_FEATURES, or the host's)."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return {word[1:] for word in features.split(",") if word.startswith("+")}


FEATURES = frozenset(_target_features())
LANES = 16 if "avx512f" in FEATURES else 8
"""Lanes of a vector; on a processor whose registers are narrower, LLVM takes several for one."""


def instruction(function: Callable[..., Any]) -> Any:
    """``numba.extending.intrinsic``, whose own annotations show type checkers a call with other arguments."""
    return intrinsic(function)


_F, _I, _B = ir.FloatType(), ir.IntType(32), ir.IntType(1)
_functions: Any = cgutils
_lower: Any = lower_builtin
_FLAGS = ("contract", "nsz", "arcp")


class _Vector(types.Type):
    """A vector's Numba type; ``element`` is its LLVM element."""

    def __init__(self, name: str, element: ir.Type) -> None:
        self.element = element
        self.llvm = ir.VectorType(element, LANES)
        super().__init__(name=f"{name}x{LANES}")


FLOATS = _Vector("float32", _F)
INTS = _Vector("int32", _I)
MASK = _Vector("mask", _B)


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: _Vector) -> None:
        super().__init__(manager, vector, vector.llvm)  # type: ignore[no-untyped-call]


def repeat(builder: Any, value: Any, lanes: int = LANES) -> Any:
    """A scalar in every lane."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(_I, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_I, lanes), [0] * lanes))


def widen(builder: Any, value: Any, element: ir.Type) -> Any:
    """A vector as it is; a scalar repeated, an integer scalar first cut to 32 bits."""
    if isinstance(value.type, ir.VectorType):
        return value
    if element == _I and value.type != _I:
        value = builder.trunc(value, _I)
    return repeat(builder, value)


def fits(kind: Any, vector: _Vector) -> bool:
    """Whether a value of this Numba type is such a vector or a scalar that can be repeated into one."""
    if kind is vector:
        return True
    if vector is FLOATS:
        return bool(kind == types.float32)
    return vector is INTS and isinstance(kind, types.Integer) and kind.bitwidth >= 32  # type: ignore[attr-defined]


def _define(function: Any, vector: _Vector, result: _Vector, emit: Callable[[Any, Any, Any], Any]) -> None:
    """Register a binary operator on two vectors, or a vector and a scalar."""

    @type_callable(function)
    def typed(_context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            if (a is vector or b is vector) and fits(a, vector) and fits(b, vector):
                return result
            return None

        return typer

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return emit(builder, *(widen(builder, value, vector.element) for value in args))

    scalar = {FLOATS: types.Float, INTS: types.Integer, MASK: None}[vector]
    _lower(function, vector, vector)(lower)
    if scalar is not None:
        _lower(function, vector, scalar)(lower)
        _lower(function, scalar, vector)(lower)


def _float(name: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, a, b: getattr(builder, name)(a, b, flags=_FLAGS)


def _plain(name: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, a, b: getattr(builder, name)(a, b)


def _compare(name: str, sign: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, a, b: getattr(builder, name)(sign, a, b)


for _operator, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_operator, FLOATS, FLOATS, _float(_name))
for _operator, _name in (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.mul, "mul"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
    (operator.lshift, "shl"),
    (operator.rshift, "ashr"),
):
    _define(_operator, INTS, INTS, _plain(_name))
for _operator, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):
    _define(_operator, FLOATS, MASK, _compare("fcmp_ordered", _sign))
    _define(_operator, INTS, MASK, _compare("icmp_signed", _sign))
for _operator, _name in ((operator.and_, "and_"), (operator.or_, "or_")):
    _define(_operator, MASK, MASK, _plain(_name))


def call(builder: Any, name: str, result: ir.Type, args: list[Any]) -> Any:
    """A call of one of LLVM's intrinsics by its full name."""
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(_functions.get_or_insert_function(builder.module, kind, name), args)


def _unary(name: str) -> Any:
    """An intrinsic of LLVM from floats to floats, lane by lane."""

    @instruction
    def function(_typing: Any, a: Any) -> Any:
        if a is not FLOATS:
            return None

        def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return call(builder, f"llvm.{name}.v{LANES}f32", FLOATS.llvm, [args[0]])

        return FLOATS(FLOATS), lower

    return function


square_root = _unary("sqrt")
round_down = _unary("floor")
round_up = _unary("ceil")
magnitude = _unary("fabs")


@instruction
def less_product(_typing: Any, c: Any, a: Any, b: Any) -> Any:
    """``c − a·b`` in one rounding where the processor can, even when ``a·b`` is wanted by itself as well."""
    if not all(kind is FLOATS for kind in (a, b, c)):
        return None

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return call(builder, f"llvm.fmuladd.v{LANES}f32", FLOATS.llvm, [builder.fneg(args[1]), args[2], args[0]])

    return FLOATS(c, a, b), lower


def _extreme(sign: str) -> Any:
    """Minimum or maximum of two: the second where either is NaN, as x86's own instructions have it."""

    @instruction
    def function(_typing: Any, a: Any, b: Any) -> Any:
        if not (fits(a, FLOATS) and fits(b, FLOATS)):
            return None

        def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            first, second = (widen(builder, value, _F) for value in args)
            return builder.select(builder.fcmp_ordered(sign, first, second), first, second)

        return FLOATS(a, b), lower

    return function


smaller = _extreme("<")
larger = _extreme(">")


@instruction
def select(_typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """``a`` in the lanes of ``mask``, ``b`` in the others; of floats or of ints."""
    vector = FLOATS if fits(a, FLOATS) else INTS
    if mask is not MASK or not (fits(a, vector) and fits(b, vector)):
        return None

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(args[0], *(widen(builder, value, vector.element) for value in args[1:]))

    return vector(mask, a, b), lower


@instruction
def floats(_typing: Any, value: Any) -> Any:
    """A float32 in every lane; or ints converted."""
    if value is not INTS and value != types.float32:
        return None

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.sitofp(args[0], FLOATS.llvm) if value is INTS else repeat(builder, args[0])

    return FLOATS(value), lower


@instruction
def ints(_typing: Any, value: Any) -> Any:
    """An integer in every lane; or floats rounded towards zero (undefined beyond int32)."""
    if value is not FLOATS and not isinstance(value, types.Integer):
        return None

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.fptosi(args[0], INTS.llvm) if value is FLOATS else widen(builder, args[0], _I)

    return INTS(value), lower


@instruction
def bits_of(_typing: Any, a: Any) -> Any:
    """The same bits: floats as ints, ints as floats."""
    other = {FLOATS: INTS, INTS: FLOATS}[a]

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], other.llvm)

    return other(a), lower


@instruction
def lane_numbers(_typing: Any) -> Any:
    """0, 1, 2 …"""

    def lower(_context: Any, _builder: Any, _signature: Any, _args: Any) -> Any:
        return ir.Constant(INTS.llvm, list(range(LANES)))

    return INTS(), lower


@instruction
def lane_bits(_typing: Any, mask: Any) -> Any:
    """A mask as an integer, lane 0 the lowest bit."""
    if mask is not MASK:
        return None

    def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(LANES)), ir.IntType(64))

    return types.int64(MASK), lower


def _across(name: str) -> Any:
    """Reduce the lanes of ints to one."""

    @instruction
    def function(_typing: Any, a: Any) -> Any:
        if a is not INTS:
            return None

        def lower(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            one = call(builder, f"llvm.vector.reduce.{name}.v{LANES}i32", _I, [args[0]])
            return builder.sext(one, ir.IntType(64))

        return types.int64(INTS), lower

    return function


least_lane = _across("smin")
greatest_lane = _across("smax")
