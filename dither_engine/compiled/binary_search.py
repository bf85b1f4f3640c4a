"""Direct binary search of the rows of a picture; see ``methods.binary_search``.

`COUNT` pixels of a row are tried at once. If a change of one of them lowers the cost, the first
such change is made, and the pixels after it are tried again: the result is that of a search pixel
by pixel. All numbers are integers below 2^53, so doubles hold them exactly.
"""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.simd import WORDS_WIDE, add_product
from dither_engine.compiled.simd_doubles import (
    COUNT,
    first_below_zero,
    lane,
    load,
    spread,
    where_less,
)

PASSES = 12
RADIUS = 5  # of the eye's point spread
REACH = 2 * RADIUS  # of its autocorrelation
NEXT = ((0, 1), (1, -1), (1, 0), (1, 1))  # down, right
BLOCK = 32
LIMIT = 16384.0  # two dots
FORBIDDEN = 2.0**60  # more than any change lowers the cost


@inlined
def is_grey(pixels, y, x):
    """Whether the three channels are equal."""
    return pixels[y, x, 0] == pixels[y, x, 1] and pixels[y, x, 1] == pixels[y, x, 2]


@merged
def best_colours(seen, shown, pull, bound, at, block, inks, middle):
    """The best colour of each of `COUNT` pixels beside each other.

    Returns by what it changes the cost (0: no colour lowers it), and the colour's number. The
    arguments are flat arrays of `search_rows`; at, block: the first pixel's place in them.
    """
    plane = bound.size
    zero = spread(0.0)
    best, number = zero, zero
    l, u, v = load(shown, at), load(shown, at + plane), load(shown, at + 2 * plane)
    a, b, c = load(seen, at), load(seen, at + plane), load(seen, at + 2 * plane)
    a = a + load(pull, block)
    # A step d costs d · (middle · d + 2 seen): for a colour p the part of p, less that of no step.
    p, q, r = a - spread(middle[0]) * l, b - spread(middle[1]) * u, c - spread(middle[2]) * v
    before = l * (a + p) + u * (b + q) + v * (c + r)
    p, q, r = p + p, q + q, r + r
    must = load(bound, at)
    must = where_less(zero, must, must, zero)
    for k in range(inks.shape[0]):
        cost = spread(inks[k, 0]) * p + spread(inks[k, 1]) * q + spread(inks[k, 2]) * r
        cost = cost + spread(inks[k, 3]) - before
        if inks[k, 4] != 0:
            cost = cost + spread(inks[k, 4]) * must
        number = where_less(cost, best, spread(np.float64(k)), number)
        best = where_less(cost, best, cost, best)
    return best, number


@merged
def swap_cost(seen, shown, pull, bound, ruled, at, to, block, other, apart, n, edge):
    """What it costs to swap each of `COUNT` pixels with its neighbour, the n-th of `NEXT`.

    to, other: the first neighbour's place in the planes and in ``pull``. edge: ``weight`` in the
    lanes where the two belong to different blocks, else 0.
    """
    plane = bound.size
    step = load(shown, to) - load(shown, at)
    differs = load(seen, at) - load(seen, to) + (load(pull, block) - load(pull, other))
    cost = step * (differs + (spread(apart[n, 0]) + edge) * step)
    for c in range(1, 3):
        step = load(shown, to + c * plane) - load(shown, at + c * plane)
        differs = load(seen, at + c * plane) - load(seen, to + c * plane)
        cost = cost + step * (differs + spread(apart[n, c]) * step)
    cost = cost + cost
    if ruled:
        forbidden = load(bound, at) * load(bound, to) * spread(-FORBIDDEN)
        cost = cost + where_less(spread(0.0), forbidden, forbidden, spread(0.0))
    return cost


@inlined
def change(seen, kernels, n, at, row, step):
    """Add ``step`` times the n-th of the kernels to the blurred error.

    at: the kernel's first column in ``seen``. row: its first row; it may lie outside ``seen``.
    """
    axes, height, width = seen.shape
    rows = kernels.shape[2]
    flat, weights = seen.reshape(seen.size), kernels.reshape(kernels.size)
    first, last = max(row, 0), min(row + rows, height)
    for c in range(axes):
        if step[c] != 0:
            factor = np.int32(step[c])
            for r in range(first, last):
                start = ((n * axes + c) * rows + r - row) * WORDS_WIDE
                add_product(flat, (c * height + r) * width + at, weights, start, factor)


@inlined
def recolour(y, x, new, points, greys, weight, step, state, shown, bound, sums, pull):
    """Give a pixel another colour; ``step`` gets the change of each axis."""
    old, column, block = state[y, x], x + REACH, x // BLOCK
    for c in range(3):
        step[c] = points[new, c] - points[old, c]
        shown[c, y, column] = points[new, c]
    sums[y // BLOCK, block] += step[0]
    draw(y // BLOCK, block, weight, sums, pull)
    if bound[y, column] != 1:
        bound[y, column] = 0 if greys[new] else -1
    state[y, x] = new


@inlined
def draw(y, x, weight, sums, pull):
    """Set what a block's summed error adds to the blurred error of its pixels."""
    first = x * BLOCK + REACH
    force = weight * min(max(sums[y, x], -LIMIT), LIMIT)
    for i in range(first, min(first + BLOCK, pull.shape[1])):
        pull[y, i] = force


@inlined
def look(pixels, mask, light, matrix, points, greys, top, state, errors, shown, bound, sums):
    """Fill the planes of `search_rows`; row ``top`` is row REACH of ``errors``."""
    height, width, depth = pixels.shape
    ruled = not greys.all()
    for y in range(height):
        inside = top <= y < top + bound.shape[0] - 1
        for x in range(width):
            if mask.shape[0] > 0 and mask[y, x] == 0:
                state[y, x] = 0
                continue
            here, column = state[y, x], x + REACH
            for c in range(depth):
                value = np.int64(0)
                for i in range(depth):
                    value += matrix[c, i] * light[pixels[y, x, i]]
                errors[c, y - top + REACH, column] = points[here, c] - (value >> 12)
            if inside:
                for c in range(3):
                    shown[c, y - top, column] = points[here, c]
                sums[(y - top) // BLOCK, x // BLOCK] += errors[0, y - top + REACH, column]
                if ruled and is_grey(pixels, y, x):
                    bound[y - top, column] = 1
                elif not greys[here]:
                    bound[y - top, column] = -1


@inlined
def blur(errors, kernels, seen):
    """Blur the error. The kernels are symmetric, so four errors share a multiplication."""
    width = seen.shape[2]
    rows, both = np.zeros(width, np.int32), np.zeros(width, np.int32)
    for c in range(3):
        for y in range(seen.shape[1] - 1):
            out = seen[c, y]
            for r in range(REACH + 1):
                above, below = errors[c, y + REACH - r], errors[c, y + REACH + r]
                for x in range(width):
                    rows[x] = np.int32(above[x]) + below[x] if r > 0 else above[x]
                for s in range(REACH + 1):
                    weight = kernels[len(NEXT), c, REACH - r, REACH - s]
                    for x in range(REACH, width - REACH):
                        both[x] = rows[x - s] + rows[x + s] if s > 0 else rows[x]
                    for x in range(REACH, width - REACH):
                        out[x] += weight * both[x]


@inlined
def search(
    seen,
    shown,
    bound,
    sums,
    pull,
    edges,
    points,
    greys,
    kernels,
    inks,
    middle,
    apart,
    weight,
    state,
):
    """Go over the pixels until no change lowers the cost. See `search_rows` for the arguments."""
    rows, width = state.shape
    pitch = pull.shape[1]
    flat_seen, flat_shown = seen.reshape(seen.size), shown.reshape(shown.size)
    flat_bound, flat_pull = bound.reshape(bound.size), pull.reshape(pull.size)
    ruled, colours = not greys.all(), len(points)
    step = np.zeros(3, np.int64)
    for _ in range(PASSES):
        changes = 0
        for y in range(rows):
            last = (y + 1) % BLOCK == 0
            x = 0
            while x < width:
                at, block = y * pitch + x + REACH, y // BLOCK * pitch + x + REACH
                best, number = best_colours(
                    flat_seen, flat_shown, flat_pull, flat_bound, at, block, inks, middle
                )
                for n in range(len(NEXT)):
                    down, right = NEXT[n]
                    to, other, edge = at + down * pitch + right, block + right, spread(0.0)
                    if last and down == 1:
                        other, edge = other + pitch, spread(weight)
                    elif right != 0:
                        edge = load(edges, x + REACH + min(right, 0))
                    cost = swap_cost(
                        flat_seen,
                        flat_shown,
                        flat_pull,
                        flat_bound,
                        ruled,
                        at,
                        to,
                        block,
                        other,
                        apart,
                        n,
                        edge,
                    )
                    number = where_less(cost, best, spread(np.float64(colours + n)), number)
                    best = where_less(cost, best, cost, best)
                first = first_below_zero(best)
                x += first
                if first < COUNT:
                    changes += 1
                    new, kind, right = np.int64(lane(number, first)), np.int64(len(NEXT)), 0
                    if new >= colours:
                        kind = new - colours
                        down, right = NEXT[kind]
                        v, u = y + down, x + right
                        new = np.int64(state[v, u])
                        recolour(
                            v,
                            u,
                            state[y, x],
                            points,
                            greys,
                            weight,
                            step,
                            state,
                            shown,
                            bound,
                            sums,
                            pull,
                        )
                    recolour(
                        y, x, new, points, greys, weight, step, state, shown, bound, sums, pull
                    )
                    change(seen, kernels, kind, x + min(right, 0), y - REACH, step)
                    x += 1
        if changes == 0:
            break


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 2),
    array_in(types.int16, 1),
    array_in(types.int64, 2),
    array_in(types.int64, 2),
    array_in(types.boolean, 1),
    array_in(types.int32, 4),
    array_in(types.float64, 2),
    array_in(types.float64, 1),
    array_in(types.float64, 2),
    types.float64,
    types.int64,
    types.int64,
    array_out(types.uint8, 2),
)
def search_rows(
    pixels,
    mask,
    light,
    matrix,
    points,
    greys,
    kernels,
    inks,
    middle,
    apart,
    weight,
    top,
    bottom,
    state,
):
    """Search the rows ``top`` to ``bottom``; ``state`` holds the colours of all rows in view.

    points: the colours' three axes. greys: whether a grey pixel may become each colour. kernels:
    what a step of 1 changes in the blurred error, ``(len(NEXT) + 1, 3, H, WORDS_WIDE)``: for each
    neighbour in `NEXT` a step of 1 here and of -1 there; then a step here alone. Their first row is
    REACH above the pixel, their first column REACH left of the left one of the two. inks: for each
    colour its axes, the cost of them as a step, and what a grey pixel pays for it. middle: the cost
    of a step of 1 here, for each axis. apart: for each neighbour half the cost of a step of 1 there
    and of -1 here. weight: of the blocks' cost.
    """
    width = pixels.shape[1]
    rows, pitch = bottom - top, width + WORDS_WIDE
    # Column x + REACH of the planes is the picture's column x, row y is its row top + y.
    seen = np.zeros((3, rows + 1, pitch), np.int32)  # the blurred error
    # The present colours; outside the picture no number, which no cost can be lower than.
    shown = np.full((3, rows + 1, pitch), np.nan, np.float32)
    # 1 for a pixel that must become a grey, -1 for one that is no grey at present.
    bound = np.zeros((rows + 1, pitch), np.float32)
    sums = np.zeros((rows // BLOCK + 1, width // BLOCK + 1), np.int64)  # of the blocks' errors
    pull = np.zeros((rows // BLOCK + 1, pitch), np.float64)  # what `draw` sets, for each column
    edges = np.zeros(pitch, np.float64)  # `weight` in the last column of each block
    edges[REACH + BLOCK - 1 :: BLOCK] = weight
    errors = np.zeros((3, rows + 1 + 2 * REACH, pitch), np.int16)
    look(pixels, mask, light, matrix, points, greys, top, state, errors, shown, bound, sums)
    blur(errors, kernels, seen)
    for y in range(sums.shape[0]):
        for x in range(sums.shape[1]):
            draw(y, x, weight, sums, pull)
    search(
        seen,
        shown,
        bound,
        sums,
        pull,
        edges,
        points,
        greys,
        kernels,
        inks,
        middle,
        apart,
        weight,
        state[top:bottom],
    )
