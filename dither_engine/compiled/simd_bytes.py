"""Vectors of `BLOCK` bytes, and words of 64 bits at any byte, for use inside kernels."""

from llvmlite import ir
from numba import types

from dither_engine.compiled.simd import address, instruction

BLOCK = 64

_BYTES, _WORD = ir.VectorType(ir.IntType(8), BLOCK), ir.IntType(64)


@instruction
def equal_before(typing_context, data, at, distance):
    """A word with bit i set where ``data[at + i]`` equals ``data[at + i - distance]``; uint8."""

    def generate(context, builder, signature, arguments):
        data, at, distance = arguments
        rows = [
            builder.load(address(context, builder, signature.args[0], data, place, _BYTES), align=1)
            for place in (at, builder.sub(at, distance))
        ]
        return builder.bitcast(builder.icmp_unsigned("==", *rows), _WORD)

    return types.uint64(data, types.intp, types.intp), generate


@instruction
def low_zeros(typing_context, word):
    """How many low bits of a word are 0, up to `BLOCK`."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@instruction
def load_word(typing_context, data, at):
    """``data[at : at + 8]``, uint8, as a word, the first byte lowest."""

    def generate(context, builder, signature, arguments):
        data, at = arguments
        place = address(context, builder, signature.args[0], data, at, _WORD)
        return builder.load(place, align=1)

    return types.uint64(data, types.intp), generate


@instruction
def store_word(typing_context, target, place, word):
    """The inverse of `load_word`."""

    def generate(context, builder, signature, arguments):
        target, place, word = arguments
        goal = address(context, builder, signature.args[0], target, place, _WORD)
        builder.store(word, goal, align=1)
        return context.get_dummy_value()

    return types.void(target, types.intp, types.uint64), generate
