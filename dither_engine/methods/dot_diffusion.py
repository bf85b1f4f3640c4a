"""Knuth's dot diffusion: error diffusion in an order that repeats in every cell of 8 × 8 pixels.

Pixels are processed class by class, 0 to 63. The error of a pixel, times ``strength``, goes to
those of its eight neighbours that have a later class: horizontal and vertical neighbours have
weight two, diagonal neighbours weight one, divided by the sum of weights inside the picture. The
first neighbour with the largest weight gets the rounding remainder. The last classes of a cell have
few or no later neighbours, so tone is kept only approximately. Transparent pixels neither receive
nor pass on error.

A pixel depends on others at most five rows away. So the picture is processed in bands of rows, each
with `REACH` rows around it, which gives the same picture and needs little memory.

Source: D. E. Knuth, "Digital halftones by dot diffusion", ACM Trans. Graphics 6(4), 1987.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.compiled.search import SEARCH
from dither_engine.light import WHITE
from dither_engine.work import NO_MASK, Levels, Work

CLASSES = np.array(
    [
        [34, 48, 40, 32, 29, 15, 23, 31],
        [42, 58, 56, 53, 21, 5, 7, 10],
        [50, 62, 61, 45, 13, 1, 2, 18],
        [38, 46, 54, 37, 25, 17, 9, 26],
        [28, 14, 22, 30, 35, 49, 41, 33],
        [20, 4, 6, 11, 43, 59, 57, 52],
        [12, 0, 3, 19, 51, 63, 60, 44],
        [24, 16, 8, 27, 39, 47, 55, 36],
    ]
)
REACH = 8
_BAND = 256


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    height, width, depth = work.pixels.shape
    strength = work.options.strength_parts
    # Positions of each class in a cell.
    order = np.argsort(CLASSES, axis=None).astype(np.int64)
    target = work.target
    separate = isinstance(target, Levels)
    out = np.empty((height, width, depth if separate else 1), np.uint8)
    for top in range(0, height, _BAND):
        first, last = max(top - REACH, 0), min(top + _BAND + REACH, height)
        # A band begins at a cell's first row, since REACH and _BAND are multiples of 8.
        pixels = work.pixels[first:last]
        mask = work.mask[first:last] if len(work.mask) else NO_MASK
        part = np.empty((last - first, width, out.shape[2]), np.uint8)
        common = (pixels, mask, work.light, CLASSES, order, strength)
        if isinstance(target, Levels):
            diffuse_levels(*common, target.choice, target.lights, part)
        else:
            diffuse_palette(*common, target.search, target.lights, part)
        bottom = min(top + _BAND, height)
        out[top:bottom] = part[top - first : bottom - first]
    return out if separate else out[:, :, 0]


@inlined
def add_shares(values, mask, classes, y, x, c, error):
    """Share an error among the neighbours that come later."""
    height, width = values.shape[:2]
    mine = classes[y % 8, x % 8]
    parts, best_y, best_x, best = 0, -1, -1, 0
    for v in range(max(y - 1, 0), min(y + 2, height)):
        for u in range(max(x - 1, 0), min(x + 2, width)):
            if classes[v % 8, u % 8] > mine and (mask.shape[0] == 0 or mask[v, u] != 0):
                part = 2 if v == y or u == x else 1
                parts += part
                if part > best:
                    best, best_y, best_x = part, v, u
    if parts == 0:
        return
    left = error
    for v in range(max(y - 1, 0), min(y + 2, height)):
        for u in range(max(x - 1, 0), min(x + 2, width)):
            if (
                classes[v % 8, u % 8] > mine
                and (mask.shape[0] == 0 or mask[v, u] != 0)
                and not (v == best_y and u == best_x)
            ):
                share = error * (2 if v == y or u == x else 1) // parts
                values[v, u, c] += share
                left -= share
    values[best_y, best_x, c] += left


_COMMON = (
    array_in(types.uint8, 3),
    array_in(types.uint8, 2),
    array_in(types.int16, 1),
    array_in(types.int64, 2),
    array_in(types.int64, 1),
    types.int64,
)


@kernel(*_COMMON, array_in(types.uint8, 1), array_in(types.int16, 1), array_out(types.uint8, 3))
def diffuse_levels(pixels, mask, light, classes, order, strength, choice, levels, out):
    height, width, depth = pixels.shape
    values = np.empty((height, width, depth), np.int32)
    for y in range(height):
        for x in range(width):
            for c in range(depth):
                values[y, x, c] = light[pixels[y, x, c]]
                out[y, x, c] = 0
    for place in order:
        for y in range(place // 8, height, 8):
            for x in range(place % 8, width, 8):
                if mask.shape[0] > 0 and mask[y, x] == 0:
                    continue
                for c in range(depth):
                    value = np.int64(values[y, x, c])
                    level = choice[min(max(value, np.int64(0)), np.int64(WHITE))]
                    out[y, x, c] = level
                    add_shares(
                        values, mask, classes, y, x, c, ((value - levels[level]) * strength) >> 16
                    )


@kernel(*_COMMON, SEARCH, array_in(types.int16, 2), array_out(types.uint8, 3))
def diffuse_palette(pixels, mask, light, classes, order, strength, search, colours, out):
    """Values are clamped to −WHITE … 2 · WHITE, as in error diffusion."""
    height, width = pixels.shape[:2]
    values = np.empty((height, width, 3), np.int32)
    limited = np.zeros(3, np.int64)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                values[y, x, c] = light[pixels[y, x, c]]
            out[y, x, 0] = 0
    for place in order:
        for y in range(place // 8, height, 8):
            for x in range(place % 8, width, 8):
                if mask.shape[0] > 0 and mask[y, x] == 0:
                    continue
                for c in range(3):
                    value = np.int64(values[y, x, c])
                    limited[c] = min(max(value, np.int64(-WHITE)), np.int64(2 * WHITE))
                red, green, blue = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
                k = nearest_for_diffusion(
                    search, limited[0], limited[1], limited[2], red, green, blue
                )
                out[y, x, 0] = k
                for c in range(3):
                    error = ((limited[c] - colours[k, c]) * strength) >> 16
                    add_shares(values, mask, classes, y, x, c, error)
