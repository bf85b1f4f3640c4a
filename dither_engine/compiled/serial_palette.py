"""Error diffusion to a palette, pixel by pixel: for serpentine scans and transparent pictures.

Each pixel depends on the one before it, so the latency of one pixel counts, not the throughput.
Its colour is compared with eight palette colours at once. Only the shares for its own row are added
at once; the shares for the rows below are added when the row is finished, many pixels at a time.
"""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.mixing import SQUARES, weight_of
from dither_engine.compiled.nearest import mixing_place
from dither_engine.compiled.search import (
    METRIC,
    NUMBERED,
    OKLAB,
    SEARCH,
    SRGB,
    fill_axis,
    fill_sums,
)
from dither_engine.compiled.simd_nearest import UNIT
from dither_engine.compiled.simd_one import least_of_one, nearest_of_one
from dither_engine.light import WHITE

PAD = 8  # padding pixels of the ring on either side of a row; their values are never read
_U1, _I2, _I4 = types.uint8, types.int16, types.int32


@inlined
def by_colour(sums, weights):
    """The result of `fill_sums` in the layout of ``simd_one``: the lanes are colours, not pixels.

    weights: ``int16 (groups, 3, UNIT, 2)``. Unused entries repeat the first colour.
    """
    for place in range(weights.shape[0] * UNIT):
        k = place if place < sums.shape[0] else 0
        for part in range(3):
            for half in range(2):
                weights[place // UNIT, part, place % UNIT, half] = sums[k, part, 0, half]


@inlined
def give_below(errors, ring, y, step, shares, rest, left):
    """Add the shares of a row's errors to the rows below."""
    rows, width, depth = ring.shape
    flat = ring.reshape(ring.size)
    left[:] = errors
    for t in range(shares.shape[0]):
        dx, dy, weight = shares[t, 0], shares[t, 1], np.int32(shares[t, 2])
        start = ((y + dy) % rows * width + PAD + step * dx) * depth
        if t == rest:
            continue
        if dy > 0:
            below = flat[start : start + errors.shape[0]]
            for i in range(errors.shape[0]):
                part = np.int32(np.int32(errors[i] * weight) >> 16)
                below[i] += part
                left[i] -= part
        else:
            for i in range(errors.shape[0]):
                left[i] -= np.int32(np.int32(errors[i] * weight) >> 16)
    if shares[rest, 1] > 0:
        start = ((y + shares[rest, 1]) % rows * width + PAD + step * shares[rest, 0]) * depth
        below = flat[start : start + errors.shape[0]]
        for i in range(errors.shape[0]):
            below[i] += left[i]


@kernel(
    array_in(_U1, 2),
    array_in(_U1, 2),
    array_in(_I2, 1),
    SEARCH,
    array_in(_I2, 2),
    array_in(_I4, 2),
    types.int64,
    types.boolean,
    types.int64,
    array_out(_I4, 3),
    array_out(_U1, 2),
)
def diffuse_palette(
    samples, mask, light, search, colours, shares, rest, serpentine, top, ring, out
):
    """Diffuse to at most MOST colours; not for ciede2000.

    samples: (H, 3 W). mask: see `Work`. ring: ``(rows, W + 2 PAD, 3)``, errors accumulated for the
    next rows, row y at ``y % rows``. top: the first row's y. Others: see `wavefront_palette`.
    """
    height, length = samples.shape
    width = length // 3
    rows = ring.shape[0]
    oklab = search[METRIC] == OKLAB
    numbered = search[METRIC] == SRGB
    axis = np.zeros(WHITE + 1, np.int16)
    if not oklab:
        fill_axis(search, NUMBERED if numbered else 1, axis)
    sums = np.zeros((colours.shape[0], 3, UNIT, 2), np.int16)
    fill_sums(search, numbered, sums)
    masked = mask.shape[0] > 0
    groups = (colours.shape[0] + UNIT - 1) // UNIT
    grouped = np.zeros((groups, 3, UNIT, 2), np.int16)
    by_colour(sums, grouped)
    weights = grouped.reshape(grouped.size)
    # The row's values, including the shares from within the row, and its errors.
    line = np.zeros((width + 2 * PAD) * 3, np.int32)
    errors, left = np.zeros(length, np.int32), np.zeros(length, np.int32)
    lights = np.zeros(colours.shape[0] * 3, np.int64)
    for i in range(lights.shape[0]):
        lights[i] = colours[i // 3, i % 3]
    # Shares within the row: for the next pixel (kept out of memory) and for pixels farther on; and
    # the shares to subtract from an error if the remainder stays in this row.
    following, next_, farther, others = -1, np.int64(0), False, 0
    other = np.zeros(shares.shape[0], np.int64)
    for t in range(shares.shape[0]):
        if shares[t, 1] == 0 and shares[t, 0] == 1:
            following, next_ = t, np.int64(shares[t, 2])
        elif shares[t, 1] == 0:
            farther = True
        if shares[rest, 1] == 0 and t != rest and shares[t, 2] != 0:
            other[others] = shares[t, 2]
            others += 1
    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        step = -1 if back else 1
        here = ring[(top + y) % rows].reshape(line.shape[0])
        for i in range(length):
            line[3 * PAD + i] = light[samples[y, i]] + here[3 * PAD + i]
        here[:] = 0
        r_next, g_next, b_next = np.int64(0), np.int64(0), np.int64(0)
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and mask[y, x] == 0:
                out[y, x] = 0
                errors[3 * x], errors[3 * x + 1], errors[3 * x + 2] = 0, 0, 0
                r_next, g_next, b_next = np.int64(0), np.int64(0), np.int64(0)
                continue
            at = 3 * (x + PAD)
            r = min(max(line[at] + r_next, np.int64(-WHITE)), np.int64(2 * WHITE))
            g = min(max(line[at + 1] + g_next, np.int64(-WHITE)), np.int64(2 * WHITE))
            b = min(max(line[at + 2] + b_next, np.int64(-WHITE)), np.int64(2 * WHITE))
            weight = np.int64(0)
            if oklab:
                weight = weight_of(samples[y, 3 * x], samples[y, 3 * x + 1], samples[y, 3 * x + 2])
                p, q, s = mixing_place(search, r, g, b, weight)
            else:
                p = np.int64(axis[min(max(r, np.int64(0)), np.int64(WHITE))])
                q = np.int64(axis[min(max(g, np.int64(0)), np.int64(WHITE))])
                s = np.int64(axis[min(max(b, np.int64(0)), np.int64(WHITE))])
            if numbered:
                k = least_of_one(weights, groups, p, q, s, weight) & 255
            else:
                k = nearest_of_one(weights, groups, p, q, s, SQUARES * weight)
            out[y, x] = k
            r, g, b = r - lights[3 * k], g - lights[3 * k + 1], b - lights[3 * k + 2]
            errors[3 * x], errors[3 * x + 1], errors[3 * x + 2] = r, g, b
            r_left, g_left, b_left = r, g, b
            for t in range(others):
                r_left -= r * other[t] >> 16
                g_left -= g * other[t] >> 16
                b_left -= b * other[t] >> 16
            if following == rest:
                r_next, g_next, b_next = r_left, g_left, b_left
            else:
                r_next, g_next, b_next = r * next_ >> 16, g * next_ >> 16, b * next_ >> 16
            for t in range(shares.shape[0] if farther else 0):
                if shares[t, 1] == 0 and t != following:
                    to = at + 3 * step * shares[t, 0]
                    part = np.int64(shares[t, 2])
                    line[to] += r_left if t == rest else r * part >> 16
                    line[to + 1] += g_left if t == rest else g * part >> 16
                    line[to + 2] += b_left if t == rest else b * part >> 16
        give_below(errors, ring, top + y, step, shares, rest, left)
