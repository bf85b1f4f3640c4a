"""Error diffusion to the colours of a palette, many rows at once; see `wavefront`."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.mixing import (
    AXES,
    AXIS_SHIFT,
    CONE_SHIFT,
    CONES,
    GREY,
    MOST,
    SQUARES,
    STEP,
)
from dither_engine.compiled.search import (
    CURVE,
    METRIC,
    NUMBERED,
    OKLAB,
    SEARCH,
    SRGB,
    fill_axis,
    fill_sums,
)
from dither_engine.compiled.simd import (
    LANES,
    at_least,
    load,
    product,
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


def _weights(rows: NDArray[np.int32], shift: int) -> NDArray[np.int32]:
    """Weights for `weighed_sum`: each row with one half added for rounding."""
    return np.array([[*row, 1 << (shift - 1)] for row in rows], np.int32).ravel()


_CONES, _CONE_SHIFT = _weights(CONES, CONE_SHIFT), np.int32(CONE_SHIFT)
_AXES, _AXIS_SHIFT = _weights(AXES, AXIS_SHIFT), np.int32(AXIS_SHIFT)


@merged
def larger(a, b):
    return b ^ ((a ^ b) & at_least(a, b))


@merged
def smaller(a, b):
    return a ^ ((a ^ b) & at_least(a, b))


@merged
def chroma_weights(r, g, b):
    """`mixing.weight_of` 8-bit code values."""
    apart = larger(larger(r, g), b) - smaller(smaller(r, g), b)
    less = shifted(product(apart, spread(np.int16(5))), np.int16(3))
    return larger(spread(np.int16(GREY)) - less, spread(np.int16(1)))


@merged
def chroma(l, m, s, axis):
    """a or b of `mixing`, rounded and limited."""
    value = weighed_sum(l, m, s, _AXES, 4 * axis, _AXIS_SHIFT)
    value = (value + spread(np.int16(STEP // 2))) & spread(np.int16(-STEP))
    return clamped(value, spread(np.int16(-MOST)), spread(np.int16(MOST)))


@inlined
def fill_curve(search, curve):
    for i in range(curve.shape[0]):
        curve[i] = search[CURVE + i]


@inlined
def is_straight(axis):
    """Whether an axis is the one that `codes_of` computes."""
    for light in range(axis.shape[0]):
        if axis[light] != ((2 * light + 33) * 1020 >> 16) * NUMBERED:
            return False
    return True


@merged
def codes_of(light):
    """NUMBERED times the code value of light, 0 to WHITE, when light is sRGB.

    The code value is ``(2 * light + 33) * 1020 >> 16``, computed with shifts only.
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
    samples, light, even, search, colours, shares, rest, skew, size, carry, lines, lines_out, out
):
    """Diffuse to the colours of a palette, rows left to right.

    samples: (H, 3 W). colours: their light, (n, 3). out: (H, W). Other arguments: see
    `diffuse_levels`. Light is clamped to −WHITE … 2 · WHITE.

    Every pixel is compared with every colour: with vector instructions this is faster than a search
    with unpredictable branches. Not for ciede2000.
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
    oklab = search[METRIC] == OKLAB
    axis = np.zeros(WHITE + 1, np.int16)
    curve = np.zeros(3 * WHITE + 1, np.int16)
    sums = np.zeros((colours.shape[0], 3, UNIT, 2), np.int16)
    xy, z0 = np.zeros(2 * LANES, np.int16), np.zeros(2 * LANES, np.int16)
    numbered = search[METRIC] == SRGB
    packed = np.zeros(colours.shape[0], np.int64)
    offsets = np.zeros(shares.shape[0], np.int64)
    weights = np.zeros(shares.shape[0], np.int16)
    count, lost, last = arrange(shares, rest, skew, 3, offsets, weights)
    if oklab:
        fill_curve(search, curve)
    else:
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
                weight = black
                if oklab:
                    r, g, b = load(values, 0), load(values, LANES), load(values, 2 * LANES)
                    for c in range(3):
                        cone = weighed_sum(r, g, b, _CONES, 4 * c, _CONE_SHIFT)
                        store(places, c * LANES, cone + white)
                    l = look_up(curve, places, 0)
                    m = look_up(curve, places, LANES)
                    s = look_up(curve, places, 2 * LANES)
                    i = 3 * pixel * LANES
                    r, g, b = load(tiles, i), load(tiles, i + LANES), load(tiles, i + 2 * LANES)
                    weight = chroma_weights(r, g, b)
                    x = weighed_sum(l, m, s, _AXES, 0, _AXIS_SHIFT)
                    y = product(chroma(l, m, s, 1), weight)
                    z = product(chroma(l, m, s, 2), weight)
                    weight = product(weight, spread(np.int16(SQUARES)))
                else:
                    for c in range(0, 3 * LANES, LANES):
                        store(places, c, clamped(load(values, c), black, white))
                    if straight:
                        x = codes_of(load(places, 0))
                        y = codes_of(load(places, LANES))
                        z = codes_of(load(places, 2 * LANES))
                    else:
                        x = look_up(axis, places, 0)
                        y = look_up(axis, places, LANES)
                        z = look_up(axis, places, 2 * LANES)
                store_pairs(xy, x, y)
                store_pairs(z0, z, weight)
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
