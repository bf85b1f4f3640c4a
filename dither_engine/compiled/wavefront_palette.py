"""Error diffusion to the colours of a palette, rows in step; see `wavefront`."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.search import (
    METRIC,
    NUMBERED,
    OKLAB,
    OKLAB_SHIFT,
    OKLAB_WEIGHTS,
    SEARCH,
    SRGB,
    fill_axis,
    fill_sums,
    root_of_cones,
)
from dither_engine.compiled.simd import (
    LANES,
    load,
    shifted,
    spread,
    store,
)
from dither_engine.compiled.simd_nearest import (
    UNIT,
    least_numbered,
    least_sum,
    look_up,
    look_up_colours,
    store_pairs,
    weighed_sum,
)
from dither_engine.compiled.wavefront import (
    CHUNK,
    PITCH,
    arrange,
    begin,
    clamped,
    empty_lanes,
    fill_lanes,
    finish,
    give,
    inside,
    scaled,
    to_lines,
    to_steps,
    turn,
)
from dither_engine.light import WHITE

_U1, _I2, _I4 = types.uint8, types.int16, types.int32


@inlined
def is_straight(axis):
    """Whether an axis is that of `codes_of`."""
    for light in range(axis.shape[0]):
        if axis[light] != ((2 * light + 33) * 1020 >> 16) * NUMBERED:
            return False
    return True


@merged
def codes_of(light):
    """NUMBERED times the code value of light, 0 to WHITE, when light is sRGB.

    The code value is ``(2 * light + 33) * 1020 >> 16``, by shifts alone.
    """
    twice = light + light + spread(np.int16(33))
    code = twice - shifted(twice + spread(np.int16(255)), np.int16(8))
    code = code & spread(np.int16(-64))
    return code + code


@kernel(
    array_in(_U1, 2),
    array_in(_I2, 1),
    types.boolean,
    SEARCH,
    array_in(types.int64, 2),
    array_in(_I2, 1),
    array_in(_I2, 2),
    array_in(_I4, 2),
    types.int64,
    types.int64,
    types.int64,
    array_out(types.int64, 2),
    array_out(_U1, 1),
    array_out(_U1, 1),
    array_out(_U1, 2),
)
def diffuse_palette(
    samples,
    light,
    even,
    search,
    cones,
    roots,
    colours,
    shares,
    rest,
    skew,
    size,
    carry,
    lines,
    lines_out,
    out,
):
    """Diffuse to the colours of a palette, rows left to right.

    samples: (H, 3 W). cones, roots: of `search.cones`, empty but for oklab. colours: their light,
    (n, 3). out: (H, W). Else as `diffuse_levels`; light
    is limited to one white beyond black and white.

    Every pixel is compared with every colour: in step that is quicker than any search with
    branches, which the processor could not foresee. Not for ciede2000.
    """
    height, length = samples.shape
    wrap = size * PITCH - 1
    padded = carry.shape[0] - skew * LANES - size

    ring = np.zeros(size * PITCH, np.int16)
    quads = ring.view(np.int64)
    tiles = np.zeros(CHUNK * LANES, np.uint8)
    tiles_out = np.zeros(CHUNK * LANES // 3, np.uint8)
    lights = np.zeros(CHUNK * LANES, np.int16)
    now = np.zeros(LANES, np.int16)
    values = np.zeros(3 * LANES, np.int16)
    places = np.zeros(3 * LANES, np.int16)
    points = np.zeros(3 * LANES, np.int16)
    oklab = search[METRIC] == OKLAB
    axis = np.zeros(WHITE + 1, np.int16)
    sums = np.zeros((colours.shape[0], 3, UNIT, 2), np.int16)
    xy, z0 = np.zeros(2 * LANES, np.int16), np.zeros(2 * LANES, np.int16)
    numbered = search[METRIC] == SRGB
    packed = np.zeros(colours.shape[0], np.int64)
    offsets = np.zeros(shares.shape[0], np.int64)
    weights = np.zeros(shares.shape[0], np.int16)
    count, lost, last = arrange(shares, rest, skew, 3, offsets, weights)
    if not oklab:
        fill_axis(search, NUMBERED if numbered else 1, axis)
    straight = numbered and is_straight(axis)
    fill_sums(search, numbered, sums)
    for k in range(colours.shape[0]):
        packed[k] = (
            np.int64(colours[k, 0])
            | (np.int64(colours[k, 1]) << 16)
            | (np.int64(colours[k, 2]) << 32)
        )
    for l in range(LANES):
        now[l] = skew * l
    starts = load(now, 0)
    low, high = spread(np.int16(-WHITE)), spread(np.int16(2 * WHITE))
    black, white = spread(np.int16(0)), spread(np.int16(WHITE))

    for top in range(0, height, LANES):
        fill_lanes(samples, top, length, skew, padded, lines)
        begin(ring, size, carry, skew)
        for start in range(0, padded, CHUNK):
            to_steps(lines, padded, start, CHUNK, tiles)
            if not even:
                for i in range(CHUNK * LANES):
                    lights[i] = light[tiles[i]]
            for pixel in range(CHUNK // 3):
                step = start + 3 * pixel
                for c in range(3):
                    i = (3 * pixel + c) * LANES
                    slot = ((step + c) * PITCH) & wrap
                    value = scaled(load(tiles, i)) if even else load(lights, i)
                    value = value + load(ring, slot)
                    store(values, c * LANES, clamped(value, low, high))
                    turn(ring, quads, slot, step + c, size, carry, skew)
                for c in range(0, 3 * LANES, LANES):
                    store(places, c, clamped(load(values, c), black, white))
                if oklab:
                    for l in range(LANES):
                        response = cones[0, np.uint16(places[l])]
                        response += cones[1, np.uint16(places[LANES + l])]
                        response += cones[2, np.uint16(places[2 * LANES + l])]
                        points[l] = root_of_cones(roots, response, 0)
                        points[LANES + l] = root_of_cones(roots, response, 1)
                        points[2 * LANES + l] = root_of_cones(roots, response, 2)
                    p, q, s = load(points, 0), load(points, LANES), load(points, 2 * LANES)
                    x = weighed_sum(p, q, s, OKLAB_WEIGHTS, 0, OKLAB_SHIFT)
                    y = weighed_sum(p, q, s, OKLAB_WEIGHTS, 4, OKLAB_SHIFT)
                    z = weighed_sum(p, q, s, OKLAB_WEIGHTS, 8, OKLAB_SHIFT)
                elif straight:
                    x = codes_of(load(places, 0))
                    y = codes_of(load(places, LANES))
                    z = codes_of(load(places, 2 * LANES))
                else:
                    x = look_up(axis, places, 0)
                    y = look_up(axis, places, LANES)
                    z = look_up(axis, places, 2 * LANES)
                store_pairs(xy, x, y)
                store_pairs(z0, z, black)
                if numbered:
                    near = least_numbered(xy, z0, sums, colours.shape[0])
                else:
                    near = least_sum(xy, z0, sums, colours.shape[0])
                store(tiles_out, pixel * LANES, near)
                red, green, blue = look_up_colours(packed, tiles_out, pixel * LANES)
                at = step * PITCH
                error = load(values, 0) - red
                error = inside(error, step, length, skew, starts)
                give(ring, wrap, at, error, now, offsets, weights, count, lost, last)
                error = load(values, LANES) - green
                error = inside(error, step + 1, length, skew, starts)
                give(ring, wrap, at + PITCH, error, now, offsets, weights, count, lost, last)
                error = load(values, 2 * LANES) - blue
                error = inside(error, step + 2, length, skew, starts)
                give(ring, wrap, at + 2 * PITCH, error, now, offsets, weights, count, lost, last)
            to_lines(tiles_out, CHUNK // 3, lines_out, padded // 3, start // 3)
        finish(ring, wrap, padded, size, carry)
        empty_lanes(lines_out, padded // 3, skew // 3, top, length // 3, out)
