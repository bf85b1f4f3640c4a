"""Ordered dithering to a palette: each colour is mixed from the best pair of palette colours.

For a colour v the pair (a, b) and the share t of b are looked for that bring a + t (b − a) nearest
to v, squared distance in light, each channel weighed by its luminance; colours that lie far apart
make coarse grain, so a 512th of t (1 − t) |b − a|² is added: it settles what is nearly equal. The
search begins with the colour a nearest to v by the options' distance, finds its best b, then the
best a for that b, then b again. The lighter colour of the pair is set where its share is at or
above the threshold. For black and white, and for any row of greys, this is ordered dithering to
levels; what lies between two colours keeps its light; what needs three is as near as two can bring
it (`patterns` mixes more).
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.nearest import nearest_light
from dither_engine.compiled.search import SEARCH
from dither_engine.masks import Mask
from dither_engine.work import Palette, Work

_SLOTS = 1 << 16


def mix_pairs(
    work: Work, pixels: NDArray[np.uint8], thresholds: Mask, out: NDArray[np.uint8]
) -> None:
    """Dither rows to ``work.target``, a `Palette`; ``thresholds`` as in a `Layer`, one channel."""
    target = work.target
    assert isinstance(target, Palette)
    memo = np.full((_SLOTS, 2), -1, np.int64)
    pair_rows(pixels, work.light, target.search, target.lights, thresholds, memo, out)


@inlined
def luminance(lights, i):
    """Luminance of a palette colour, 0 to 10000 · WHITE (ITU-R BT.709)."""
    return (
        2126 * np.int64(lights[i, 0]) + 7152 * np.int64(lights[i, 1]) + 722 * np.int64(lights[i, 2])
    )


@inlined
def partner(lights, r, g, b, a):
    """The colour that mixes best with colour ``a`` to (r, g, b), and its share of 65536."""
    vr, vg, vb = r - lights[a, 0], g - lights[a, 1], b - lights[a, 2]
    best, share = a, np.int64(0)
    least = np.int64(1) << 62
    for i in range(lights.shape[0]):
        dr = np.int64(lights[i, 0] - lights[a, 0])
        dg = np.int64(lights[i, 1] - lights[a, 1])
        db = np.int64(lights[i, 2] - lights[a, 2])
        length = 213 * dr * dr + 715 * dg * dg + 72 * db * db
        along = 213 * dr * vr + 715 * dg * vg + 72 * db * vb
        t = np.int64(0)
        if length > 0:
            t = min(max((along << 16) // length, np.int64(0)), np.int64(65536))
        er, eg, eb = vr - ((dr * t) >> 16), vg - ((dg * t) >> 16), vb - ((db * t) >> 16)
        grain = (((length * t) >> 16) * (65536 - t)) >> 16
        cost = 213 * er * er + 715 * eg * eg + 72 * eb * eb + (grain >> 9)
        if cost < least:
            least = cost
            best = i
            share = t
    return best, share


@kernel(
    array_in(types.uint8, 3),
    array_in(types.int16, 1),
    SEARCH,
    array_in(types.int16, 2),
    array_in(types.uint16, 3),
    array_out(types.int64, 2),
    array_out(types.uint8, 2),
)
def pair_rows(pixels, light, search, lights, thresholds, memo, out):
    """``memo`` holds the pairs of colours seen before: colour; darker, lighter, share."""
    for y in range(pixels.shape[0]):
        row = thresholds[y % thresholds.shape[0]]
        for x in range(pixels.shape[1]):
            cr, cg, cb = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            key = (np.int64(cr) << 16) | (np.int64(cg) << 8) | np.int64(cb)
            slot = (key * 40503 >> 4) & (memo.shape[0] - 1)
            if memo[slot, 0] != key:
                r, g, b = np.int64(light[cr]), np.int64(light[cg]), np.int64(light[cb])
                first = np.int64(nearest_light(search, r, g, b))
                second, share = partner(lights, r, g, b, first)
                first, share = partner(lights, r, g, b, second)
                second, share = partner(lights, r, g, b, first)
                if luminance(lights, second) < luminance(lights, first):
                    first, second, share = second, first, 65536 - share
                memo[slot, 0] = key
                memo[slot, 1] = (first << 40) | (second << 32) | share
            pair = memo[slot, 1]
            lighter = (pair & 0xFFFFFFFF) >= row[x, 0]
            out[y, x] = ((pair >> 32) if lighter else (pair >> 40)) & 255
