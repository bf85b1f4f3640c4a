"""Error diffusion to levels, many rows at once; see `wavefront`."""

import numpy as np
from numba import types

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.compiled.simd import (
    LANES,
    at_least,
    load,
    product,
    spread,
    store,
)
from dither_engine.compiled.wavefront import (
    CHUNK,
    PITCH,
    add_shares,
    arrange,
    begin,
    empty_lanes,
    fill_lanes,
    finish,
    inside,
    scaled,
    to_lines,
    to_steps,
    turn,
)

_U1, _I2, _I4 = types.uint8, types.int16, types.int32


@kernel(
    array_in(_U1, 2),
    array_in(_I2, 1),
    types.boolean,
    array_in(_I2, 1),
    array_in(_I2, 1),
    types.int64,
    array_in(_I4, 2),
    types.int64,
    types.int64,
    types.int64,
    array_out(types.int64, 2),
    array_out(_U1, 1),
    array_out(_U1, 1),
    array_out(_U1, 2),
)
def diffuse_levels(
    samples,
    light,
    even,
    middles,
    gaps,
    depth,
    shares,
    rest,
    skew,
    size,
    carry,
    lines,
    lines_out,
    out,
):
    """Diffuse to levels, rows left to right.

    samples: (H, W · depth). light: of each code value; even: whether it equals `scaled`. middles:
    the least light that becomes each level but the first; gaps: how much lighter each level is than
    the one before. shares, rest: see ``methods.diffusion.shares``. out: (H, W · depth), the levels,
    or (H, W), the levels of a pixel as the digits of one number. skew, size: see `wavefront.Strip`.
    carry: in: the error from the rows above; out: the error for the rows below. So a picture may be
    processed in pieces; all but the last have a height that is a multiple of LANES. lines,
    lines_out: scratch memory for LANES rows.
    """
    height, length = samples.shape
    wrap = size * PITCH - 1
    padded = carry.shape[0] - skew * LANES - size
    digits = length // out.shape[1]
    base = spread(np.int16(middles.shape[0] + 1))

    ring = np.zeros(size * PITCH, np.int16)
    quads = ring.view(np.int64)
    tiles = np.zeros(CHUNK * LANES, np.uint8)
    tiles_out = np.zeros(CHUNK * LANES, np.uint8)
    lights = np.zeros(CHUNK * LANES, np.int16)
    now = np.zeros(LANES, np.int16)
    offsets = np.zeros(shares.shape[0], np.int64)
    weights = np.zeros(shares.shape[0], np.int16)
    count, lost, last = arrange(shares, rest, skew, depth, offsets, weights)
    for l in range(LANES):
        now[l] = skew * l
    starts = load(now, 0)
    zero = spread(np.int16(0))
    middle, gap = spread(middles[0]), spread(gaps[0])

    for top in range(0, height, LANES):
        fill_lanes(samples, top, length, skew, padded, lines)
        begin(ring, size, carry, skew)
        for start in range(0, padded, CHUNK):
            to_steps(lines, padded, start, CHUNK, tiles)
            if not even:
                for i in range(CHUNK * LANES):
                    lights[i] = light[tiles[i]]
            digit = 0
            target = 0
            number = zero
            for i in range(CHUNK):
                step = start + i
                at = step * PITCH
                slot = at & wrap
                value = scaled(load(tiles, i * LANES)) if even else load(lights, i * LANES)
                value = value + load(ring, slot)
                turn(ring, quads, slot, step, size, carry, skew)
                above = at_least(value, middle)
                level = zero - above
                error = value - (above & gap)
                for j in range(1, middles.shape[0]):
                    above = at_least(value, spread(middles[j]))
                    level = level - above
                    error = error - (above & spread(gaps[j]))
                number = product(number, base) + level
                digit += 1
                if digit == digits:
                    store(tiles_out, target, number)
                    target += LANES
                    digit = 0
                    number = zero
                error = inside(error, step, length, skew, starts)
                add_shares(ring, wrap, at, error, offsets, weights, count, lost, last)
            to_lines(tiles_out, CHUNK // digits, lines_out, padded // digits, start // digits)
        finish(ring, wrap, padded, size, carry)
        empty_lanes(lines_out, padded // digits, skew // digits, top, length // digits, out)
