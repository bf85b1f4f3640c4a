"""Ordered dithering to a palette: each colour is mixed from the best pair of palette colours.

For a colour v, find the pair (a, b) and the share t of b for which a + t (b − a) is nearest to v
(squared distance in light, each channel weighted by its luminance). Colours that lie far apart make
coarse grain, so a 512th of t (1 − t) |b − a|² is added; this decides between nearly equal pairs.
Every pair is tried; with more than 32 colours, every pair with black, white, or one of the 12
nearest to v. The lighter colour of the pair is set where its share is at or above the threshold.
For black and white, and for any list of greys, this equals ordered dithering to levels. Colours
between two palette colours keep their light; a colour that needs three palette colours gets the
best mixture of two (`patterns` mixes more).
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.masks import Mask
from dither_engine.work import Palette, Work

_SLOTS = 1 << 16
_ALL = 32  # with at most this many colours all pairs are tried
_NEAREST = 14  # with more, only pairs with black, white or one of the nearest


def mix_pairs(
    work: Work, pixels: NDArray[np.uint8], thresholds: Mask, out: NDArray[np.uint8]
) -> None:
    """Dither rows to ``work.target``, a `Palette`; ``thresholds`` as in a `Layer`, one channel."""
    target = work.target
    assert isinstance(target, Palette)
    memo = np.full((_SLOTS, 2), -1, np.int64)
    pair_rows(pixels, work.light, target.lights, thresholds, memo, out)


@inlined
def luminance(lights, i):
    """Luminance of a palette colour, 0 to 10000 · WHITE (ITU-R BT.709)."""
    return (
        2126 * np.int64(lights[i, 0]) + 7152 * np.int64(lights[i, 1]) + 722 * np.int64(lights[i, 2])
    )


@inlined
def weighed(r, g, b):
    """Squared light, each channel weighted by its thousandths of luminance."""
    return 213 * r * r + 715 * g * g + 72 * b * b


@inlined
def best_pair(lights, r, g, b, firsts, count, away):
    """The two colours that mix best to (r, g, b), and the second's share of 65536.

    Tries all pairs with at least one of the ``count`` firsts. ``away``: scratch memory, one number
    for each colour. A pair is skipped if its line is farther away than the best mixture so far.
    """
    best, other, share = 0, 0, np.int64(0)
    least = np.int64(1) << 62
    for i in range(lights.shape[0]):
        away[i] = weighed(r - lights[i, 0], g - lights[i, 1], b - lights[i, 2])
        if away[i] < least:
            least, best, other = away[i], i, i
    for n in range(count):
        a = firsts[n]
        vr, vg, vb = r - lights[a, 0], g - lights[a, 1], b - lights[a, 2]
        for i in range(0 if count < lights.shape[0] else a + 1, lights.shape[0]):
            dr = np.int64(lights[i, 0] - lights[a, 0])
            dg = np.int64(lights[i, 1] - lights[a, 1])
            db = np.int64(lights[i, 2] - lights[a, 2])
            along = 213 * dr * vr + 715 * dg * vg + 72 * db * vb
            length = weighed(dr, dg, db)
            if along <= 0 or along >= length:
                continue  # one of the two alone is nearer
            if float(away[a] - least) * float(length) > float(along) * float(along):
                continue
            t = (along << 16) // length
            er, eg, eb = vr - ((dr * t) >> 16), vg - ((dg * t) >> 16), vb - ((db * t) >> 16)
            grain = (((length * t) >> 16) * (65536 - t)) >> 16
            cost = weighed(er, eg, eb) + (grain >> 9)
            if cost < least:
                least = cost
                best, other, share = a, i, t
    return best, other, share


@inlined
def nearest_firsts(lights, r, g, b, firsts, away):
    """Fill ``firsts``: all colours of a small palette; else black, white and the nearest ones."""
    count = lights.shape[0]
    if count <= firsts.shape[0]:
        for i in range(count):
            firsts[i] = i
        return count
    dark, bright = 0, 0
    for i in range(count):
        away[i] = weighed(r - lights[i, 0], g - lights[i, 1], b - lights[i, 2])
        dark = i if luminance(lights, i) < luminance(lights, dark) else dark
        bright = i if luminance(lights, i) > luminance(lights, bright) else bright
    firsts[0], firsts[1] = dark, bright
    for n in range(2, _NEAREST):
        best = 0
        for i in range(1, count):
            best = i if away[i] < away[best] else best
        firsts[n] = best
        away[best] = np.int64(1) << 62
    return _NEAREST


@kernel(
    array_in(types.uint8, 3),
    array_in(types.int16, 1),
    array_in(types.int16, 2),
    array_in(types.uint16, 3),
    array_out(types.int64, 2),
    array_out(types.uint8, 2),
)
def pair_rows(pixels, light, lights, thresholds, memo, out):
    """``memo`` caches the pairs of colours seen before: colour; darker, lighter, share."""
    firsts = np.zeros(_ALL, np.int64)
    away = np.zeros(lights.shape[0], np.int64)
    for y in range(pixels.shape[0]):
        row = thresholds[y % thresholds.shape[0]]
        for x in range(pixels.shape[1]):
            cr, cg, cb = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            key = (np.int64(cr) << 16) | (np.int64(cg) << 8) | np.int64(cb)
            slot = (key * 40503 >> 4) & (memo.shape[0] - 1)
            if memo[slot, 0] != key:
                r, g, b = np.int64(light[cr]), np.int64(light[cg]), np.int64(light[cb])
                count = nearest_firsts(lights, r, g, b, firsts, away)
                first, second, share = best_pair(lights, r, g, b, firsts, count, away)
                if luminance(lights, second) < luminance(lights, first):
                    first, second, share = second, first, 65536 - share
                memo[slot, 0] = key
                memo[slot, 1] = (first << 40) | (second << 32) | share
            pair = memo[slot, 1]
            lighter = (pair & 0xFFFFFFFF) >= row[x, 0]
            out[y, x] = ((pair >> 32) if lighter else (pair >> 40)) & 255
