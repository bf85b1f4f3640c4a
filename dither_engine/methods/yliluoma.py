"""Yliluoma's three ways to make a plan; see `patterns` and `plans`.

J. Yliluoma, "Arbitrary-palette positional dithering algorithm", 2011.
"""

import numpy as np

from dither_engine.compiled.decorators import inlined, merged


@inlined
def difference(r1, g1, b1, r2, g2, b2):
    """Yliluoma's difference of two 8-bit colours; `patterns` describes its unit."""
    r, g, b = np.int64(r1) - r2, np.int64(g1) - g2, np.int64(b1) - b2
    luma = 299 * r + 587 * g + 114 * b
    return 750 * (299 * r * r + 587 * g * g + 114 * b * b) + luma * luma


@merged
def beyond(value, one, other):
    """Signed distance of a value from the interval of two others: above > 0, below < 0."""
    return max(value - max(one, other), np.int64(0)) + min(value - min(one, other), np.int64(0))


@inlined
def least_difference(codes, a, z, r, g, b):
    """A lower bound of the difference between an 8-bit colour and all mixtures of a and z."""
    dr = beyond(r, codes[a, 0], codes[z, 0])
    dg = beyond(g, codes[a, 1], codes[z, 1])
    db = beyond(b, codes[a, 2], codes[z, 2])
    return 750 * (299 * dr * dr + 587 * dg * dg + 114 * db * db)


@inlined
def ratio(lights, a, z, r, g, b, size):
    """How many of ``size`` parts are colour z: solved for each channel, weighted as in luma."""
    share = np.int64(0)
    weights = np.int64(0)
    for c in range(3):
        span = np.int64(lights[z, c]) - lights[a, c]
        if span != 0:
            weight = 299 if c == 0 else (587 if c == 1 else 114)
            value = r if c == 0 else (g if c == 1 else b)
            share += weight * size * (value - lights[a, c]) // span
            weights += weight
    if weights == 0:
        return np.int64(0)
    return min(max(share // weights, np.int64(0)), np.int64(size - 1))


@inlined
def yliluoma_1(code, codes, apart, lights, r, g, b, pool, count, plan):
    """``codes``: the palette's 8-bit codes. ``apart``: how much its colours differ, ``(n, n)``.

    Most pairs cannot be better than the best so far; their mixtures are not computed.
    """
    size = plan.shape[0]
    vr, vg, vb = np.int64(code[r]), np.int64(code[g]), np.int64(code[b])
    best_a, best_b, best_share = pool[0], pool[0], np.int64(0)
    least = np.int64(1) << 62
    for i in range(count):
        a = pool[i]
        for j in range(i, count):
            z = pool[j]
            penalty = apart[a, z] // 20  # at even shares
            if penalty >= least or penalty + least_difference(codes, a, z, vr, vg, vb) >= least:
                continue
            share = ratio(lights, a, z, r, g, b, size)
            mixed = difference(
                vr,
                vg,
                vb,
                code[lights[a, 0] + (np.int64(lights[z, 0]) - lights[a, 0]) * share // size],
                code[lights[a, 1] + (np.int64(lights[z, 1]) - lights[a, 1]) * share // size],
                code[lights[a, 2] + (np.int64(lights[z, 2]) - lights[a, 2]) * share // size],
            )
            cost = mixed + apart[a, z] * (abs(2 * share - size) + size) // (20 * size)
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
        if filled == 0 and least == 0:
            amount = size  # a palette colour stays itself, even if a mixture rounds to it
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
    """Pairs whose lumas differ by more than ``limit`` are skipped."""
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
                    if a == z or abs(luma_of(code, lights, a) - luma_of(code, lights, z)) > limit:
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
