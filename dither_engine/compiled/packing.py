"""Pack pixels: drop the fourth byte of colours, pack several palette positions in a byte."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.simd import SQUARE, drop_fourths
from dither_engine.memory import reusable

_U1 = types.uint8


def contiguous(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``uint8 (H, W, C)`` without gaps: itself, or a copy."""
    if pixels.flags.c_contiguous:
        return pixels
    rows = rows_in_place(pixels)
    if rows is None:
        return np.ascontiguousarray(pixels)
    packed = reusable(pixels.shape, np.uint8)
    pack_colours(rows.reshape(-1), packed.reshape(-1))
    return packed


def rows_in_place(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The memory of colours with four bytes a pixel as ``uint8 (H, 4 W)``; None if it has gaps."""
    height, width = pixels.shape[:2]
    if pixels.shape[2] != 3 or pixels.strides != (4 * width, 4, 1):
        return None
    shape, strides = (height, 4 * width), (4 * width, 1)
    return np.lib.stride_tricks.as_strided(pixels, shape, strides, writeable=False)


@inlined
def copy_colours(pixels, start, out, place, count):
    """The same for ``count`` pixels from ``pixels[start]`` to ``out[place]``."""
    done = max(count - SQUARE, 0) // (SQUARE // 4) * (SQUARE // 4)
    for x in range(0, done, SQUARE // 4):
        drop_fourths(pixels, start + 4 * x, out, place + 3 * x)
    for x in range(done, count):
        for c in range(3):
            out[place + 3 * x + c] = pixels[start + 4 * x + c]


@kernel(array_in(_U1, 1), array_out(_U1, 1))
def pack_colours(pixels, out):
    """Copy the first three of each four bytes."""
    copy_colours(pixels, 0, out, 0, out.shape[0] // 3)


def packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Rows of ``uint8 (H, W)`` at 1, 2, 4 or 8 ``bits`` a pixel, leftmost pixel in the high bits.

    Returns ``uint8 (H, bytes of a row)``; unused bits of a row's last byte are 0.
    """
    height, width = indices.shape
    rows = reusable((height, -(-width * bits // 8)), np.uint8)
    pack_into(rows, 0, indices, bits)
    return rows


def pack_into(rows: NDArray[np.uint8], first: int, indices: NDArray[np.uint8], bits: int) -> None:
    """The same into the columns of ``rows`` from ``first`` on."""
    if bits == 1:
        rows[:, first:] = np.packbits(indices, axis=1)
    elif bits == 8:
        rows[:, first:] = indices
    elif bits == 4:
        pack_pairs(np.ascontiguousarray(indices), bits, first, rows)
    else:
        height, width = indices.shape
        halved = reusable((height, (width + 1) // 2), np.uint8)
        pack_pairs(np.ascontiguousarray(indices), bits, 0, halved)
        pack_pairs(halved, 2 * bits, first, rows)


@kernel(array_in(_U1, 2), types.uint8, types.int64, array_out(_U1, 2))
def pack_pairs(values, bits, first, out):
    """Pack pairs of neighbours in a row of ``values``, ``bits`` each, into one number."""
    width = values.shape[1]
    for y in range(values.shape[0]):
        row, line = values[y], out[y, first:]
        for i in range(width // 2):
            line[i] = (row[2 * i] << bits) | row[2 * i + 1]
        if width % 2:
            line[width // 2] = row[width - 1] << bits
