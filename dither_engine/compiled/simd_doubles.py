"""SIMD vectors: `COUNT` floating-point numbers of 64 bits as one value, for use inside kernels.

They hold integers below 2^53 exactly, so sums and products of integers below that bound have the
same bits on every machine. ``+ - *`` work lane by lane. See also `simd`.
"""

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, overload, register_model

from dither_engine.compiled.simd import WORD, address, broadcast, instruction

COUNT = 8

_DOUBLE = ir.DoubleType()
_DOUBLES = ir.VectorType(_DOUBLE, COUNT)
_STORED = {types.int32: WORD, types.float32: ir.FloatType(), types.float64: _DOUBLE}


class DoublesType(types.Type):
    """Numba's type of `COUNT` numbers."""

    def __init__(self) -> None:
        super().__init__(name="doubles")


doubles_type = DoublesType()


@register_model(DoublesType)
class _DoublesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _DOUBLES)


@instruction
def load(typing_context, array, index):
    """``array[index : index + COUNT]`` of a flat int32, float32 or float64 array."""
    stored = ir.VectorType(_STORED[array.dtype], COUNT)

    def generate(context, builder, signature, arguments):
        place = address(context, builder, signature.args[0], arguments[0], arguments[1], stored)
        value = builder.load(place, align=4)
        if array.dtype == types.int32:
            return builder.sitofp(value, _DOUBLES)
        return builder.fpext(value, _DOUBLES) if array.dtype == types.float32 else value

    return doubles_type(array, types.intp), generate


@instruction
def spread(typing_context, value):
    """One number in every lane."""

    def generate(context, builder, signature, arguments):
        return broadcast(builder, arguments[0], _DOUBLES)

    return doubles_type(types.float64), generate


@instruction
def where_less(typing_context, a, b, chosen, other):
    """``chosen`` in the lanes where a < b, ``other`` elsewhere and where one is not a number."""

    def generate(context, builder, signature, arguments):
        a, b, chosen, other = arguments
        return builder.select(builder.fcmp_ordered("<", a, b), chosen, other)

    return doubles_type(doubles_type, doubles_type, doubles_type, doubles_type), generate


@instruction
def first_below_zero(typing_context, value):
    """The number of the first lane below 0, or `COUNT`."""

    def generate(context, builder, signature, arguments):
        below = builder.fcmp_ordered("<", arguments[0], ir.Constant(_DOUBLES, [0.0] * COUNT))
        bits = builder.zext(builder.bitcast(below, ir.IntType(COUNT)), WORD)
        stopped = builder.or_(bits, WORD(1 << COUNT))
        found = builder.cttz(stopped, ir.IntType(1)(1))
        return builder.zext(found, ir.IntType(64))

    return types.int64(doubles_type), generate


@instruction
def lane(typing_context, value, number):
    """One lane's number."""

    def generate(context, builder, signature, arguments):
        return builder.extract_element(*arguments)

    return types.float64(doubles_type, types.int64), generate


def _define(symbol: Any, method: str) -> None:
    @instruction
    def apply(typing_context, a, b):
        def generate(context, builder, signature, arguments):
            return getattr(builder, method)(*arguments)

        return doubles_type(doubles_type, doubles_type), generate

    @overload(symbol)
    def operation(a, b):
        if isinstance(a, DoublesType) and isinstance(b, DoublesType):
            return lambda a, b: apply(a, b)  # noqa: PLW0108 - Numba wants a Python function
        return None


for _symbol, _method in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _define(_symbol, _method)
