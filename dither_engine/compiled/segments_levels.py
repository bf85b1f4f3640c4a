"""Error diffusion to levels, row by row; see `segments`."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.compiled.segments import (
    PAD,
    add_below,
    clear_pads,
    ends_changed,
    fill_pads,
    left_over,
    take_light,
    transposed,
    within_row,
)
from dither_engine.compiled.simd import (
    LANES,
    any_set,
    at_least,
    copy,
    high_product,
    load,
    product,
    spread,
    store,
)
from dither_engine.compiled.wavefront import to_lines, to_steps

_U1, _I2, _I4 = types.uint8, types.int16, types.int32


@kernel(
    array_in(_U1, 2),
    array_in(_U1, 2),
    array_in(_I2, 1),
    types.boolean,
    array_in(_I2, 1),
    array_in(_I2, 1),
    types.int64,
    array_in(_I4, 2),
    types.int64,
    types.boolean,
    types.int64,
    array_out(_I2, 2),
    array_out(_U1, 2),
)
def diffuse_levels(
    samples, mask, light, even, middles, gaps, depth, shares, rest, serpentine, top, ring, out
):
    """Diffuse to levels. For the arguments see `wavefront_levels` and `segments_palette`."""
    height, length = samples.shape
    width, wide = length // depth, depth * LANES
    size = ring.shape[1] // wide
    results = out.shape[1] // width  # of a pixel
    digits = depth // results
    base, zero, one = spread(np.int16(gaps.shape[0] + 1)), spread(np.int16(0)), spread(np.int16(1))

    line = np.zeros(size * wide, np.uint8)
    tiles = np.zeros(size * wide, np.uint8)
    shown = np.zeros(size * LANES, np.uint8)
    found = np.zeros(size * results * LANES, np.uint8)
    given = np.zeros(size * wide, np.int16)  # light, and the shares from the rows above
    errors = np.zeros((size + 2 * PAD) * wide, np.int16)
    left = np.zeros((size + 2 * PAD) * wide, np.int16)
    mask_line = np.zeros(size * LANES, np.uint8)
    mask_line[:width] = 1
    to_steps(mask_line, size, 0, size, shown)
    masked = mask.shape[0] > 0
    before, weights = np.zeros(shares.shape[0], np.int64), np.zeros(shares.shape[0], np.int16)
    others = np.zeros(shares.shape[0], np.int16)
    count, further, reach, last, farthest = within_row(shares, rest, before, weights, others)
    keeps = shares[rest, 1] >= 0

    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        way = -1 if back else 1
        here = ring[(top + y) % ring.shape[0]]
        transposed(samples[y], depth * size, line, tiles)
        take_light(tiles, light, even, here, given)
        if masked:
            transposed(mask[y], size, mask_line, shown)
        clear_pads(errors, size, depth)
        clear_pads(left, size, depth)
        again = False
        while True:
            equal = 0
            for i in range(size):
                step = size - 1 - i if back else i
                visible = at_least(load(shown, step * LANES), one)
                number, differ = zero, zero
                for c in range(depth):
                    at = ((PAD + step) * depth + c) * LANES
                    value = load(given, (step * depth + c) * LANES)
                    for t in range(count):
                        place = at - way * before[t] * wide
                        value = value + high_product(load(errors, place), spread(weights[t]))
                    if last > 0:
                        value = value + load(left, at - way * last * wide)
                    level, error = zero, value
                    for j in range(middles.shape[0]):
                        above = at_least(value, spread(middles[j]))
                        level = level - above
                        error = error - (above & spread(gaps[j]))
                    error = error & visible
                    differ = differ | (error ^ load(errors, at))
                    store(errors, at, error)
                    if keeps:
                        store(left, at, left_over(errors, at, others, further))
                    number = product(number, base) + level
                    if digits == 1:
                        store(found, (step * depth + c) * LANES, level)
                if digits > 1:
                    store(found, step * LANES, number)
                equal = 0 if any_set(differ) else equal + 1
                if again and equal == reach:
                    break
            if reach == 0 or not ends_changed(errors, size, reach, depth, back):
                break
            fill_pads(errors, size, reach, depth)
            fill_pads(left, size, reach, depth)
            again = True
        fill_pads(errors, size, farthest, depth)
        fill_pads(left, size, farthest, depth)
        to_lines(found, size * results, line, size * results, 0)
        copy(line, 0, out[y], 0, width * results)
        add_below(errors, left, size, depth, top + y, way, shares, rest, ring)
