"""Changes of colours by a table over the colour cube, interpolated in tetrahedra.

The cell of a colour is divided into six tetrahedra along its grey diagonal, so a grey is only
interpolated between greys. Source: J. M. Kasson, W. Plouffe, S. I. Nin, "A tetrahedral
interpolation technique for color space conversion", Proc. SPIE 1909, 1993.
"""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel, merged

NODES, SHIFT = 17, 4  # nodes along an axis; a cell is 1 << SHIFT code values wide
PARTS = 16  # changes are stored in parts of a code value
BIAS = 4096  # is added to each change, so that none is negative
LANE = 21  # bits: three changes are packed in one number, each below 2 · BIAS · (1 << SHIFT)
_LOW = (1 << SHIFT) - 1
_FIXED = SHIFT + 4
_ROUNDED = (1 << (_FIXED - 1)) - (BIAS << SHIFT)
_LOWEST = (1 << LANE) - 1
_ACROSS, _DOWN = NODES * NODES, NODES


@merged
def moved(code, total):
    return min(max(code + (((total & _LOWEST) + _ROUNDED) >> _FIXED), np.int64(0)), np.int64(255))


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 1),
    array_in(types.int64, 1),
    array_out(types.uint8, 3),
)
def change_rows(pixels, adjusted, changes, out):
    """``out``: the adjusted pixels, each changed as its place in the cube says.

    adjusted: each code value after the tone controls, ``uint8 (256,)``. changes: of red, green and
    blue at each node, in `PARTS` of a code value plus `BIAS`, red in the highest `LANE`: ``int64
    (NODES³,)``; red varies slowest.
    """
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            r = np.int64(adjusted[pixels[y, x, 0]])
            g = np.int64(adjusted[pixels[y, x, 1]])
            b = np.int64(adjusted[pixels[y, x, 2]])
            low = (r >> SHIFT) * _ACROSS + (g >> SHIFT) * _DOWN + (b >> SHIFT)
            i, j, k = r & _LOW, g & _LOW, b & _LOW
            # The way from the low to the high corner takes the axis of the largest part first.
            most, least = max(i, j, k), min(i, j, k)
            first = _ACROSS if i == most else (_DOWN if j == most else 1)
            last = 1 if k == least else (_DOWN if j == least else _ACROSS)
            high = low + _ACROSS + _DOWN + 1
            middle = i + j + k - most - least
            total = (
                ((1 << SHIFT) - most) * changes[low]
                + (most - middle) * changes[low + first]
                + (middle - least) * changes[high - last]
                + least * changes[high]
            )
            out[y, x, 0] = moved(r, total >> (2 * LANE))
            out[y, x, 1] = moved(g, total >> LANE)
            out[y, x, 2] = moved(b, total)
