"""Rows of a cloud's arrays into lanes and back, and sums over lanes; beside cpu/memory.py, with its rules.

A cloud's arrays hold a row for each splat. In lanes, a vector holds one field of several splats, whose rows an int32
array names; where fewer splats than lanes are left, the last one is repeated, which loads and stores it again.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types

from translight.render.cpu.memory import transposed
from translight.render.cpu.simd import FLOATS, LANES, instruction

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _is_array(kind: Any, dtype: Any) -> bool:
    return isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C" and kind.dtype == dtype


def _address(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [offset])


def _shuffled(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))


def _wide(context: Any, builder: Any, signature: Any, args: Any, place: int) -> Any:
    return context.cast(builder, args[place], signature.args[place], types.int64)


def _rows(context: Any, builder: Any, signature: Any, args: Any, field: Any) -> list[Any]:
    """Addresses in each lane's row; arguments 0 to 3 are the array, the rows, where they begin, and a row's length."""
    at, stride = (_wide(context, builder, signature, args, place) for place in (2, 3))
    addresses = []
    for lane in range(LANES):
        number = _address(context, builder, signature.args[1], args[1], builder.add(at, _I64(lane)))
        row = builder.sext(builder.load(number), _I64)
        offset = builder.add(builder.mul(row, stride), field)
        addresses.append(_address(context, builder, signature.args[0], args[0], offset))
    return addresses


def _are_rows(array: Any, rows: Any, *numbers: Any) -> bool:
    whole = all(isinstance(number, types.Integer) for number in numbers)
    return whole and _is_array(array, types.float32) and _is_array(rows, types.int32)


@instruction
def gather(_typing: Any, array: Any, rows: Any, at: Any, stride: Any, field: Any) -> Any:
    """One field of the rows that ``rows[at …]`` names, of an array whose rows are ``stride`` long."""
    if not _are_rows(array, rows, at, stride, field):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.Constant(FLOATS.llvm, ir.Undefined)
        addresses = _rows(context, builder, signature, args, _wide(context, builder, signature, args, 4))
        for lane, address in enumerate(addresses):
            vector = builder.insert_element(vector, builder.load(address), _I32(lane))
        return vector

    return FLOATS(array, rows, at, stride, field), lower


@instruction
def scatter(_typing: Any, array: Any, rows: Any, at: Any, stride: Any, field: Any, value: Any) -> Any:
    """Write one field of rows: the inverse of ``gather``."""
    if not _are_rows(array, rows, at, stride, field) or value is not FLOATS:
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        addresses = _rows(context, builder, signature, args, _wide(context, builder, signature, args, 4))
        for lane, address in enumerate(addresses):
            builder.store(builder.extract_element(args[5], _I32(lane)), address)
        return context.get_dummy_value()

    return types.none(array, rows, at, stride, field, value), lower


@instruction
def gather_block(
    _typing: Any, array: Any, rows: Any, at: Any, stride: Any, field: Any, target: Any, target_at: Any, pitch: Any
) -> Any:
    """As many fields of each row as there are lanes, into vectors ``pitch`` apart from ``target_at`` on."""
    if not _are_rows(array, rows, at, stride, field, target_at, pitch) or not _is_array(target, types.float32):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        addresses = _rows(context, builder, signature, args, _wide(context, builder, signature, args, 4))
        vector = FLOATS.llvm.as_pointer()
        loaded = [builder.load(builder.bitcast(address, vector), align=4) for address in addresses]
        place, step = (_wide(context, builder, signature, args, number) for number in (6, 7))
        for fields in transposed(builder, loaded):
            address = _address(context, builder, target, args[5], place)
            builder.store(fields, builder.bitcast(address, vector), align=4)
            place = builder.add(place, step)
        return context.get_dummy_value()

    return types.none(array, rows, at, stride, field, target, target_at, pitch), lower


@instruction
def scatter_block(
    _typing: Any, array: Any, rows: Any, at: Any, stride: Any, field: Any, source: Any, source_at: Any, pitch: Any
) -> Any:
    """Write as many fields of each row as there are lanes: the inverse of ``gather_block``."""
    if not _are_rows(array, rows, at, stride, field, source_at, pitch) or not _is_array(source, types.float32):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place, step = (_wide(context, builder, signature, args, number) for number in (6, 7))
        vector = FLOATS.llvm.as_pointer()
        fields = []
        for _ in range(LANES):
            address = _address(context, builder, source, args[5], place)
            fields.append(builder.load(builder.bitcast(address, vector), align=4))
            place = builder.add(place, step)
        addresses = _rows(context, builder, signature, args, _wide(context, builder, signature, args, 4))
        for address, row in zip(addresses, transposed(builder, fields), strict=True):
            builder.store(row, builder.bitcast(address, vector), align=4)
        return context.get_dummy_value()

    return types.none(array, rows, at, stride, field, source, source_at, pitch), lower


@instruction
def load_rows(_typing: Any, array: Any, offset: Any, pitch: Any) -> Any:
    """Four elements of each row of a picture, rows ``pitch`` elements apart: the inverse of ``store_rows``."""
    if not _is_array(array, types.float32):
        return None
    four = ir.VectorType(ir.FloatType(), 4)

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64, pitch64 = (_wide(context, builder, signature, args, place) for place in (1, 2))
        rows = []
        for row in range(LANES // 4):
            place = builder.add(offset64, builder.mul(pitch64, _I64(row)))
            address = _address(context, builder, array, args[0], place)
            rows.append(builder.load(builder.bitcast(address, four.as_pointer()), align=4))
        while len(rows) > 1:
            wide = list(range(2 * rows[0].type.count))
            rows = [_shuffled(builder, rows[i], rows[i + 1], wide) for i in range(0, len(rows), 2)]
        return rows[0]

    return FLOATS(array, offset, pitch), lower


@instruction
def add_sums(
    _typing: Any, array: Any, offset: Any,
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any, j: Any, k: Any, m: Any,
) -> Any:  # fmt: skip
    """Add the sum of each vector's lanes to an element of twelve; vectors are summed four at a time, in a tree."""
    vectors = (a, b, c, d, e, f, g, h, i, j, k, m)
    if not _is_array(array, types.float32) or not all(kind is FLOATS for kind in vectors):
        return None
    zero = ir.Constant(FLOATS.llvm, None)
    groups = range(0, LANES, 4)

    def added(builder: Any, x: Any, y: Any, first: list[int], second: list[int]) -> Any:
        """The sum of two rearrangements of two vectors' lanes; those of ``y`` are counted from ``LANES`` on."""
        one, other = _shuffled(builder, x, y, first), _shuffled(builder, x, y, second)
        return builder.fadd(one, other, flags=("contract", "nsz"))

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # Within each group of four lanes: 16 vectors become 8, then 4 whose groups hold four partial sums each.
        stage = [*args[2:], zero, zero, zero, zero]
        low = [lane for group in groups for lane in (group, group + LANES, group + 1, group + 1 + LANES)]
        high = [lane for group in groups for lane in (group + 2, group + 2 + LANES, group + 3, group + 3 + LANES)]
        stage = [added(builder, stage[n], stage[n + 1], low, high) for n in range(0, 16, 2)]
        low = [lane for group in groups for lane in (group, group + 1, group + LANES, group + 1 + LANES)]
        high = [lane for group in groups for lane in (group + 2, group + 3, group + 2 + LANES, group + 3 + LANES)]
        stage = [added(builder, stage[n], stage[n + 1], low, high) for n in range(0, 8, 2)]
        # Then the groups of each.
        even = [lane + group % 8 // 4 * LANES for group in groups for lane in range(group, group + 4)]
        odd = [(lane ^ 4) + group % 8 // 4 * LANES for group in groups for lane in range(group, group + 4)]
        stage = [added(builder, stage[n], stage[n + 1], even, odd) for n in (0, 2)]
        if LANES == 16:
            low = [*range(8), *range(16, 24)]
            stage = [added(builder, stage[0], stage[1], low, [lane + 8 for lane in low])]
        eight = _shuffled(builder, stage[0], stage[0], list(range(8)))
        four = _shuffled(builder, stage[-1], stage[-1], list(range(8, 12) if LANES == 16 else range(4)))
        place = _wide(context, builder, signature, args, 1)
        for sums in (eight, four):
            place_of = builder.bitcast(_address(context, builder, array, args[0], place), sums.type.as_pointer())
            total = builder.fadd(builder.load(place_of, align=4), sums, flags=("nsz",))
            builder.store(total, place_of, align=4)
            place = builder.add(place, _I64(8))
        return context.get_dummy_value()

    return types.none(array, offset, *vectors), lower
