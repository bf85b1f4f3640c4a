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
_LOW = (1 << SHIFT) - 1
_FIXED = SHIFT + 4
_HALF = 1 << (_FIXED - 1)
_ACROSS, _DOWN = NODES * NODES, NODES


@merged
def moved(code, total):
    return min(max(code + ((total + _HALF) >> _FIXED), np.int64(0)), np.int64(255))


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 1),
    array_in(types.int16, 2),
    array_out(types.uint8, 3),
)
def change_rows(pixels, adjusted, changes, out):
    """``out``: the adjusted pixels, each changed as its place in the cube says.

    adjusted: each code value after the tone controls, ``uint8 (256,)``. changes: of red, green and
    blue at each node, in `PARTS` of a code value, ``int16 (NODES³, 3)``; red varies slowest.
    """
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            r = np.int64(adjusted[pixels[y, x, 0]])
            g = np.int64(adjusted[pixels[y, x, 1]])
            b = np.int64(adjusted[pixels[y, x, 2]])
            low = (r >> SHIFT) * _ACROSS + (g >> SHIFT) * _DOWN + (b >> SHIFT)
            i, j, k = r & _LOW, g & _LOW, b & _LOW
            # The path from the low to the high corner takes the axis of the largest part first.
            if i >= j:
                if j >= k:
                    first, second, most, middle, least = _ACROSS, _ACROSS + _DOWN, i, j, k
                elif i >= k:
                    first, second, most, middle, least = _ACROSS, _ACROSS + 1, i, k, j
                else:
                    first, second, most, middle, least = 1, _ACROSS + 1, k, i, j
            elif i >= k:
                first, second, most, middle, least = _DOWN, _ACROSS + _DOWN, j, i, k
            elif j >= k:
                first, second, most, middle, least = _DOWN, _DOWN + 1, j, k, i
            else:
                first, second, most, middle, least = 1, _DOWN + 1, k, j, i
            one, two, high = low + first, low + second, low + _ACROSS + _DOWN + 1
            p, q, s, t = (1 << SHIFT) - most, most - middle, middle - least, least
            total = p * changes[low, 0] + q * changes[one, 0]
            out[y, x, 0] = moved(r, total + s * changes[two, 0] + t * changes[high, 0])
            total = p * changes[low, 1] + q * changes[one, 1]
            out[y, x, 1] = moved(g, total + s * changes[two, 1] + t * changes[high, 1])
            total = p * changes[low, 2] + q * changes[one, 2]
            out[y, x, 2] = moved(b, total + s * changes[two, 2] + t * changes[high, 2])
