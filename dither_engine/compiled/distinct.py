"""The distinct colours of a picture, as long as they are few; see ``adaptive``."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel

SLOTS = 1024  # of the hash table: a power of two; at most a quarter is used


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 2),
    array_in(types.uint8, 1),
    types.int64,
    array_out(types.int32, 1),
    array_out(types.int64, 1),
)
def add_distinct(pixels, mask, codes, most, slots, count):
    """Add new colours to ``slots``, and their number to ``count[0]``.

    Stops when there are more than ``most`` (at most 256). pixels: grey or RGB. mask: alpha, or
    ``(0, 0)``; transparent pixels are ignored. codes: the new value of each code value. slots:
    hash table ``(SLOTS,)`` of colours as 0xRRGGBB, −1 where empty.
    """
    height, width, depth = pixels.shape
    green, blue = (1, 2) if depth == 3 else (0, 0)
    masked = mask.shape[0] > 0
    before = np.int32(-1)
    for y in range(height):
        for x in range(width):
            if masked and mask[y, x] == 0:
                continue
            colour = np.int32(codes[pixels[y, x, 0]]) << 16
            colour |= np.int32(codes[pixels[y, x, green]]) << 8
            colour |= np.int32(codes[pixels[y, x, blue]])
            if colour == before:
                continue
            before = colour
            slot = ((colour * 40503) >> 7) & (SLOTS - 1)
            while slots[slot] != colour and slots[slot] >= 0:
                slot = (slot + 1) & (SLOTS - 1)
            if slots[slot] < 0:
                slots[slot] = colour
                count[0] += 1
                if count[0] > most:
                    return
