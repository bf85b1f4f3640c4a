"""Palette positions packed into the rows of a PNG file."""

import numpy as np
from numba import types

from dither_service.engine.compiled.decorators import array_in, array_out, kernel

_U1 = types.uint8


@kernel(array_in(_U1, 2), types.int64, array_out(_U1, 2))
def pack(indices, bits, out):
    """Rows of ``indices``, ``bits`` (1, 2, 4 or 8) a pixel, the leftmost pixel highest.

    out: (H, 1 + bytes of a row); the first byte of a row is its filter, none.
    """
    height, width = indices.shape
    each = 8 // bits
    whole = width // each
    for y in range(height):
        row = indices[y]
        line = out[y]
        line[0] = 0
        if bits == 8:
            line[1:] = row
        elif bits == 4:
            for i in range(whole):
                line[i + 1] = (row[2 * i] << 4) | row[2 * i + 1]
        elif bits == 2:
            for i in range(whole):
                j = 4 * i
                high = (row[j] << 6) | (row[j + 1] << 4)
                line[i + 1] = high | (row[j + 2] << 2) | row[j + 3]
        else:
            for i in range(whole):
                j = 8 * i
                high = (row[j] << 7) | (row[j + 1] << 6) | (row[j + 2] << 5) | (row[j + 3] << 4)
                low = (row[j + 4] << 3) | (row[j + 5] << 2) | (row[j + 6] << 1) | row[j + 7]
                line[i + 1] = high | low
        if whole * each < width:
            byte = np.uint8(0)
            for j in range(whole * each, width):
                byte |= row[j] << (8 - bits * (j - whole * each + 1))
            line[whole + 1] = byte
