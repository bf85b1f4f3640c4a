"""Positions of colours along a line in light; see ``tones``."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel


@kernel(
    array_in(types.uint8, 3),
    array_in(types.int64, 2),
    types.int64,
    array_in(types.uint8, 1),
    array_out(types.uint8, 3),
)
def place_rows(pixels, tables, start, codes, out):
    """``codes`` at the sum of the three tables and ``start``, in 65536ths; the index is clamped."""
    last = np.int64(codes.shape[0] - 1)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            place = start + tables[0, pixels[y, x, 0]]
            place += tables[1, pixels[y, x, 1]] + tables[2, pixels[y, x, 2]]
            out[y, x, 0] = codes[min(max(place >> 16, np.int64(0)), last)]
