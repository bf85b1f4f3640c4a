"""Palette positions packed into bytes."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, kernel

_U1 = types.uint8


def packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Rows of ``uint8 (H, W)`` at 1, 2, 4 or 8 ``bits`` a pixel, the leftmost pixel highest.

    Returns ``uint8 (H, bytes of a row)``; what a row's last byte has left is 0.
    """
    if bits == 1:
        return np.packbits(indices, axis=1)
    while bits < 8:
        height, width = indices.shape
        halved = np.empty((height, (width + 1) // 2), np.uint8)
        pack_pairs(np.ascontiguousarray(indices), bits, halved)
        indices, bits = halved, 2 * bits
    return indices


@kernel(array_in(_U1, 2), types.uint8, array_out(_U1, 2))
def pack_pairs(values, bits, out):
    """Each two neighbours in a row of ``values``, of so many bits, as one number."""
    width = values.shape[1]
    for y in range(values.shape[0]):
        row, line = values[y], out[y]
        for i in range(width // 2):
            line[i] = (row[2 * i] << bits) | row[2 * i + 1]
        if width % 2:
            line[width // 2] = row[width - 1] << bits
