"""Error diffusion row by row, in segments: for serpentine scans and transparent pictures.

A serpentine scan begins each row where the row above ended, so rows cannot be computed together.
Instead each row is cut into `LANES` segments, which are computed together as the lanes of a vector:

    segment   A               B               C               …
    step      0 1 2 3 4 5 …   0 1 2 3 4 5 …   0 1 2 3 4 5 …

The error that comes into a segment from the one before is not known yet: the first pass assumes 0.
Then the steps are repeated with the errors that the first pass found at the ends of the segments.
What a pixel passes on in its row shrinks from pixel to pixel. So after some 10 to 50 pixels both
passes give the same errors, and the rest of the pass is not needed. Passes are repeated until the
ends of the segments no longer change. Then every pixel has got exactly the errors that the plain
loop gives it, and the result is the same, bit for bit.

The shares for the rows below are added when a row is finished. Rows are transposed as in
`wavefront`: the pixels of a step lie side by side. The pixels behind the end of a row are treated
as transparent.
"""

import numpy as np

from dither_engine.compiled.decorators import inlined, merged
from dither_engine.compiled.simd import LANES, SQUARE, copy, high_product, load, spread, store
from dither_engine.compiled.wavefront import scaled, to_steps

PAD = 8  # steps before and after a segment: the errors of its neighbours; a kernel reaches 7


def steps(width: int) -> int:
    """The length of the segments of a row."""
    return -(-width // (LANES * SQUARE)) * SQUARE


@inlined
def transposed(row, pitch, line, tiles):
    """Copy a row into ``line``, which is longer, and transpose it: ``pitch`` bytes a segment."""
    copy(row, 0, line, 0, row.shape[0])
    to_steps(line, pitch, 0, pitch, tiles)


@inlined
def take_light(tiles, light, even, here, given):
    """Set ``given`` to each value's light and its shares from the rows above, which become 0.

    here: the row of the ring that has these shares. light, even: see `wavefront_palette`.
    """
    if even:
        for i in range(0, given.shape[0], LANES):
            store(given, i, scaled(load(tiles, i)) + load(here, i))
    else:
        for i in range(given.shape[0]):
            given[i] = light[tiles[i]] + here[i]
    here[:] = 0


@inlined
def fill_pads(array, size, reach, depth):
    """Copy the ends of the segments, ``reach`` steps, to the pads of their neighbours."""
    wide = depth * LANES
    for s in range(reach):
        for c in range(0, wide, LANES):
            before, last = (PAD - 1 - s) * wide + c, (PAD + size - 1 - s) * wide + c
            after, first = (PAD + size + s) * wide + c, (PAD + s) * wide + c
            for l in range(1, LANES):
                array[before + l] = array[last + l - 1]
                array[after + l - 1] = array[first + l]


@inlined
def clear_pads(array, size, depth):
    """No errors come from beside the row; those of a neighbour are not known yet."""
    array[: PAD * depth * LANES] = 0
    array[(PAD + size) * depth * LANES :] = 0


@inlined
def ends_changed(errors, size, reach, depth, back):
    """Whether the pads where the segments begin differ from the ends of their neighbours."""
    wide = depth * LANES
    changed = False
    for s in range(reach):
        for c in range(0, wide, LANES):
            pad, end = (PAD - 1 - s) * wide + c, (PAD + size - 1 - s) * wide + c
            if back:
                pad, end = (PAD + s) * wide + c, (PAD + size + s) * wide + c
            for l in range(1, LANES):
                changed = changed | (errors[pad + l] != errors[end + l - 1])
    return changed


@merged
def left_over(errors, at, others, count):
    """What remains of an error after the shares with the weights ``others``."""
    left = load(errors, at)
    for t in range(count):
        left = left - high_product(load(errors, at), spread(others[t]))
    return left


@inlined
def add_below(errors, left, size, depth, y, way, shares, rest, ring):
    """Add the shares of a row's errors to the rows below."""
    for t in range(shares.shape[0]):
        if shares[t, 1] <= 0:
            continue
        below = ring[(y + shares[t, 1]) % ring.shape[0]]
        start = (PAD - way * shares[t, 0]) * depth * LANES
        if t == rest:
            for at in range(0, size * depth * LANES, LANES):
                store(below, at, load(below, at) + load(left, start + at))
        else:
            weight = np.int16(shares[t, 2])
            for at in range(0, size * depth * LANES, LANES):
                part = high_product(load(errors, start + at), spread(weight))
                store(below, at, load(below, at) + part)


@inlined
def within_row(shares, rest, before, weights, others):
    """Sort the shares: those within the row, and all that have a weight.

    before, weights: how many steps the pixel lies behind, and the weight; others: the weights of
    all shares but the remainder. Returns how many there are of each; how far shares within the row
    reach, how far the remainder does if it stays in the row, else 0, and how far any share reaches.
    """
    count, further, reach, last, wide = 0, 0, 0, 0, 0
    for t in range(shares.shape[0]):
        wide = max(wide, abs(shares[t, 0]))
        if t != rest and shares[t, 2] != 0:
            others[further] = shares[t, 2]
            further += 1
        if shares[t, 1] != 0:
            continue
        reach = max(reach, shares[t, 0])
        if t == rest:
            last = shares[t, 0]
        else:
            before[count], weights[count] = shares[t, 0], shares[t, 2]
            count += 1
    return count, further, reach, last, wide
