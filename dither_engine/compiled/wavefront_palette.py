"""Error diffusion to the colours of a palette, many rows at once; see `wavefront`."""

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
from dither_engine.compiled.simd import LANES, load, spread, store
from dither_engine.compiled.simd_nearest import UNIT
from dither_engine.compiled.wavefront import (
    CHUNK,
    PITCH,
    add_shares,
    arrange,
    begin,
    clamped,
    empty_lanes,
    fill_lanes,
    finish,
    inside,
    scaled,
    to_lines,
    to_steps,
    turn,
)
from dither_engine.light import WHITE

_U1, _I2, _I4 = types.uint8, types.int16, types.int32


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
    `diffuse_levels`. Light is clamped to −WHITE … 2 · WHITE. Not for ciede2000.
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
    fill_packed(colours, packed)
    neutral = np.int16(NOT_GREY if search[NEUTRAL] != 0 else 0)
    few = np.zeros(6 * LANES, np.uint8)
    fill_bytes(colours, few)
    for l in range(LANES):
        now[l] = skew * l
    starts = load(now, 0)
    low, high = spread(np.int16(-WHITE)), spread(np.int16(2 * WHITE))

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
                i = 3 * pixel * LANES
                if oklab:
                    mixing_coordinates(values, places, curve, tiles, i, xy, z0)
                else:
                    plain_coordinates(values, places, axis, straight, tiles, i, neutral, xy, z0)
                near = nearest(numbered, xy, z0, sums, colours.shape[0])
                store(tiles_out, pixel * LANES, near)
                red, green, blue = lights_of(near, tiles_out, pixel * LANES, packed, few)
                at = step * PITCH
                error = load(values, 0) - red
                error = inside(error, step, length, skew, starts)
                add_shares(ring, wrap, at, error, offsets, weights, count, lost, last)
                error = load(values, LANES) - green
                error = inside(error, step + 1, length, skew, starts)
                add_shares(ring, wrap, at + PITCH, error, offsets, weights, count, lost, last)
                error = load(values, 2 * LANES) - blue
                error = inside(error, step + 2, length, skew, starts)
                add_shares(ring, wrap, at + 2 * PITCH, error, offsets, weights, count, lost, last)
            to_lines(tiles_out, CHUNK // 3, lines_out, padded // 3, start // 3)
        finish(ring, wrap, padded, size, carry)
        empty_lanes(lines_out, padded // 3, skew // 3, top, length // 3, out)
