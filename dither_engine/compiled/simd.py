"""SIMD vectors: `LANES` 16-bit integers as one value, for use inside kernels.

LLVM's vectoriser fails on wavefronts, because their stores and loads overlap by one lane; so
kernels use explicit vectors. LLVM compiles them to the machine's instructions (AVX2, SSE2, NEON)
with the same results everywhere: integer arithmetic wraps around, shifts round down.

``+ - & | ^`` work lane by lane.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

from dither_engine.compiled.decorators import Function

LANES = 32
LINE = 64  # bytes of a cache line; of a smaller one only a part is prefetched
SQUARE = 16  # side of the square that `transpose` transposes
WORDS_WIDE = 24  # numbers in `add_product`

SHORT, WORD, _BYTE = ir.IntType(16), ir.IntType(32), ir.IntType(8)
SHORTS, WORDS, _BYTES = (ir.VectorType(kind, LANES) for kind in (SHORT, WORD, _BYTE))
_SQUARE_ROW = ir.VectorType(_BYTE, SQUARE)
_WIDE = ir.VectorType(WORD, WORDS_WIDE)


class LanesType(types.Type):
    """Numba's type of `LANES` 16-bit integers."""

    def __init__(self) -> None:
        super().__init__(name="lanes")


lanes_type = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, SHORTS)


def address(context: Any, builder: Any, kind: Any, value: Any, index: Any, vector: Any) -> Any:
    array = context.make_array(kind)(context, builder, value)
    element = builder.gep(array.data, [index])
    return builder.bitcast(element, vector.as_pointer())


def broadcast(builder: Any, value: Any, vector: Any) -> Any:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, WORD(0))
    zeros = ir.Constant(ir.VectorType(WORD, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def instruction(function: Function) -> Function:
    """Decorator: ``intrinsic``, typed; the function gets types and returns the code generator."""
    made: Function = intrinsic(function)
    return made


@instruction
def load(typing_context, array, index):
    """Lanes from ``array[index : index + LANES]`` of an int16 or uint8 array."""
    vector = _BYTES if array.dtype == types.uint8 else SHORTS

    def generate(context, builder, signature, arguments):
        place = address(context, builder, signature.args[0], arguments[0], arguments[1], vector)
        value = builder.load(place, align=1)
        return builder.zext(value, SHORTS) if vector is _BYTES else value

    return lanes_type(array, types.intp), generate


@instruction
def store(typing_context, array, index, value):
    """Lanes to ``array[index : index + LANES]``; the low bytes if it is a uint8 array."""
    vector = _BYTES if array.dtype == types.uint8 else SHORTS

    def generate(context, builder, signature, arguments):
        place = address(context, builder, signature.args[0], arguments[0], arguments[1], vector)
        value = arguments[2]
        if vector is _BYTES:
            value = builder.trunc(value, _BYTES)
        builder.store(value, place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes_type), generate


@instruction
def spread(typing_context, value):
    """One integer in every lane."""

    def generate(context, builder, signature, arguments):
        return broadcast(builder, arguments[0], SHORTS)

    return lanes_type(types.int16), generate


@instruction
def high_product(typing_context, a, b):
    """``a * b >> 16``, rounded down, of signed lanes.

    x86 has an instruction for this; LLVM does not find it where an operand is used repeatedly.
    """

    def generate(context, builder, signature, arguments):
        triple, _, features = context.codegen().magic_tuple()
        if "+avx2" in features:
            return _in_parts(builder, "llvm.x86.avx2.pmulh.w", 16, arguments)
        if triple.startswith("x86_64"):
            return _in_parts(builder, "llvm.x86.sse2.pmulh.w", 8, arguments)
        wide = [builder.sext(value, WORDS) for value in arguments]
        shift = ir.Constant(WORDS, [16] * LANES)
        return builder.trunc(builder.ashr(builder.mul(*wide), shift), SHORTS)

    return lanes_type(lanes_type, lanes_type), generate


def _in_parts(builder: Any, name: str, size: int, operands: Any) -> Any:
    """Apply LLVM's function for vectors of ``size`` lanes to each part of the operands."""
    part = ir.VectorType(SHORT, size)
    function_type = ir.FunctionType(part, [part] * len(operands))
    function = cgutils.get_or_insert_function(builder.module, function_type, name)
    none = ir.Constant(SHORTS, ir.Undefined)
    found = []
    for first in range(0, LANES, size):
        mask = ir.Constant(ir.VectorType(WORD, size), list(range(first, first + size)))
        parts = [builder.shuffle_vector(value, none, mask) for value in operands]
        found.append(builder.call(function, parts))
    return joined(builder, found)


@instruction
def product(typing_context, a, b):
    """``a * b``, the low 16 bits."""

    def generate(context, builder, signature, arguments):
        return builder.mul(*arguments)

    return lanes_type(lanes_type, lanes_type), generate


@instruction
def shifted(typing_context, value, places):
    """``value >> places``, rounded down."""

    def generate(context, builder, signature, arguments):
        return builder.ashr(arguments[0], broadcast(builder, arguments[1], SHORTS))

    return lanes_type(lanes_type, types.int16), generate


@instruction
def at_least(typing_context, a, b):
    """All ones (-1) in the lanes where a ≥ b, 0 elsewhere."""

    def generate(context, builder, signature, arguments):
        return builder.sext(builder.icmp_signed(">=", *arguments), SHORTS)

    return lanes_type(lanes_type, lanes_type), generate


@instruction
def any_set(typing_context, value):
    """Whether any lane is not 0."""

    def generate(context, builder, signature, arguments):
        whole = ir.IntType(16 * LANES)
        return builder.icmp_unsigned("!=", builder.bitcast(arguments[0], whole), whole(0))

    return types.boolean(lanes_type), generate


def _define(symbol: Any, method: str) -> None:
    @instruction
    def apply(typing_context, a, b):
        def generate(context, builder, signature, arguments):
            return getattr(builder, method)(*arguments)

        return lanes_type(lanes_type, lanes_type), generate

    @overload(symbol)
    def operation(a, b):
        if isinstance(a, LanesType) and isinstance(b, LanesType):
            return lambda a, b: apply(a, b)  # noqa: PLW0108 - Numba wants a Python function
        return None


for _symbol, _method in (
    (operator.add, "add"),
    (operator.sub, "sub"),
    (operator.and_, "and_"),
    (operator.or_, "or_"),
    (operator.xor, "xor"),
):
    _define(_symbol, _method)


@instruction
def transpose(typing_context, source, start, stride, target, place, pitch):
    """Transpose a square of `SQUARE` × `SQUARE` bytes.

    Row r is read at ``source[start + r * stride]``; row r of the transposed square is written at
    ``target[place + r * pitch]``. Both arrays are flat uint8.
    """

    def generate(context, builder, signature, arguments):
        source, start, stride, target, place, pitch = arguments
        rows = _rows(context, builder, signature.args[0], source, start, stride, SQUARE)
        rows = _transposed(builder, rows)
        _store_rows(context, builder, signature.args[3], target, place, pitch, rows)
        return context.get_dummy_value()

    signature = types.void(source, types.intp, types.intp, target, types.intp, types.intp)
    return signature, generate


@instruction
def interleave(typing_context, source, start, stride, target, place):
    """Transpose `LANES` rows of `SQUARE` bytes.

    Row r is read at ``source[start + r * stride]``; column c is written to ``target``, from
    ``place + c * LANES`` on. Both arrays are flat uint8.
    """

    def generate(context, builder, signature, arguments):
        source, start, stride, target, place = arguments
        rows = _rows(context, builder, signature.args[0], source, start, stride, LANES)
        half = LANES // 2
        both = [joined(builder, [rows[i], rows[i + half]]) for i in range(half)]
        columns = _transposed(builder, both)
        pitch = ir.Constant(place.type, LANES)
        _store_rows(context, builder, signature.args[3], target, place, pitch, columns)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp), generate


def _rows(
    context: Any, builder: Any, kind: Any, array: Any, at: Any, stride: Any, count: int
) -> list[Any]:
    rows = []
    for _ in range(count):
        place = address(context, builder, kind, array, at, _SQUARE_ROW)
        rows.append(builder.load(place, align=1))
        at = builder.add(at, stride)
    return rows


def _store_rows(
    context: Any, builder: Any, kind: Any, array: Any, at: Any, stride: Any, rows: list[Any]
) -> None:
    for row in rows:
        builder.store(row, address(context, builder, kind, array, at, row.type), align=1)
        at = builder.add(at, stride)


def joined(builder: Any, parts: list[Any]) -> Any:
    """Concatenate vectors of one type; their number is a power of two."""
    while len(parts) > 1:
        count = 2 * parts[0].type.count
        mask = ir.Constant(ir.VectorType(WORD, count), list(range(count)))
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [builder.shuffle_vector(one, other, mask) for one, other in pairs]
    return parts[0]


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose each square of `SQUARE` rows; a row has the rows of one or more squares.

    Interleaving rows i and i + n/2, log2 n times, transposes a square.
    """
    width = rows[0].type.count
    masks = []
    for half in (0, SQUARE // 2):
        order = [
            first + half + i // 2 + width * (i % 2)
            for first in range(0, width, SQUARE)
            for i in range(SQUARE)
        ]
        masks.append(ir.Constant(ir.VectorType(WORD, width), order))
    for _ in range(SQUARE.bit_length() - 1):
        rows = [
            builder.shuffle_vector(rows[i], rows[i + SQUARE // 2], mask)
            for i in range(SQUARE // 2)
            for mask in masks
        ]
    return rows


@instruction
def copy(typing_context, source, start, target, place, count):
    """``target[place : place + count] = source[start : start + count]``; uint8, no overlap."""

    def generate(context, builder, signature, arguments):
        source, start, target, place, count = arguments
        origin = address(context, builder, signature.args[0], source, start, _BYTE)
        goal = address(context, builder, signature.args[2], target, place, _BYTE)
        cgutils.raw_memcpy(builder, goal, origin, count, 1)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp, types.intp), generate


@instruction
def prefetch(typing_context, source, start):
    """Begin to load the cache line of ``source[start]``; it may be beyond the end. Flat uint8."""

    def generate(context, builder, signature, arguments):
        source, start = arguments
        place = address(context, builder, signature.args[0], source, start, _BYTE)
        function_type = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), WORD, WORD, WORD])
        name = "llvm.prefetch.p0"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        reading, second_level, data = WORD(0), WORD(2), WORD(1)
        builder.call(function, [place, reading, second_level, data])
        return context.get_dummy_value()

    return types.void(source, types.intp), generate


@instruction
def drop_fourths(typing_context, source, start, target, place):
    """Copy the first three of each four of `SQUARE` bytes of ``source``; flat uint8.

    Writes `SQUARE` bytes nevertheless; the last quarter of them is undefined.
    """

    def generate(context, builder, signature, arguments):
        source, start, target, place = arguments
        row = builder.load(
            address(context, builder, signature.args[0], source, start, _SQUARE_ROW), align=1
        )
        kept = [byte for byte in range(SQUARE) if byte % 4 != 3] + [0] * (SQUARE // 4)
        mask = ir.Constant(ir.VectorType(WORD, SQUARE), kept)
        packed = builder.shuffle_vector(row, ir.Constant(_SQUARE_ROW, ir.Undefined), mask)
        goal = address(context, builder, signature.args[2], target, place, _SQUARE_ROW)
        builder.store(packed, goal, align=1)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp), generate


@instruction
def add_product(typing_context, target, place, weights, start, factor):
    """``target[place + i] += weights[start + i] * factor`` for `WORDS_WIDE` numbers; flat int32."""

    def generate(context, builder, signature, arguments):
        target, place, weights, start, factor = arguments
        goal = address(context, builder, signature.args[0], target, place, _WIDE)
        origin = address(context, builder, signature.args[2], weights, start, _WIDE)
        part = builder.mul(builder.load(origin, align=4), broadcast(builder, factor, _WIDE))
        builder.store(builder.add(builder.load(goal, align=4), part), goal, align=4)
        return context.get_dummy_value()

    return types.void(target, types.intp, weights, types.intp, types.int32), generate
