"""Palette-aware ordered dithering: a colour becomes a list of palette colours that mix to it.

The list has ``candidates`` places, sorted from dark to light (luminance; position where that is
equal), and a pixel takes the one at ⌊rank · candidates / 64⌋ of Bayer's 8 × 8 mask. Light is mixed
as ``options.light`` says. What tells the methods apart is how the list is made:

- knoll: place by place, the colour nearest to the goal; the error so far, times ``strength``, is
  added to the goal. T. Knoll, US patent 6 606 166 (1999, expired), as told by Yliluoma.
- yliluoma-1: the best pair and ratio by the psychovisual difference below plus a penalty for pairs
  that lie apart.
- yliluoma-2: grows the mixture by the colour and amount (a power of two) that brings it nearest.
- yliluoma-3: starts from the nearest colour and splits a share in two as long as that helps; not
  into colours whose lumas lie more than 80 of 255 apart, or more than the palette's largest gap.
  J. Yliluoma, "Arbitrary-palette positional dithering algorithm", 2011.
- n-closest: the four nearest colours by the options' distance, each with a share of 1/d, d its
  distance in light; between two colours that is their exact mixture.
  M. Louis, "Ordered dithering of arbitrary or irregular colour palettes", 2023.

The difference of two colours is Yliluoma's: ¾ of the squared differences of R, G, B weighed 0.299,
0.587, 0.114, plus the squared difference of luma, of 8-bit code values, times 10⁶ in whole numbers.
Yliluoma-1 and -3 look at every pair of colours; of more than 32 (16) colours, only at the
nearest 32 (16). Levels are taken as the palette of all their combinations; where these are more
than 256, each channel is dithered by Bayer's mask alone.
"""

import math
from fractions import Fraction

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_service.engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_service.engine.compiled.nearest import SEARCH, distances, nearest_light, prepare
from dither_service.engine.light import WHITE, code_of_light, light_of_code
from dither_service.engine.masks.bayer import bayer_ranks
from dither_service.engine.methods import ordered
from dither_service.engine.methods.pairs import luminance
from dither_service.engine.work import Levels, Palette, Work

METHODS = {"knoll": 0, "yliluoma-1": 1, "yliluoma-2": 2, "yliluoma-3": 3, "n-closest": 4}
CLOSEST = 4
PAIR_POOL = 32
SPLIT_POOL = 16
_LUMA_LIMIT = 80_000
_SLOTS = 1 << 14


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    height, width, depth = work.pixels.shape
    target = work.target
    pixels = work.pixels
    if isinstance(target, Levels):
        if not target.combines(depth):
            return ordered.render_bayer(work, 8)
        target = _combinations(target, depth, work)
        pixels = np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
    out = np.empty((height, width), np.uint8)
    count = work.options.candidates
    memo = np.full(_SLOTS, -1, np.int64)
    plans = np.zeros((_SLOTS, count), np.uint8)
    pattern_rows(
        pixels,
        work.light,
        target.search,
        code_of_light(work.options.light),
        _luma_limit(target.colours),
        target.lights,
        METHODS[work.options.algorithm],
        int(Fraction(work.options.strength) * 65536 + Fraction(1, 2)),
        (bayer_ranks(8) * count // 64).astype(np.uint8),
        memo,
        plans,
        out,
    )
    return out


def _combinations(levels: Levels, depth: int, work: Work) -> Palette:
    """The palette of all levels of all channels, in the order of the combined index."""
    axes = np.meshgrid(*[levels.codes] * depth, indexing="ij")
    colours = np.stack([axes[c % depth].ravel() for c in range(3)], axis=1)
    lights = light_of_code(work.options.light)[colours]
    return Palette(colours, lights, prepare(colours, work.options.distance, work.options.light))


def _luma_limit(colours: NDArray[np.uint8]) -> int:
    """How far apart in luma (0 to 255 000) colours may be that yliluoma-3 mixes."""
    gaps = np.diff(np.sort(colours.astype(np.int64) @ np.array([299, 587, 114])))
    return max(_LUMA_LIMIT, int(gaps.max()))


@inlined
def difference(r1, g1, b1, r2, g2, b2):
    """Yliluoma's difference of two 8-bit colours; the module's docstring says its unit."""
    r, g, b = np.int64(r1) - r2, np.int64(g1) - g2, np.int64(b1) - b2
    luma = 299 * r + 587 * g + 114 * b
    return 750 * (299 * r * r + 587 * g * g + 114 * b * b) + luma * luma


@inlined
def nearest_first(away, size, pool):
    """Positions of the ``size`` least of ``away``, least first; of equals the first."""
    count = min(size, away.shape[0])
    for place in range(count):
        best = -1
        for i in range(away.shape[0]):
            taken = False
            for j in range(place):
                taken |= pool[j] == i
            if not taken and (best < 0 or away[i] < away[best]):
                best = i
        pool[place] = best
    return count


@inlined
def knoll(search, lights, r, g, b, strength, plan):
    er = eg = eb = np.int64(0)
    for i in range(plan.shape[0]):
        k = nearest_light(
            search,
            r + ((er * strength) >> 16),
            g + ((eg * strength) >> 16),
            b + ((eb * strength) >> 16),
        )
        plan[i] = k
        er += r - lights[k, 0]
        eg += g - lights[k, 1]
        eb += b - lights[k, 2]


@inlined
def yliluoma_1(code, lights, r, g, b, pool, count, plan):
    """The ratio is solved for channel by channel, weighed like luma, as in the article."""
    size = plan.shape[0]
    best_a, best_b, best_share = pool[0], pool[0], np.int64(0)
    least = np.int64(1) << 62
    for i in range(count):
        a = pool[i]
        for j in range(i, count):
            z = pool[j]
            share = np.int64(0)
            weights = np.int64(0)
            for c in range(3):
                span = np.int64(lights[z, c]) - lights[a, c]
                if span != 0:
                    weight = 299 if c == 0 else (587 if c == 1 else 114)
                    value = r if c == 0 else (g if c == 1 else b)
                    share += weight * size * (value - lights[a, c]) // span
                    weights += weight
            if weights > 0:
                share = min(max(share // weights, np.int64(0)), np.int64(size - 1))
            mixed = difference(
                code[r],
                code[g],
                code[b],
                code[lights[a, 0] + (np.int64(lights[z, 0]) - lights[a, 0]) * share // size],
                code[lights[a, 1] + (np.int64(lights[z, 1]) - lights[a, 1]) * share // size],
                code[lights[a, 2] + (np.int64(lights[z, 2]) - lights[a, 2]) * share // size],
            )
            apart = difference(
                code[lights[a, 0]],
                code[lights[a, 1]],
                code[lights[a, 2]],
                code[lights[z, 0]],
                code[lights[z, 1]],
                code[lights[z, 2]],
            )
            cost = mixed + apart * (abs(2 * share - size) + size) // (20 * size)
            if cost < least:
                least = cost
                best_a, best_b, best_share = a, z, share
    for i in range(size):
        plan[i] = best_b if i < best_share else best_a


@inlined
def yliluoma_2(code, lights, r, g, b, plan):
    size = plan.shape[0]
    filled = 0
    sr = sg = sb = np.int64(0)
    while filled < size:
        limit = max(filled, 1)
        chosen, amount = 0, 1
        least = np.int64(1) << 62
        for k in range(lights.shape[0]):
            more = 1
            while more <= limit and filled + more <= size:
                total = filled + more
                cost = difference(
                    code[r],
                    code[g],
                    code[b],
                    code[(sr + more * lights[k, 0]) // total],
                    code[(sg + more * lights[k, 1]) // total],
                    code[(sb + more * lights[k, 2]) // total],
                )
                if cost < least:
                    least = cost
                    chosen, amount = k, more
                more *= 2
        for i in range(filled, filled + amount):
            plan[i] = chosen
        filled += amount
        sr += amount * np.int64(lights[chosen, 0])
        sg += amount * np.int64(lights[chosen, 1])
        sb += amount * np.int64(lights[chosen, 2])


@inlined
def luma_of(code, lights, i):
    """Luma of a palette colour, 0 to 255 000."""
    r, g, b = (
        np.int64(code[lights[i, 0]]),
        np.int64(code[lights[i, 1]]),
        np.int64(code[lights[i, 2]]),
    )
    return 299 * r + 587 * g + 114 * b


@inlined
def yliluoma_3(code, lights, r, g, b, pool, count, limit, shares, plan):
    """Pairs whose lumas lie more than ``limit`` apart are left out."""
    size = plan.shape[0]
    shares[:] = 0
    first = pool[0]
    shares[first] = size
    sr = size * np.int64(lights[first, 0])
    sg = size * np.int64(lights[first, 1])
    sb = size * np.int64(lights[first, 2])
    least = difference(
        code[r], code[g], code[b], code[sr // size], code[sg // size], code[sb // size]
    )
    while least > 0:
        split, to_a, to_b = -1, 0, 0
        for k in range(shares.shape[0]):
            have = np.int64(shares[k])
            if have < 2:
                continue
            half, rest = have // 2, have - have // 2
            for i in range(count):
                a = pool[i]
                for j in range(i + 1 if half == rest else 0, count):
                    z = pool[j]
                    if abs(luma_of(code, lights, a) - luma_of(code, lights, z)) > limit:
                        continue
                    cost = difference(
                        code[r],
                        code[g],
                        code[b],
                        code[
                            (sr - have * lights[k, 0] + half * lights[a, 0] + rest * lights[z, 0])
                            // size
                        ],
                        code[
                            (sg - have * lights[k, 1] + half * lights[a, 1] + rest * lights[z, 1])
                            // size
                        ],
                        code[
                            (sb - have * lights[k, 2] + half * lights[a, 2] + rest * lights[z, 2])
                            // size
                        ],
                    )
                    if cost < least:
                        least = cost
                        split, to_a, to_b = k, a, z
        if split < 0:
            break
        have = np.int64(shares[split])
        half, rest = have // 2, have - have // 2
        shares[split] -= have
        shares[to_a] += half
        shares[to_b] += rest
        sr += half * lights[to_a, 0] + rest * lights[to_b, 0] - have * lights[split, 0]
        sg += half * lights[to_a, 1] + rest * lights[to_b, 1] - have * lights[split, 1]
        sb += half * lights[to_a, 2] + rest * lights[to_b, 2] - have * lights[split, 2]
    place = 0
    for k in range(shares.shape[0]):
        for _ in range(shares[k]):
            plan[place] = k
            place += 1


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
    """1/d in light, weighed by luminance, times 2³²; a palette colour outweighs all others."""
    dr, dg, db = r - lights[i, 0], g - lights[i, 1], b - lights[i, 2]
    d = np.int64(math.sqrt(float(2126 * dr * dr + 7152 * dg * dg + 722 * db * db)))
    return (np.int64(1) << 32) // max(d, np.int64(1))


@inlined
def sort_plan(lights, plan):
    """From dark to light; by insertion, for plans are short."""
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


@kernel(
    array_in(types.uint8, 3),
    array_in(types.int16, 1),
    SEARCH,
    array_in(types.uint8, 1),
    types.int64,
    array_in(types.int16, 2),
    types.int64,
    types.int64,
    array_in(types.uint8, 2),
    array_out(types.int64, 1),
    array_out(types.uint8, 2),
    array_out(types.uint8, 2),
)
def pattern_rows(
    pixels, light, search, code, limit, lights, method, strength, places, memo, plans, out
):
    """``memo`` and ``plans`` hold the colours seen before and their plans."""
    away = np.zeros(lights.shape[0], np.int32)
    shares = np.zeros(lights.shape[0], np.int64)
    pool = np.zeros(PAIR_POOL, np.int64)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            cr, cg, cb = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            key = (np.int64(cr) << 16) | (np.int64(cg) << 8) | np.int64(cb)
            slot = (key * 40503 >> 4) & (memo.shape[0] - 1)
            plan = plans[slot]
            if memo[slot] != key:
                memo[slot] = key
                r = min(max(np.int64(light[cr]), np.int64(0)), np.int64(WHITE))
                g = min(max(np.int64(light[cg]), np.int64(0)), np.int64(WHITE))
                b = min(max(np.int64(light[cb]), np.int64(0)), np.int64(WHITE))
                if method == 0:
                    knoll(search, lights, r, g, b, strength, plan)
                elif method == 2:
                    yliluoma_2(code, lights, r, g, b, plan)
                else:
                    distances(search, code[r], code[g], code[b], away)
                    size = CLOSEST if method == 4 else (PAIR_POOL if method == 1 else SPLIT_POOL)
                    count = nearest_first(away, size, pool)
                    if method == 1:
                        yliluoma_1(code, lights, r, g, b, pool, count, plan)
                    elif method == 3:
                        yliluoma_3(code, lights, r, g, b, pool, count, limit, shares, plan)
                    else:
                        n_closest(lights, r, g, b, pool, count, plan)
                sort_plan(lights, plan)
            out[y, x] = plan[places[y % 8, x % 8]]
