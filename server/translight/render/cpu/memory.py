"""Loads and stores of vectors and scalars, for the kernels; they test nothing.

Arrays are one-dimensional and C-contiguous, offsets count elements. There are no bounds and no negative offsets:
Numba's own indexing tests for the latter each time, which also keeps LLVM from vectorising.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types

from translight.render.cpu.simd import FEATURES, FLOATS, INTS, LANES, MASK, call, fits, instruction, repeat, widen

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _address(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [offset])


def _is_array(kind: Any, *dtypes: Any) -> bool:
    return isinstance(kind, types.Array) and kind.ndim == 1 and kind.layout == "C" and kind.dtype in dtypes


@instruction
def load(_typing: Any, array: Any, offset: Any) -> Any:
    """The vector that starts at an offset of a float32 or int32 array."""
    if not _is_array(array, types.float32, types.int32) or not isinstance(offset, types.Integer):
        return None
    vector = FLOATS if array.dtype == types.float32 else INTS

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        address = _address(context, builder, array, args[0], offset64)
        return builder.load(builder.bitcast(address, vector.llvm.as_pointer()), align=4)

    return vector(array, offset), lower


@instruction
def store(_typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write a vector at an offset."""
    vector = FLOATS if _is_array(array, types.float32) else INTS
    if not _is_array(array, types.float32, types.int32) or not isinstance(offset, types.Integer):
        return None
    if not fits(value, vector):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        address = _address(context, builder, array, args[0], offset64)
        wide = widen(builder, args[2], vector.element)
        builder.store(wide, builder.bitcast(address, vector.llvm.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.none(array, offset, value), lower


@instruction
def get(_typing: Any, array: Any, offset: Any) -> Any:
    """One element, without Numba's test for a negative index."""
    if not isinstance(array, types.Array) or array.ndim != 1 or array.layout != "C":
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        return builder.load(_address(context, builder, array, args[0], offset64))

    return array.dtype(array, offset), lower


@instruction
def put(_typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write one element, without Numba's test for a negative index."""
    if not isinstance(array, types.Array) or array.ndim != 1 or array.layout != "C":
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        element = context.cast(builder, args[2], signature.args[2], array.dtype)
        builder.store(element, _address(context, builder, array, args[0], offset64))
        return context.get_dummy_value()

    return types.none(array, offset, value), lower


@instruction
def store_selected(_typing: Any, array: Any, offset: Any, value: Any, mask: Any) -> Any:
    """Write the lanes of ``mask`` side by side, and return how many; a whole vector's room is overwritten."""
    if not _is_array(array, types.int32) or value is not INTS or mask is not MASK:
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        address = _address(context, builder, array, args[0], offset64)
        bits = builder.bitcast(args[3], ir.IntType(LANES))
        if LANES == 16:
            zeros = ir.Constant(INTS.llvm, None)
            packed = call(builder, "llvm.x86.avx512.mask.compress.v16i32", INTS.llvm, [args[2], zeros, args[3]])
            builder.store(packed, builder.bitcast(address, INTS.llvm.as_pointer()), align=4)
            count = call(builder, f"llvm.ctpop.i{LANES}", bits.type, [bits])
            return builder.zext(count, _I64)
        if "avx2" in FEATURES:
            # No instruction for it: a table of permutations, one for each of a mask's 256 values.
            row = builder.gep(_packing_table(builder.module), [_I32(0), builder.zext(bits, _I64)])
            order = builder.load(builder.bitcast(row, INTS.llvm.as_pointer()), align=4)
            packed = call(builder, "llvm.x86.avx2.permd", INTS.llvm, [args[2], order])
            builder.store(packed, builder.bitcast(address, INTS.llvm.as_pointer()), align=4)
            return builder.zext(call(builder, f"llvm.ctpop.i{LANES}", bits.type, [bits]), _I64)
        count = ir.Constant(_I64, 0)
        for lane in range(LANES):
            place = builder.gep(address, [count])
            builder.store(builder.extract_element(args[2], ir.Constant(_I32, lane)), place)
            chosen = builder.extract_element(args[3], ir.Constant(_I32, lane))
            count = builder.add(count, builder.zext(chosen, _I64))
        return count

    return types.int64(array, offset, value, mask), lower


def _packing_table(module: Any) -> Any:
    """A constant of 256 rows of 8: the lanes that a mask's bits choose, in order, then anything."""
    name = "translight.packing"
    if name in module.globals:
        return module.globals[name]
    rows = [[lane for lane in range(8) if mask >> lane & 1] for mask in range(256)]
    kind = ir.ArrayType(ir.ArrayType(_I32, 8), 256)
    table = ir.GlobalVariable(module, kind, name)
    table.initializer = ir.Constant(kind, [row + [0] * (8 - len(row)) for row in rows])
    table.global_constant, table.linkage = True, "internal"
    return table


@instruction
def store_interleaved(_typing: Any, array: Any, offset: Any, pitch: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Write pixels of four channels: four pixels to a row of lanes, rows ``pitch`` elements apart."""
    if not _is_array(array, types.float32) or not all(kind is FLOATS for kind in (a, b, c, d)):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        pitch64 = context.cast(builder, args[2], signature.args[2], types.int64)
        half = LANES // 2
        pairs = [[i // 2 + part * half + (i % 2) * LANES for i in range(LANES)] for part in (0, 1)]
        quads = [[i // 4 * 2 + i % 2 + part * half + i // 2 % 2 * LANES for i in range(LANES)] for part in (0, 1)]
        for part in (0, 1):
            first = _shuffle(builder, args[3], args[4], pairs[part])
            second = _shuffle(builder, args[5], args[6], pairs[part])
            for quarter in (0, 1):
                pixel = (2 * part + quarter) * LANES // 4
                row = builder.mul(pitch64, ir.Constant(pitch64.type, pixel // 4))
                place = builder.add(builder.add(offset64, row), ir.Constant(row.type, pixel % 4 * 4))
                address = _address(context, builder, array, args[0], place)
                four = _shuffle(builder, first, second, quads[quarter])
                builder.store(four, builder.bitcast(address, FLOATS.llvm.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.none(array, offset, pitch, a, b, c, d), lower


@instruction
def store_rows(_typing: Any, array: Any, offset: Any, pitch: Any, value: Any) -> Any:
    """Write four lanes to a row, rows ``pitch`` elements apart."""
    if not _is_array(array, types.float32) or value is not FLOATS:
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        pitch64 = context.cast(builder, args[2], signature.args[2], types.int64)
        for row in range(LANES // 4):
            place = builder.add(offset64, builder.mul(pitch64, ir.Constant(pitch64.type, row)))
            four = _shuffle(builder, args[3], args[3], [4 * row + i for i in range(4)])
            address = _address(context, builder, array, args[0], place)
            builder.store(four, builder.bitcast(address, four.type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.none(array, offset, pitch, value), lower


@instruction
def store_records(
    _typing: Any, array: Any, offset: Any, mask: Any,
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, i: Any, j: Any, k: Any, m: Any,
) -> Any:  # fmt: skip
    """Write each lane of ``mask`` as a record of 16 (four of them undefined), side by side; returns how many.

    One more record may be overwritten.
    """
    fields = (a, b, c, d, e, f, g, h, i, j, k, m)
    if not _is_array(array, types.float32) or mask is not MASK or not all(kind is FLOATS for kind in fields):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = context.cast(builder, args[1], signature.args[1], types.int64)
        count = _I64(0)
        undefined = ir.Constant(FLOATS.llvm, ir.Undefined)
        rows = list(args[3:]) + [undefined] * 4
        parts = [transposed(builder, rows[begin : begin + LANES]) for begin in range(0, 16, LANES)]
        for lane in range(LANES):
            for part, vectors in enumerate(parts):
                at = builder.add(place, _I64(part * LANES))
                address = _address(context, builder, array, args[0], at)
                builder.store(vectors[lane], builder.bitcast(address, FLOATS.llvm.as_pointer()), align=4)
            chosen = builder.zext(builder.extract_element(args[2], _I32(lane)), _I64)
            count = builder.add(count, chosen)
            place = builder.add(place, builder.shl(chosen, _I64(4)))
        return count

    return types.int64(array, offset, mask, *fields), lower


def transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Lane j of row i becomes lane i of row j: blocks across the diagonal change places, of 1, 2, 4 … lanes."""
    rows = list(rows)
    step = 1
    while step < LANES:
        for i in range(LANES):
            if i & step == 0:
                a, b = rows[i], rows[i + step]
                upper = [lane if lane & step == 0 else lane - step + LANES for lane in range(LANES)]
                lower = [lane + step if lane & step == 0 else lane + LANES for lane in range(LANES)]
                rows[i], rows[i + step] = _shuffle(builder, a, b, upper), _shuffle(builder, a, b, lower)
        step *= 2
    return rows


@instruction
def add_bilinear(
    _typing: Any, target: Any, at: Any, weight: Any, source: Any, a: Any, b: Any, c: Any, d: Any, across: Any,
    down: Any, curve: Any,
) -> Any:  # fmt: skip
    """Add ``weight`` times what lies between four groups of four floats of ``source``: upper a and b, lower c and d.

    What lies there, c, becomes curve[0:4]·min(curve[4:8]·c, curve[8:12]·c + curve[12:16]) before.
    """
    numbers = (weight, across, down)
    if not all(_is_array(kind, types.float32) for kind in (target, source, curve)):
        return None
    if not all(kind == types.float32 for kind in numbers) or not all(
        isinstance(k, types.Integer) for k in (a, b, c, d)
    ):
        return None
    four = ir.VectorType(ir.FloatType(), 4)

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def vector_at(index: int, array: int) -> Any:
            offset = context.cast(builder, args[index], signature.args[index], types.int64)
            address = _address(context, builder, signature.args[array], args[array], offset)
            return builder.bitcast(address, four.as_pointer())

        def between(low: Any, high: Any, part: Any) -> Any:
            step = builder.fsub(high, low, flags=("contract",))
            return builder.fadd(low, builder.fmul(step, part, flags=("contract",)), flags=("contract",))

        corners = [builder.load(vector_at(index, 3), align=4) for index in (4, 5, 6, 7)]
        scale, right, below = (repeat(builder, args[index], 4) for index in (2, 8, 9))
        upper, under = between(corners[0], corners[1], right), between(corners[2], corners[3], right)
        place = vector_at(1, 0)
        curve_at = [_address(context, builder, signature.args[10], args[10], _I64(4 * k)) for k in range(4)]
        sign, slope, gain, lift = (
            builder.load(builder.bitcast(address, four.as_pointer()), align=4) for address in curve_at
        )
        colour = between(upper, under, below)
        flat = builder.fmul(slope, colour, flags=("contract",))
        steep = builder.fadd(builder.fmul(gain, colour, flags=("contract",)), lift, flags=("contract",))
        least = builder.select(builder.fcmp_ordered("<", flat, steep), flat, steep)
        shown = builder.fmul(sign, least, flags=("contract",))
        added = builder.fmul(shown, scale, flags=("contract",))
        builder.store(builder.fadd(builder.load(place, align=4), added, flags=("contract",)), place, align=4)
        return context.get_dummy_value()

    return types.none(target, at, weight, source, a, b, c, d, across, down, curve), lower


@instruction
def add_atomically(_typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Add to an int64 that other threads add to as well; returns what it was."""
    if not _is_array(array, types.int64):
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        step = context.cast(builder, args[2], signature.args[2], types.int64)
        return builder.atomic_rmw("add", _address(context, builder, array, args[0], offset64), step, "seq_cst")

    return types.int64(array, offset, value), lower


@instruction
def fetch_early(_typing: Any, array: Any, offset: Any) -> Any:
    """Ask for the cache line of an element that is read soon."""
    if not isinstance(array, types.Array) or array.ndim != 1:
        return None

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        offset64 = context.cast(builder, args[1], signature.args[1], types.int64)
        address = builder.bitcast(_address(context, builder, array, args[0], offset64), ir.IntType(8).as_pointer())
        read, keep, data = (ir.Constant(_I32, value) for value in (0, 3, 1))
        call(builder, "llvm.prefetch.p0", ir.VoidType(), [address, read, keep, data])
        return context.get_dummy_value()

    return types.none(array, offset), lower


def aligned(count: int, dtype: Any = np.float32) -> np.ndarray:
    """An uninitialised array whose first element starts a cache line, so that no vector in it straddles two."""
    size = np.dtype(dtype).itemsize
    raw = np.empty(count * size + 64, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin : begin + count * size].view(dtype)


def _shuffle(builder: Any, a: Any, b: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))
