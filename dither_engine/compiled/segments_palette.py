"""Error diffusion to a palette, row by row; see `segments`."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel
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
    spread,
    store,
)
from dither_engine.compiled.simd_nearest import UNIT
from dither_engine.compiled.wavefront import clamped, to_lines, to_steps
from dither_engine.light import WHITE

_DEPTH = 3 * LANES  # numbers of a step
_U1, _I2, _I4 = types.uint8, types.int16, types.int32


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

    before, weights = np.zeros(shares.shape[0], np.int64), np.zeros(shares.shape[0], np.int16)
    others = np.zeros(shares.shape[0], np.int16)
    count, further, reach, last, wide = within_row(shares, rest, before, weights, others)
    keeps = shares[rest, 1] >= 0

    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        way = -1 if back else 1
        here = ring[(top + y) % ring.shape[0]]
        transposed(samples[y], 3 * size, line, tiles)
        take_light(tiles, light, even, here, given)
        if masked:
            transposed(mask[y], size, mask_line, shown)
        clear_pads(errors, size, 3)
        clear_pads(left, size, 3)
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
            if reach == 0 or not ends_changed(errors, size, reach, 3, back):
                break
            fill_pads(errors, size, reach, 3)
            fill_pads(left, size, reach, 3)
            again = True
        fill_pads(errors, size, wide, 3)
        fill_pads(left, size, wide, 3)
        to_lines(found, size, line, size, 0)
        copy(line, 0, out[y], 0, width)
        add_below(errors, left, size, 3, top + y, way, shares, rest, ring)
