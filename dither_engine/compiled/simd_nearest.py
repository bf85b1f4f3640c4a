"""Nearest colours with SIMD: table look-ups and comparisons of sums in all lanes at once."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from dither_engine.compiled.simd import (
    LANES,
    SHORT,
    SHORTS,
    WORD,
    WORDS,
    address,
    broadcast,
    instruction,
    joined,
    lanes_type,
)

FEW = 16  # colours; a register of bytes has room for their light
UNIT = 8  # lanes whose sums are computed at once
_STARTS = range(0, LANES, UNIT)
_BYTE = ir.IntType(8)
_LANE_BYTES = ir.VectorType(_BYTE, LANES)
WORD_UNIT, PAIR_UNIT = ir.VectorType(WORD, UNIT), ir.VectorType(SHORT, 2 * UNIT)


@instruction
def look_up(typing_context, table, places, start):
    """Lanes ``table[places[start + lane]]``, int16; places are int16 but read as not negative.

    Each value is loaded straight into its lane. If they were written to memory one by one and read
    back as a vector, the load would wait for the last store.
    """

    def generate(context, builder, signature, arguments):
        value = ir.Constant(SHORTS, ir.Undefined)
        for lane, number in enumerate(_looked_up(context, builder, signature, arguments)):
            value = builder.insert_element(value, number, WORD(lane))
        return value

    return lanes_type(table, places, types.intp), generate


@instruction
def look_up_colours(typing_context, table, places, start):
    """Three `look_up`s at once: the table is int64, its low three 16-bit parts are the results."""

    def generate(context, builder, signature, arguments):
        quarter = ir.VectorType(SHORT, 4)
        parts = [
            builder.bitcast(number, quarter)
            for number in _looked_up(context, builder, signature, arguments)
        ]
        parts = _both(builder, parts, [0, 4, 1, 5, 2, 6, 3, 7])
        blue = _both(builder, parts, [4, 5, 12, 13, 6, 7, 14, 15])
        red_green = _both(builder, parts, [0, 1, 8, 9, 2, 3, 10, 11])
        found = [
            joined(builder, _both(builder, parts, mask))
            for parts, mask in (
                (red_green, [0, 1, 2, 3, 8, 9, 10, 11]),
                (red_green, [4, 5, 6, 7, 12, 13, 14, 15]),
                (blue, [0, 1, 2, 3, 8, 9, 10, 11]),
            )
        ]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(lanes_type, 3)(table, places, types.intp), generate


@instruction
def look_up_few(typing_context, table, near):
    """The same for at most `FEW` colours; ``table`` from ``lanes_palette.fill_bytes``, uint8.

    One instruction looks up a byte for all lanes, if the processor has it.
    """

    def generate(context, builder, signature, arguments):
        table, near = arguments
        of_table = signature.args[0]
        places = builder.trunc(near, _LANE_BYTES)
        found = []
        for channel in range(3):
            low, high = (
                builder.zext(_shuffled(context, builder, of_table, table, part, places), SHORTS)
                for part in (2 * channel, 2 * channel + 1)
            )
            eight = ir.Constant(SHORTS, [8] * LANES)
            found.append(builder.or_(builder.shl(high, eight), low))
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(lanes_type, 3)(table, lanes_type), generate


def _shuffled(context: Any, builder: Any, kind: Any, table: Any, part: int, places: Any) -> Any:
    """Bytes ``table[LANES * part + places]``; the table repeats itself after `FEW` bytes."""
    start = ir.Constant(context.get_value_type(types.intp), LANES * part)
    if "+avx2" in context.codegen().magic_tuple()[2]:
        row = builder.load(address(context, builder, kind, table, start, _LANE_BYTES), align=1)
        function_type = ir.FunctionType(_LANE_BYTES, [_LANE_BYTES, _LANE_BYTES])
        name = "llvm.x86.avx2.pshuf.b"
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, [row, places])
    found = ir.Constant(_LANE_BYTES, ir.Undefined)
    for lane in range(LANES):
        place = builder.zext(builder.extract_element(places, WORD(lane)), start.type)
        index = builder.add(start, place)
        byte = builder.load(address(context, builder, kind, table, index, _BYTE))
        found = builder.insert_element(found, byte, WORD(lane))
    return found


def _looked_up(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    table, places, start = arguments
    of_table, of_places = signature.args[:2]
    kind = context.get_data_type(of_table.dtype)
    number = context.get_data_type(of_places.dtype)
    found = []
    for lane in range(LANES):
        index = builder.add(start, ir.Constant(start.type, lane))
        place = builder.load(address(context, builder, of_places, places, index, number))
        index = builder.zext(place, start.type)
        found.append(builder.load(address(context, builder, of_table, table, index, kind)))
    return found


@instruction
def weighed_sum(typing_context, a, b, c, weights, start, shift):
    """``a * w0 + b * w1 + c * w2 + w3 >> shift``, rounded down, computed with 32 bits.

    The weights are ``weights[start : start + 4]``, int32.
    """

    def generate(context, builder, signature, arguments):
        *lanes, weights, start, shift = arguments
        wide = [builder.sext(value, WORDS) for value in lanes]
        total = _weighed(context, builder, signature.args[3], weights, start, wide)
        total = builder.ashr(total, broadcast(builder, shift, WORDS))
        return builder.trunc(total, SHORTS)

    every = (lanes_type, lanes_type, lanes_type, weights, types.intp, types.int32)
    return lanes_type(*every), generate


@instruction
def store_pairs(typing_context, array, a, b):
    """Store lanes of a and b interleaved in ``array[: 2 * LANES]``, int16, for `least_sum`."""

    def generate(context, builder, signature, arguments):
        array, a, b = arguments
        order = [lane // 2 + LANES * (lane % 2) for lane in range(2 * LANES)]
        (pairs,) = _both(builder, [a, b], order)
        start = ir.Constant(context.get_value_type(types.intp), 0)
        place = address(context, builder, signature.args[0], array, start, pairs.type)
        builder.store(pairs, place, align=1)
        return context.get_dummy_value()

    return types.void(array, lanes_type, lanes_type), generate


@instruction
def least_sum(typing_context, ab, c, weights, count):
    """The index of the least of ``count`` weighted sums; on ties the first.

    ``a * w0 + b * w1 + c * w2 + w3``, with 32 bits. ab, c: from `store_pairs`, of c and zeros.
    weights: see ``search.fill_sums``.
    """

    def generate(context, builder, signature, arguments):
        which = [cgutils.alloca_once_value(builder, WORD_UNIT([0] * UNIT)) for _ in _STARTS]

        def choose(unit, less, number):
            before = builder.load(which[unit])
            builder.store(builder.select(less, number, before), which[unit])

        _least(context, builder, signature, arguments, choose)
        return _whole(builder, [builder.load(numbers) for numbers in which])

    return lanes_type(ab, c, weights, types.intp), generate


@instruction
def least_numbered(typing_context, ab, c, weights, count):
    """The same for numbered sums: the low eight bits are the index; at most 256 sums."""

    def generate(context, builder, signature, arguments):
        sums = _least(context, builder, signature, arguments, lambda *_: None)
        number = WORD_UNIT([255] * UNIT)
        return _whole(builder, [builder.and_(value, number) for value in sums])

    return lanes_type(ab, c, weights, types.intp), generate


def _least(context: Any, builder: Any, signature: Any, arguments: Any, choose: Any) -> list[Any]:
    """The least sums, unit by unit; ``choose`` is called after each comparison."""
    ab, c, weights, count = arguments
    of_ab, of_c, of_weights = signature.args[:3]
    index_type = count.type
    least = [cgutils.alloca_once_value(builder, WORD_UNIT([0x7FFFFFFF] * UNIT)) for _ in _STARTS]
    # Always 0, but LLVM does not know that. Otherwise it widens the pairs before the loop and no
    # longer recognises the multiply-and-add instruction.
    nothing = builder.lshr(count, index_type(62))

    def vector(kind: Any, array: Any, index: Any, of: Any) -> Any:
        return builder.load(address(context, builder, kind, array, index, of), align=1)

    with cgutils.for_range(builder, count) as loop:
        first = builder.mul(loop.index, index_type(3 * 2 * UNIT))
        weights_ab, weights_c, rest = (
            vector(of_weights, weights, builder.add(first, index_type(2 * UNIT * part)), kind)
            for part, kind in enumerate((PAIR_UNIT, PAIR_UNIT, WORD_UNIT))
        )
        number = broadcast(builder, builder.trunc(loop.index, WORD), WORD_UNIT)
        still = builder.mul(loop.index, nothing)
        for unit, start in enumerate(_STARTS):
            at = builder.add(still, index_type(2 * start))
            of_pair = _products(context, builder, vector(of_ab, ab, at, PAIR_UNIT), weights_ab)
            of_last = _products(context, builder, vector(of_c, c, at, PAIR_UNIT), weights_c)
            total = builder.add(builder.add(of_pair, rest), of_last)
            before = builder.load(least[unit])
            less = builder.icmp_signed("<", total, before)
            builder.store(builder.select(less, total, before), least[unit])
            choose(unit, less, number)
    return [builder.load(value) for value in least]


def _products(context: Any, builder: Any, values: Any, weights: Any) -> Any:
    """Multiply pairs of neighbours by their weights and add each pair: 32-bit results.

    LLVM does not find the instruction for this by itself; without it the loop takes twice as long.
    """
    if "+avx2" in context.codegen().magic_tuple()[2]:
        kind = ir.FunctionType(WORD_UNIT, [PAIR_UNIT, PAIR_UNIT])
        name = "llvm.x86.avx2.pmadd.wd"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [values, weights])
    products = []
    for first in (0, 1):
        mask = ir.Constant(WORD_UNIT, list(range(first, 2 * UNIT, 2)))
        none = ir.Constant(PAIR_UNIT, ir.Undefined)
        both = [builder.shuffle_vector(value, none, mask) for value in (values, weights)]
        products.append(builder.mul(*(builder.sext(value, WORD_UNIT) for value in both)))
    return builder.add(*products)


def _both(builder: Any, parts: list[Any], order: list[int]) -> list[Any]:
    """Join each two neighbouring vectors into one, with their elements in this order."""
    mask = ir.Constant(ir.VectorType(WORD, len(order)), order)
    return [
        builder.shuffle_vector(one, other, mask)
        for one, other in zip(parts[::2], parts[1::2], strict=True)
    ]


def _whole(builder: Any, units: list[Any]) -> Any:
    """Join units of 32-bit integers into lanes."""
    return builder.trunc(joined(builder, units), SHORTS)


def _weighed(context: Any, builder: Any, kind: Any, weights: Any, start: Any, lanes: Any) -> Any:
    def weight(number: int) -> Any:
        index = builder.add(start, ir.Constant(start.type, number))
        place = address(context, builder, kind, weights, index, WORD)
        return broadcast(builder, builder.load(place), WORDS)

    total = weight(3)
    for number, value in enumerate(lanes):
        total = builder.add(total, builder.mul(value, weight(number)))
    return total
