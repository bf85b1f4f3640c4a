"""How `patterns` makes its plans: lists of palette colours that mix to a colour.

Every function fills ``plan``, ``uint8 (candidates,)``, with positions in the palette, in any order.
``lights`` are the palette's, ``(r, g, b)`` is light, ``code`` the 8-bit code value of each light.
"""

import math

import numpy as np

from dither_service.engine.compiled.decorators import inlined
from dither_service.engine.compiled.nearest import nearest_light
from dither_service.engine.methods.pairs import luminance


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
