"""Vector instructions of ``kernel.py``: sample and blend RGBA pixels, look four up in a table, pack four of them.

Numba leaves LLVM's vectorisation of straight-line code off and LLVM gathers nothing by itself on many processors, so
these write the vectors down, in LLVM's own vector types, which compile on any processor. They take addresses (uintp);
the caller answers for what lies there. A pixel is four float32.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from translight.colour.lookup import FIRST_BITS, FRACTION_MASK, FRACTION_SCALE, LAST_BITS, SHIFT

_INT, _LONG, _FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
_FOUR, _EIGHT, _SIXTEEN = (ir.VectorType(_FLOAT, lanes) for lanes in (4, 8, 16))
_INTS, _LONGS, _EIGHT_LONGS = ir.VectorType(_INT, 16), ir.VectorType(_LONG, 16), ir.VectorType(_LONG, 8)
_FUSED = ("contract",)


def _typed_sample_four(_context: Any, _source: Any, _row: Any, _weights: Any, _pitch: Any, _target: Any) -> Any:
    """sample_four(source, row, weights, pitch, target): write the sum of 4×4 pixels, each with two weights' product.

    ``source`` is the first of them, ``row`` a row's length in bytes. ``weights`` is the first of eight float32 that lie
    ``pitch`` bytes apart: of columns, then of rows.
    """
    return types.void(types.uintp, types.uintp, types.uintp, types.uintp, types.uintp), _sample_four


def _typed_sample_two(_context: Any, _source: Any, _row: Any, _fx: Any, _fy: Any, _target: Any) -> Any:
    """sample_two(source, row, fx, fy, target): write the pixel (fx, fy) beyond the first of 2×2 pixels, bilinearly.

    ``source`` is the first of them, ``row`` a row's length in bytes; fx and fy are float32 within 0 to 1.
    """
    return types.void(types.uintp, types.uintp, types.float32, types.float32, types.uintp), _sample_two


def _typed_blend_one(_context: Any, _behind: Any, _weight: Any, _pixel: Any) -> Any:
    """blend_one(behind, weight, pixel): the pixel becomes itself with a float32 weight over the one behind.

    Without a weight it becomes the other, whatever it was.
    """
    return types.void(types.uintp, types.float32, types.uintp), _blend_one


def _typed_fetch(_context: Any, _address: Any) -> Any:
    """fetch(address): ask the processor to bring what lies there into its caches, wherever that is; never fails."""
    return types.void(types.uintp), _fetch


def _typed_look_up_four(_context: Any, _table: Any, _pixels: Any) -> Any:
    """look_up_four(table, pixels): ``colour.lookup.evaluate`` of the channels of four pixels, in place; alpha is lost.

    ``table`` holds a pair of float32 for each node, its value and the step to the next one's.
    """
    return types.void(types.uintp, types.uintp), _look_up_four


def _typed_pack_four(
    _context: Any, _pixels: Any, _scale: Any, _limit: Any, _offsets: Any, _shift: Any, _opaque: Any, _target: Any
) -> Any:
    """pack_four(pixels, scale, limit, offsets, shift, opaque, target): write four words.

    They are r | g << shift | b << 2·shift | opaque, a code being min(max(channel, 0)·scale, limit) plus its one of 16
    float32 ``offsets`` below 1, cut to an integer.
    """
    arguments = (types.uintp, types.float32, types.float32, types.uintp, types.uint32, types.uint32, types.uintp)
    return types.void(*arguments), _pack_four


def _typed_halve_four(_context: Any, _pixels: Any, _scale: Any, _limit: Any, _target: Any) -> Any:
    """halve_four(pixels, scale, limit, target): write four words of four half floats, the last of each being 1.

    They are min(max(channel, 0)·scale, limit), rounded to nearest, ties to even; ``limit`` is at most 65504.
    """
    return types.void(types.uintp, types.float32, types.float32, types.uintp), _halve_four


def _typed_take_ticket(_context: Any, _counter: Any) -> Any:
    """take_ticket(counter): the int64 there, which is counted up for the next thread that asks."""
    return types.int64(types.uintp), _take_ticket


take_ticket: Any = intrinsic(_typed_take_ticket)
sample_four: Any = intrinsic(_typed_sample_four)
sample_two: Any = intrinsic(_typed_sample_two)
blend_one: Any = intrinsic(_typed_blend_one)
fetch: Any = intrinsic(_typed_fetch)
look_up_four: Any = intrinsic(_typed_look_up_four)
pack_four: Any = intrinsic(_typed_pack_four)
halve_four: Any = intrinsic(_typed_halve_four)


def _take_ticket(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    place = builder.inttoptr(arguments[0], _LONG.as_pointer())
    return builder.atomic_rmw("add", place, ir.Constant(_LONG, 1), "seq_cst")


def _sample_four(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    source, row, weights, pitch, target = arguments
    repeated = []
    for _ in range(8):
        weight = builder.load(builder.inttoptr(weights, _FLOAT.as_pointer()), align=4)
        repeated.append(_broadcast(builder, weight, 16))
        weights = builder.add(weights, pitch)
    across, down = repeated[0], repeated[4:]
    for k in range(1, 4):
        lanes = [lane + 16 * (lane // 4 == k) for lane in range(16)]
        mask = ir.Constant(ir.VectorType(_INT, 16), lanes)
        across = builder.shuffle_vector(across, repeated[k], mask)
    total = builder.fmul(_load(builder, source, _SIXTEEN), down[0])
    for weight in down[1:]:
        source = builder.add(source, row)
        total = _multiply_add(builder, _load(builder, source, _SIXTEEN), weight, total)
    total = builder.fmul(total, across)
    eight = builder.fadd(_pick(builder, total, list(range(8))), _pick(builder, total, list(range(8, 16))))
    four = builder.fadd(_pick(builder, eight, list(range(4))), _pick(builder, eight, list(range(4, 8))))
    _store(builder, four, target)
    return context.get_dummy_value()


def _sample_two(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    source, row, fx, fy, target = arguments
    top, bottom = (_load(builder, address, _EIGHT) for address in (source, builder.add(source, row)))
    pair = _multiply_add(builder, builder.fsub(bottom, top), _broadcast(builder, fy, 8), top)
    left, right = _pick(builder, pair, [0, 1, 2, 3]), _pick(builder, pair, [4, 5, 6, 7])
    _store(builder, _multiply_add(builder, builder.fsub(right, left), _broadcast(builder, fx, 4), left), target)
    return context.get_dummy_value()


def _blend_one(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    behind, front = _load(builder, arguments[0], _FOUR), _load(builder, arguments[2], _FOUR)
    weight = _broadcast(builder, arguments[1], 4)
    mixed = _multiply_add(builder, builder.fsub(front, behind), weight, behind)
    shown = builder.fcmp_ordered(">", weight, _all(_FOUR, 0.0))
    _store(builder, builder.select(shown, mixed, behind), arguments[2])
    return context.get_dummy_value()


def _fetch(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    place, name = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()), "llvm.prefetch.p0"
    kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    read, keep, data = 0, 3, 1
    builder.call(function, [place, *(ir.Constant(_INT, value) for value in (read, keep, data))])
    return context.get_dummy_value()


def _look_up_four(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    table, pixels = arguments
    bits = _load(builder, pixels, _INTS)
    for limit, keep in ((FIRST_BITS, ">"), (LAST_BITS, "<")):
        bits = builder.select(builder.icmp_signed(keep, bits, _all(_INTS, limit)), bits, _all(_INTS, limit))
    bits = builder.sub(bits, _all(_INTS, FIRST_BITS))
    nodes = builder.lshr(bits, _all(_INTS, SHIFT))
    fraction = builder.sitofp(builder.and_(bits, _all(_INTS, FRACTION_MASK)), _SIXTEEN)
    pairs = _gather(builder, table, nodes)
    low = builder.bitcast(builder.trunc(pairs, _INTS), _SIXTEEN)
    step = builder.bitcast(builder.trunc(builder.lshr(pairs, _all(_LONGS, 32)), _INTS), _SIXTEEN)
    fraction = builder.fmul(fraction, _all(_SIXTEEN, FRACTION_SCALE))
    _store(builder, _multiply_add(builder, fraction, step, low), pixels)
    return context.get_dummy_value()


def _pack_four(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    pixels, scale, limit, offsets, shift, opaque, target = arguments
    # Alpha's limit is 0, so its offset, which is below 1, is cut off too
    codes = _codes(builder, pixels, scale, limit, alpha=False)
    whole = builder.fptosi(builder.fadd(codes, _load(builder, offsets, _SIXTEEN)), _INTS)
    shifts = builder.mul(_broadcast(builder, shift, 16), ir.Constant(_INTS, [0, 1, 2, 0] * 4))
    # Red with green and blue with alpha in the halves of 64 bits, then those
    channels = builder.bitcast(builder.shl(whole, shifts), _EIGHT_LONGS)
    pairs = builder.bitcast(builder.or_(channels, builder.lshr(channels, ir.Constant(_EIGHT_LONGS, [32] * 8))), _INTS)
    words = builder.or_(_pick(builder, pairs, [0, 4, 8, 12]), _pick(builder, pairs, [2, 6, 10, 14]))
    _store(builder, builder.or_(words, _broadcast(builder, opaque, 4)), target)
    return context.get_dummy_value()


def _halve_four(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    # In integers, since not every processor converts to halves. A float's exponent is moved from bias 127 to 15 and
    # its mantissa rounded at bit 13; below 2⁻¹⁴ adding ½ makes the unit round where a subnormal half's last bit is.
    pixels, scale, limit, target = arguments
    codes = _codes(builder, pixels, scale, limit)
    bits = builder.bitcast(codes, _INTS)
    odd = builder.and_(builder.lshr(bits, _all(_INTS, 13)), _all(_INTS, 1))
    normal = builder.add(builder.add(bits, odd), _all(_INTS, ((15 - 127) << 23) + 0xFFF))
    shifted = builder.bitcast(builder.fadd(codes, _all(_SIXTEEN, 0.5)), _INTS)
    small = builder.sub(shifted, _all(_INTS, (127 - 1) << 23))
    is_small = builder.icmp_signed("<", bits, _all(_INTS, (127 - 14) << 23))
    halves = builder.select(is_small, small, builder.lshr(normal, _all(_INTS, 13)))
    halves = builder.or_(
        builder.and_(halves, ir.Constant(_INTS, [-1, -1, -1, 0] * 4)), ir.Constant(_INTS, [0, 0, 0, 0x3C00] * 4)
    )
    _store(builder, builder.trunc(halves, ir.VectorType(ir.IntType(16), 16)), target)
    return context.get_dummy_value()


def _codes(builder: Any, pixels: Any, scale: Any, limit: Any, *, alpha: bool = True) -> Any:
    """min(max(channel, 0)·scale, limit) of four pixels; not-a-number becomes 0. Without ``alpha`` that is 0."""
    codes = _load(builder, pixels, _SIXTEEN)
    zero = _all(_SIXTEEN, 0.0)
    codes = builder.select(builder.fcmp_ordered(">", codes, zero), codes, zero)
    codes = builder.fmul(codes, _broadcast(builder, scale, 16))
    most = _broadcast(builder, limit, 16)
    if not alpha:
        zeros = ir.Constant(_SIXTEEN, [0.0] * 16)
        chosen = ir.Constant(ir.VectorType(_INT, 16), [lane + 16 * (lane % 4 == 3) for lane in range(16)])
        most = builder.shuffle_vector(most, zeros, chosen)
    return builder.select(builder.fcmp_ordered("<", codes, most), codes, most)


def _load(builder: Any, address: Any, kind: ir.VectorType) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=4)


def _store(builder: Any, vector: Any, address: Any) -> None:
    builder.store(vector, builder.inttoptr(address, vector.type.as_pointer()), align=4)


def _beyond(builder: Any, address: Any, count: int) -> Any:
    return builder.add(address, ir.Constant(address.type, count))


def _all(kind: ir.VectorType, value: float) -> ir.Constant:
    return ir.Constant(kind, [value] * kind.count)


def _pick(builder: Any, vector: Any, lanes: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(_INT, len(lanes)), lanes)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def _broadcast(builder: Any, value: Any, count: int) -> Any:
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, 4), ir.Undefined), value, ir.Constant(_INT, 0))
    return _pick(builder, one, [0] * count)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=_FUSED), c, flags=_FUSED)


def _gather(builder: Any, table: Any, nodes: Any) -> Any:
    """Red, green and blue's entries of a table of 64-bit ones: LLVM's ``masked.gather``, alpha left out."""
    pointers, mask = ir.VectorType(_LONG.as_pointer(), 16), ir.VectorType(ir.IntType(1), 16)
    places = builder.shl(builder.zext(nodes, _LONGS), _all(_LONGS, 3))
    places = builder.inttoptr(builder.add(places, _broadcast(builder, table, 16)), pointers)
    # Written as LLVM had it up to version 21; later ones read it too
    kind, name = ir.FunctionType(_LONGS, [pointers, _INT, mask, _LONGS]), "llvm.masked.gather.v16i64.v16p0"
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    taken = ir.Constant(mask, [1, 1, 1, 0] * 4)
    return builder.call(function, [places, ir.Constant(_INT, 8), taken, _all(_LONGS, 0)])
