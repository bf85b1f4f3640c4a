"""How `patterns` makes its plans: lists of palette colours that mix to a colour; see `yliluoma`.

Every method fills ``plan``, ``uint8 (candidates,)``, with positions in the palette, in any order.
``lights`` are the palette's, ``(r, g, b)`` is light, ``code`` the 8-bit code value of each light.
"""

import math

import numpy as np

from dither_engine.compiled.decorators import inlined
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.light import WHITE
from dither_engine.methods.mixtures import luminance

_TAKEN = np.int32(0x7FFFFFFF)


@inlined
def nearest_first(away, size, pool):
    """Positions of the ``size`` smallest values of ``away``, smallest first; ties: the first.

    Overwrites these values of ``away`` with the greatest integer, which is no valid distance.
    """
    count = min(size, away.shape[0])
    for place in range(count):
        best = 0
        for i in range(1, away.shape[0]):
            best = i if away[i] < away[best] else best
        pool[place] = best
        away[best] = _TAKEN
    return count


@inlined
def clamped(value):
    return min(max(value, np.int64(-WHITE)), np.int64(2 * WHITE))


@inlined
def knoll(search, lights, r, g, b, red, green, blue, strength, plan):
    """red, green, blue: the pixel's code values."""
    er = eg = eb = np.int64(0)
    for i in range(plan.shape[0]):
        k = nearest_for_diffusion(
            search,
            clamped(r + ((er * strength) >> 16)),
            clamped(g + ((eg * strength) >> 16)),
            clamped(b + ((eb * strength) >> 16)),
            red,
            green,
            blue,
        )
        plan[i] = k
        er += r - lights[k, 0]
        eg += g - lights[k, 1]
        eb += b - lights[k, 2]


@inlined
def n_closest(lights, r, g, b, pool, count, plan):
    size = plan.shape[0]
    total = np.int64(0)
    for i in range(count):
        total += inverse_distance(lights, pool[i], r, g, b)
    place = 0
    passed = np.int64(0)
    for i in range(count):
        passed += inverse_distance(lights, pool[i], r, g, b)
        while place < size and (2 * place + 1) * total < 2 * size * passed:
            plan[place] = pool[i]
            place += 1


@inlined
def inverse_distance(lights, i, r, g, b):
    """1/d in light, weighted by luminance, times 2³²; at distance 0 it outweighs all others."""
    dr, dg, db = r - lights[i, 0], g - lights[i, 1], b - lights[i, 2]
    d = np.int64(math.sqrt(float(2126 * dr * dr + 7152 * dg * dg + 722 * db * db)))
    return (np.int64(1) << 32) // max(d, np.int64(1))


@inlined
def sort_plan(lights, plan):
    """Sort from dark to light, by insertion sort because plans are short."""
    for i in range(1, plan.shape[0]):
        k = plan[i]
        light = luminance(lights, k)
        j = i
        while j > 0 and (
            luminance(lights, plan[j - 1]) > light
            or (luminance(lights, plan[j - 1]) == light and plan[j - 1] > k)
        ):
            plan[j] = plan[j - 1]
            j -= 1
        plan[j] = k
