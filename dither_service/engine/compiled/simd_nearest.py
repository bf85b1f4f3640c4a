"""Nearest colours in step: tables looked up, and sums compared, in all lanes at once."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from dither_service.engine.compiled.simd import (
    LANES,
    SHORT,
    SHORTS,
    WORD,
    WORDS,
    address,
    broadcast,
    instruction,
    lanes_type,
)


@instruction
def look_up(typing_context, table, places, start):
    """Lanes ``table[places[start + lane]]``, int16; places are int16 but read as not negative.

    Each goes from memory straight into its lane: as single numbers written to memory and read back
    as lanes, all would wait until the last is written.
    """

    def generate(context, builder, signature, arguments):
        value = ir.Constant(SHORTS, ir.Undefined)
        for lane, number in enumerate(_looked_up(context, builder, signature, arguments)):
            value = builder.insert_element(value, number, WORD(lane))
        return value

    return lanes_type(table, places, types.intp), generate


@instruction
def look_up_colours(typing_context, table, places, start):
    """Three times `look_up`, in a table of int64 whose low three quarters are the three results."""

    def generate(context, builder, signature, arguments):
        every = ir.Constant(ir.VectorType(ir.IntType(64), LANES), ir.Undefined)
        for lane, number in enumerate(_looked_up(context, builder, signature, arguments)):
            every = builder.insert_element(every, number, WORD(lane))
        quarters = builder.bitcast(every, ir.VectorType(SHORT, 4 * LANES))
        none = ir.Constant(quarters.type, ir.Undefined)
        masks = [[number + 4 * lane for lane in range(LANES)] for number in range(3)]
        parts = [builder.shuffle_vector(quarters, none, ir.Constant(WORDS, mask)) for mask in masks]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(lanes_type, 3)(table, places, types.intp), generate


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
def least_sum(typing_context, a, b, c, weights, count):
    """Which of ``count`` weighed sums is the least; of equals the first.

    ``a * w0 + b * w1 + c * w2 + w3``, with 32 bits; the weights of one sum after those of another.
    """

    def generate(context, builder, signature, arguments):
        *lanes, weights, count = arguments
        wide = [builder.sext(value, WORDS) for value in lanes]
        least, which = (cgutils.alloca_once(builder, WORDS) for _ in range(2))
        builder.store(ir.Constant(WORDS, [0x7FFFFFFF] * LANES), least)
        builder.store(ir.Constant(WORDS, [0] * LANES), which)
        with cgutils.for_range(builder, count) as loop:
            start = builder.shl(loop.index, ir.Constant(loop.index.type, 2))
            total = _weighed(context, builder, signature.args[3], weights, start, wide)
            before = builder.load(least)
            less = builder.icmp_signed("<", total, before)
            number = broadcast(builder, builder.trunc(loop.index, WORD), WORDS)
            builder.store(builder.select(less, total, before), least)
            builder.store(builder.select(less, number, builder.load(which)), which)
        return builder.trunc(builder.load(which), SHORTS)

    return lanes_type(lanes_type, lanes_type, lanes_type, weights, types.intp), generate


def _weighed(context: Any, builder: Any, kind: Any, weights: Any, start: Any, lanes: Any) -> Any:
    def weight(number: int) -> Any:
        index = builder.add(start, ir.Constant(start.type, number))
        place = address(context, builder, kind, weights, index, WORD)
        return broadcast(builder, builder.load(place), WORDS)

    total = weight(3)
    for number, value in enumerate(lanes):
        total = builder.add(total, builder.mul(value, weight(number)))
    return total
