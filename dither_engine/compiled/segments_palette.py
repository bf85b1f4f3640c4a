"""Error diffusion to a palette, row by row: for serpentine scans and transparent pictures.

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
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.lanes_palette import (
    fill_bytes,
    fill_curve,
    fill_packed,
    is_straight,
    lights_of,
    mixing_coordinates,
    nearest,
    plain_coordinates,
)
from dither_engine.compiled.search import (
    GREYEST,
    METRIC,
    NEUTRAL,
    NOT_GREY,
    NUMBERED,
    OKLAB,
    SEARCH,
    SRGB,
    fill_axis,
    fill_sums,
)
from dither_engine.compiled.simd import (
    LANES,
    SQUARE,
    any_set,
    at_least,
    copy,
    high_product,
    load,
    spread,
    store,
)
from dither_engine.compiled.simd_nearest import UNIT
from dither_engine.compiled.wavefront import clamped, scaled, to_lines, to_steps
from dither_engine.light import WHITE

PAD = 8  # steps before and after a segment: the errors of its neighbours; a kernel reaches 7
_DEPTH = 3 * LANES  # numbers of a step
_U1, _I2, _I4 = types.uint8, types.int16, types.int32


def steps(width: int) -> int:
    """The length of the segments of a row."""
    return -(-width // (LANES * SQUARE)) * SQUARE


@inlined
def transposed(row, pitch, line, tiles):
    """Copy a row into ``line``, which is longer, and transpose it: ``pitch`` bytes a segment."""
    copy(row, 0, line, 0, row.shape[0])
    to_steps(line, pitch, 0, pitch, tiles)


@inlined
def fill_pads(array, size, reach):
    """Copy the ends of the segments, ``reach`` steps, to the pads of their neighbours."""
    for s in range(reach):
        for c in range(3):
            before, last = ((PAD - 1 - s) * 3 + c) * LANES, ((PAD + size - 1 - s) * 3 + c) * LANES
            after, first = ((PAD + size + s) * 3 + c) * LANES, ((PAD + s) * 3 + c) * LANES
            for l in range(1, LANES):
                array[before + l] = array[last + l - 1]
                array[after + l - 1] = array[first + l]


@inlined
def clear_pads(array, size):
    """No errors come from beside the row; those of a neighbour are not known yet."""
    array[: PAD * _DEPTH] = 0
    array[(PAD + size) * _DEPTH :] = 0


@inlined
def ends_changed(errors, size, reach, back):
    """Whether the pads where the segments begin differ from the ends of their neighbours."""
    changed = False
    for s in range(reach):
        for c in range(3):
            pad, end = ((PAD - 1 - s) * 3 + c) * LANES, ((PAD + size - 1 - s) * 3 + c) * LANES
            if back:
                pad, end = ((PAD + s) * 3 + c) * LANES, ((PAD + size + s) * 3 + c) * LANES
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
def add_below(errors, left, size, y, way, shares, rest, ring):
    """Add the shares of a row's errors to the rows below."""
    for t in range(shares.shape[0]):
        if shares[t, 1] <= 0:
            continue
        below = ring[(y + shares[t, 1]) % ring.shape[0]]
        start = (PAD - way * shares[t, 0]) * _DEPTH
        if t == rest:
            for at in range(0, size * _DEPTH, LANES):
                store(below, at, load(below, at) + load(left, start + at))
        else:
            weight = np.int16(shares[t, 2])
            for at in range(0, size * _DEPTH, LANES):
                part = high_product(load(errors, start + at), spread(weight))
                store(below, at, load(below, at) + part)


@kernel(
    array_in(_U1, 2),
    array_in(_U1, 2),
    array_in(_I2, 1),
    types.boolean,
    SEARCH,
    array_in(_I2, 2),
    array_in(_I4, 2),
    types.int64,
    types.boolean,
    types.int64,
    array_out(_I2, 2),
    array_out(_U1, 2),
)
def diffuse_palette(
    samples, mask, light, even, search, colours, shares, rest, serpentine, top, ring, out
):
    """Diffuse to the colours of a palette; not for ciede2000.

    samples: (H, 3 W). mask: see `Work`. ring: the errors accumulated for the next rows, transposed,
    ``(rows, 3 · LANES · steps(W))``; row y is at ``y % rows``. top: the first row's y. Others: see
    `wavefront_palette`.
    """
    height, length = samples.shape
    width, size = length // 3, ring.shape[1] // _DEPTH
    oklab, numbered = search[METRIC] == OKLAB, search[METRIC] == SRGB
    axis = np.zeros(WHITE + 1, np.int16)
    curve = np.zeros(3 * WHITE + 1, np.int16)
    if oklab:
        fill_curve(search, curve)
    else:
        fill_axis(search, NUMBERED if numbered else 1, axis)
    straight = numbered and is_straight(axis)
    sums = np.zeros((colours.shape[0], 3, UNIT, 2), np.int16)
    fill_sums(search, numbered, sums)
    packed = np.zeros(colours.shape[0], np.int64)
    fill_packed(colours, packed)
    neutral = np.int16(NOT_GREY if search[NEUTRAL] != 0 else 0)
    greyest = np.int16(search[GREYEST])
    few = np.zeros(6 * LANES, np.uint8)
    fill_bytes(colours, few)
    low, high = spread(np.int16(-WHITE)), spread(np.int16(2 * WHITE))

    line = np.zeros(size * _DEPTH, np.uint8)
    tiles = np.zeros(size * _DEPTH, np.uint8)
    shown = np.zeros(size * LANES, np.uint8)
    found = np.zeros(size * LANES, np.uint8)
    values, places = np.zeros(_DEPTH, np.int16), np.zeros(_DEPTH, np.int16)
    xy, z0 = np.zeros(2 * LANES, np.int16), np.zeros(2 * LANES, np.int16)
    given = np.zeros(size * _DEPTH, np.int16)  # light, and the shares from the rows above
    errors = np.zeros((size + 2 * PAD) * _DEPTH, np.int16)
    left = np.zeros((size + 2 * PAD) * _DEPTH, np.int16)
    mask_line = np.zeros(size * LANES, np.uint8)
    mask_line[:width] = 1
    to_steps(mask_line, size, 0, size, shown)
    masked = mask.shape[0] > 0

    # Shares within the row: how many steps before the pixel, and the weight; of which the last may
    # be the remainder. And the weights of all shares but the remainder.
    before, weights = np.zeros(shares.shape[0], np.int64), np.zeros(shares.shape[0], np.int16)
    others = np.zeros(shares.shape[0], np.int16)
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
    keeps = shares[rest, 1] >= 0

    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        way = -1 if back else 1
        here = ring[(top + y) % ring.shape[0]]
        transposed(samples[y], 3 * size, line, tiles)
        if even:
            for i in range(0, size * _DEPTH, LANES):
                store(given, i, scaled(load(tiles, i)) + load(here, i))
        else:
            for i in range(size * _DEPTH):
                given[i] = light[tiles[i]] + here[i]
        here[:] = 0
        if masked:
            transposed(mask[y], size, mask_line, shown)
        clear_pads(errors, size)
        clear_pads(left, size)
        again = False
        while True:
            equal = 0
            for i in range(size):
                step = size - 1 - i if back else i
                at = (PAD + step) * _DEPTH
                for c in range(0, _DEPTH, LANES):
                    value = load(given, step * _DEPTH + c)
                    for t in range(count):
                        place = at + c - way * before[t] * _DEPTH
                        value = value + high_product(load(errors, place), spread(weights[t]))
                    if last > 0:
                        value = value + load(left, at + c - way * last * _DEPTH)
                    store(values, c, clamped(value, low, high))
                if oklab:
                    mixing_coordinates(values, places, curve, tiles, step * _DEPTH, greyest, xy, z0)
                else:
                    plain_coordinates(
                        values, places, axis, straight, tiles, step * _DEPTH, neutral, xy, z0
                    )
                near = nearest(numbered, xy, z0, sums, colours.shape[0])
                store(found, step * LANES, near)
                red, green, blue = lights_of(near, found, step * LANES, packed, few)
                visible = at_least(load(shown, step * LANES), spread(np.int16(1)))
                red = (load(values, 0) - red) & visible
                green = (load(values, LANES) - green) & visible
                blue = (load(values, 2 * LANES) - blue) & visible
                if again:
                    differ = red ^ load(errors, at)
                    differ = differ | (green ^ load(errors, at + LANES))
                    differ = differ | (blue ^ load(errors, at + 2 * LANES))
                    equal = 0 if any_set(differ) else equal + 1
                    if equal == reach:
                        break
                store(errors, at, red)
                store(errors, at + LANES, green)
                store(errors, at + 2 * LANES, blue)
                if keeps:
                    for c in range(at, at + _DEPTH, LANES):
                        store(left, c, left_over(errors, c, others, further))
            if reach == 0 or not ends_changed(errors, size, reach, back):
                break
            fill_pads(errors, size, reach)
            fill_pads(left, size, reach)
            again = True
        fill_pads(errors, size, wide)
        fill_pads(left, size, wide)
        to_lines(found, size, line, size, 0)
        copy(line, 0, out[y], 0, width)
        add_below(errors, left, size, top + y, way, shares, rest, ring)
