"""The nearest colour to one pixel: `UNIT` colours are compared at once.

weights: of the colours, ``int16``, flat; see ``serial_palette.by_colour``. groups: number of groups
of `UNIT` colours, at most ``MOST // UNIT``.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from dither_engine.compiled.simd import WORD, address, broadcast, instruction
from dither_engine.compiled.simd_nearest import PAIR_UNIT, UNIT, WORD_UNIT, _products

MOST = 256  # colours
FEW = 64  # with more colours, a search through cells is as fast
_BITS, _INDEX = ir.IntType(UNIT), ir.IntType(64)
_SUMS = ir.ArrayType(WORD_UNIT, MOST // UNIT)


@instruction
def least_of_one(typing_context, weights, groups, x, y, z, s):
    """The least of the sums ``x * w0 + y * w1 + z * w2 + s * w3 + w4``; all but w4 have 16 bits."""

    def generate(context, builder, signature, arguments):
        return builder.sext(_least(context, builder, signature, arguments)[0], _INDEX)

    return _signature(weights), generate


@instruction
def nearest_of_one(typing_context, weights, groups, x, y, z, s):
    """The index of the least sum; on ties the first."""

    def generate(context, builder, signature, arguments):
        least, sums = _least(context, builder, signature, arguments)
        groups, least = arguments[1], broadcast(builder, least, WORD_UNIT)
        found = cgutils.alloca_once_value(builder, _INDEX(0))
        with cgutils.for_range(builder, groups) as loop:
            group = builder.sub(builder.sub(groups, _INDEX(1)), loop.index)
            total = builder.load(builder.gep(sums, [_INDEX(0), group]))
            equal = builder.bitcast(builder.icmp_signed("==", total, least), _BITS)
            first = builder.cttz(builder.zext(equal, _INDEX), ir.IntType(1)(0))
            place = builder.add(builder.mul(group, _INDEX(UNIT)), first)
            some = builder.icmp_unsigned("!=", equal, _BITS(0))
            builder.store(builder.select(some, place, builder.load(found)), found)
        return builder.load(found)

    return _signature(weights), generate


def _signature(weights: Any) -> Any:
    return types.int64(weights, *[types.int64] * 5)


def _least(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[Any, Any]:
    """The least sum, and all of them."""
    weights, groups, *point = arguments
    x, y, z, s = (builder.and_(builder.trunc(value, WORD), WORD(0xFFFF)) for value in point)
    of_pair, of_last = (
        builder.bitcast(broadcast(builder, value, WORD_UNIT), PAIR_UNIT)
        for value in (
            builder.or_(one, builder.shl(other, WORD(16))) for one, other in ((x, y), (z, s))
        )
    )
    sums = cgutils.alloca_once(builder, _SUMS)
    least = cgutils.alloca_once_value(builder, WORD_UNIT([0x7FFFFFFF] * UNIT))

    def part(group: Any, number: int, kind: Any) -> Any:
        start = builder.add(builder.mul(group, _INDEX(3 * 2 * UNIT)), _INDEX(2 * UNIT * number))
        place = address(context, builder, signature.args[0], weights, start, kind)
        return builder.load(place, align=1)

    with cgutils.for_range(builder, groups) as loop:
        total = _products(context, builder, of_pair, part(loop.index, 0, PAIR_UNIT))
        last = _products(context, builder, of_last, part(loop.index, 1, PAIR_UNIT))
        total = builder.add(builder.add(total, part(loop.index, 2, WORD_UNIT)), last)
        builder.store(total, builder.gep(sums, [_INDEX(0), loop.index]))
        builder.store(_lesser(builder, total, builder.load(least)), least)
    return _reduced(builder, builder.load(least)), sums


def _reduced(builder: Any, value: Any) -> Any:
    """The least of a vector's numbers."""
    size = UNIT
    while size > 1:
        size //= 2
        order = ir.Constant(WORD_UNIT, [(i + size) % UNIT for i in range(UNIT)])
        other = builder.shuffle_vector(value, ir.Constant(WORD_UNIT, ir.Undefined), order)
        value = _lesser(builder, other, value)
    return builder.extract_element(value, WORD(0))


def _lesser(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.icmp_signed("<", one, other), one, other)
