"""Weighed sums of light over rows and columns; see ``resize``."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.light import WHITE

_U1, _I2, _I4, _I8 = types.uint8, types.int16, types.int32, types.int64


@inlined
def fill_line(pixels, mask, light, y, line):
    """Put a row's light in ``line``; with a mask, light times alpha, then alpha, for each pixel."""
    width, depth = pixels.shape[1:]
    if mask.shape[0] == 0:
        row = pixels[y].ravel()
        for i in range(row.shape[0]):
            line[i] = light[row[i]]
        return
    for x in range(width):
        alpha = np.int64(mask[y, x])
        for c in range(depth):
            line[x * (depth + 1) + c] = (light[pixels[y, x, c]] * alpha + 127) // 255
        line[x * (depth + 1) + depth] = (WHITE * alpha + 127) // 255


@inlined
def limited(value):
    return min(max(value, np.int64(0)), np.int64(WHITE))


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 2),
    array_in(_I2, 1),
    array_in(_U1, 1),
    array_in(_I8, 1),
    array_in(_I4, 2),
    array_in(_I8, 1),
    array_in(_I4, 2),
    array_out(_U1, 3),
    array_out(_U1, 2),
)
def resample(pixels, mask, light, codes, rows, row_weights, columns, column_weights, out, out_mask):
    """Each pixel of ``out`` is the weighted sum of a block of ``pixels``.

    rows, columns: first row and column of the block for each row and column of ``out``.
    row_weights, column_weights: its weights, 65536ths, (rows or columns of ``out``, length of a
    block). light: of each code value. codes: of each light. mask, out_mask: alpha, or ``(0, 0)``.
    """
    width, depth = pixels.shape[1:]
    planes = depth + (1 if mask.shape[0] > 0 else 0)
    taps = row_weights.shape[1]
    lines = np.empty((taps, width * planes), np.int16)
    total = np.empty(width * planes, np.int32)
    sums = np.empty(planes, np.int64)
    ready = 0
    for y in range(out.shape[0]):
        while ready < rows[y] + taps:
            fill_line(pixels, mask, light, ready, lines[ready % taps])
            ready += 1
        total[:] = 0
        for t in range(taps):
            weight = row_weights[y, t]
            if weight != 0:
                line = lines[(rows[y] + t) % taps]
                for i in range(total.shape[0]):
                    total[i] += np.int32(weight * line[i])
        for x in range(out.shape[1]):
            sums[:] = 0
            for t in range(column_weights.shape[1]):
                weight = np.int64(column_weights[x, t])
                at = (columns[x] + t) * planes
                for c in range(planes):
                    sums[c] += weight * total[at + c]
            if planes == depth:
                for c in range(depth):
                    out[y, x, c] = codes[limited((sums[c] + (1 << 31)) >> 32)]
                continue
            # The summed alpha in 8192ths; the summed light is divided by it.
            part = sums[depth] >> 13
            out_mask[y, x] = (limited((sums[depth] + (1 << 31)) >> 32) * 255 + WHITE // 2) // WHITE
            for c in range(depth):
                out[y, x, c] = codes[limited((sums[c] + (part >> 1)) // part)] if part > 0 else 0
