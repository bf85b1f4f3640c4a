"""Error diffusion of `LANES` rows in step: each row runs `SKEW` pixels behind the one above.

When a row reaches a pixel, everything that the rows above give to it has arrived, so all lanes
can be computed by the same vector instructions, and the result is that of the plain loop, bit for
bit. Samples are taken in the order of memory: of an RGB image, a row is three times as long, and
its weights reach three times as far.

At step s, lane l is at sample ``s - l * skew``. A ring holds, for each of the steps ahead, what
has been given to its lanes so far, and what has been given to the rows below the last lane: those
go to ``carry``, from which the next `LANES` rows start. Lanes that are not inside their row take
part, but what they would give is masked away, which drops the error off the edges.
"""

import numpy as np
from numba import types

from dither_service.engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_service.engine.compiled.nearest import CELL, CELLS, SEARCH, SIDE, nearest_in_cell
from dither_service.engine.compiled.simd import (
    LANES,
    SQUARE,
    at_least,
    copy,
    high_product,
    load,
    load_fourth,
    product,
    spread,
    store,
    transpose,
)
from dither_service.engine.light import WHITE

SKEW = 8  # more than the reach of any kernel to the left
CHUNK = 3 * SQUARE  # steps between transpositions
PITCH = 2 * LANES  # of the ring: the lanes, and the rows below them

_U1, _I2, _I4 = types.uint8, types.int16, types.int32


@inlined
def ring_size(reach, depth):
    """Steps that the ring holds: a power of two above the farthest tap."""
    size = 1
    while size < (SKEW * (reach + 1) + 8) * depth:
        size *= 2
    return size


@inlined
def arrange(shares, rest, depth, offsets, weights):
    """Where in the ring each share goes, and its weight; without the rest and what goes nowhere.

    Returns how many shares that are, the weight that goes nowhere, and where the rest goes (-1:
    nowhere).
    """
    count, lost, last = 0, 0, -1
    for t in range(shares.shape[0]):
        dx, dy, weight = shares[t, 0], shares[t, 1], shares[t, 2]
        place = (SKEW * dy + dx) * depth * PITCH + dy
        if t == rest:
            last = place if dy >= 0 else -1
        elif dy < 0:
            lost = weight
        else:
            offsets[count] = place
            weights[count] = weight
            count += 1
    return count, np.int16(lost), last


@inlined
def fill_lanes(rows, top, length, skew, pitch, lines):
    """Copy up to LANES rows, each shifted by its skew, into ``lines``."""
    flat = rows.reshape(rows.size)
    for l in range(min(LANES, rows.shape[0] - top)):
        copy(flat, (top + l) * length, lines, l * (pitch + skew), length)


@inlined
def empty_lanes(lines, pitch, skew, top, length, rows):
    """The inverse of `fill_lanes`."""
    flat = rows.reshape(rows.size)
    for l in range(min(LANES, rows.shape[0] - top)):
        copy(lines, l * (pitch + skew), flat, (top + l) * length, length)


@inlined
def to_steps(lines, pitch, start, count, tiles):
    """Turn ``count`` steps of the lines, from ``start``, so that lanes lie side by side."""
    for i in range(0, count, SQUARE):
        for half in range(0, LANES, SQUARE):
            transpose(lines, start + i + half * pitch, pitch, tiles, i * LANES + half, LANES)


@inlined
def to_lines(tiles, count, lines, pitch, start):
    """The inverse of `to_steps`."""
    for i in range(0, count, SQUARE):
        for half in range(0, LANES, SQUARE):
            transpose(tiles, i * LANES + half, LANES, lines, start + i + half * pitch, pitch)


@inlined
def begin(ring, size, carry, skew):
    """Start the ring from what the rows above have given."""
    zero = spread(np.int16(0))
    for s in range(size):
        store(ring, s * PITCH, zero)
        store(ring, s * PITCH + LANES, zero)
        for j in range(carry.shape[0]):
            if s >= skew * j:
                ring[s * PITCH + j] = carry[j, s - skew * j]


@merged
def turn(ring, slot, step, size, carry, skew):
    """A step is done: keep what is for the rows below, and make its slot that of a later step."""
    zero = spread(np.int16(0))
    x = step - skew * LANES
    for j in range(carry.shape[0]):
        if x >= skew * j:
            carry[j, x - skew * j] = ring[slot + LANES + j]
    store(ring, slot, zero)
    store(ring, slot + LANES, zero)
    x = step + size
    for j in range(carry.shape[0]):
        ring[slot + j] = carry[j, x - skew * j]


@inlined
def finish(ring, wrap, padded, length, carry, skew):
    """Keep what is for the rows below and lies in steps that were not taken."""
    for s in range(padded, length + skew * (LANES + carry.shape[0])):
        x = s - skew * LANES
        for j in range(carry.shape[0]):
            if skew * j <= x < skew * j + length:
                carry[j, x - skew * j] = ring[((s * PITCH) & wrap) + LANES + j]


@merged
def inside(value, step, length, skew, starts):
    """``value`` in the lanes that are inside their row at a step, 0 in the others."""
    if step < skew * LANES:
        value = value & at_least(spread(np.int16(step)), starts)
    if step >= length:
        value = value & at_least(starts, spread(np.int16(step - length + 1)))
    return value


@merged
def give(ring, wrap, at, error, now, offsets, weights, count, lost, last):
    """Give the shares of ``error`` to the steps ahead of ``at``.

    ``now`` is memory that the error goes through on its way into the loop, or else LLVM widens it
    before the loop and no longer sees that one instruction gives the high half of a product.
    """
    store(now, 0, error)
    left = error
    if lost != 0:
        left = left - high_product(error, spread(lost))
    for t in range(count):
        part = high_product(load(now, 0), spread(weights[t]))
        left = left - part
        place = (at + offsets[t]) & wrap
        store(ring, place, load(ring, place) + part)
    if last >= 0:
        place = (at + last) & wrap
        store(ring, place, load(ring, place) + left)


@merged
def scaled(codes):
    """Light of code values when light is sRGB: ``floor(code * 8192 / 255 + 1/2)``."""
    whole = product(codes, spread(np.int16(32)))
    near = whole + spread(np.int16(128))
    byte = spread(np.int16(256))
    return whole + high_product(near + high_product(near, byte), byte)


@merged
def clamped(value, low, high):
    """Lanes limited to low … high."""
    enough = at_least(value, low)
    value = (value & enough) | (low ^ (low & enough))
    over = at_least(value, high)
    return (high & over) | (value ^ (value & over))


@kernel(
    array_in(_U1, 2),
    types.int64,
    array_in(_I2, 1),
    types.boolean,
    array_in(_I2, 1),
    array_in(_I2, 1),
    array_in(_I4, 2),
    types.int64,
    array_out(_U1, 2),
)
def diffuse_levels(samples, depth, light, even, middles, gaps, shares, rest, out):
    """Diffuse to levels, rows left to right.

    samples: (H, W · depth). light: of each code value; even: it is that of `scaled`. middles: the
    least light of each level but the first; gaps: how much lighter each is than the one before.
    shares, rest: see ``methods.diffusion.shares``. out: (H, W · depth), the levels, or (H, W),
    the levels of a pixel as the digits of one number.
    """
    height, length = samples.shape
    skew = SKEW * depth
    reach = shares[:, 1].max()
    size = ring_size(reach, depth)
    wrap = size * PITCH - 1
    padded = (length + (LANES - 1) * skew + CHUNK - 1) // CHUNK * CHUNK
    digits = length // out.shape[1]
    base = spread(np.int16(middles.shape[0] + 1))

    ring = np.zeros(size * PITCH, np.int16)
    carry = np.zeros((reach, padded + size), np.int16)
    lines = np.zeros(LANES * padded, np.uint8)
    lines_out = np.zeros(LANES * padded // digits, np.uint8)
    tiles = np.zeros(CHUNK * LANES, np.uint8)
    tiles_out = np.zeros(CHUNK * LANES, np.uint8)
    lights = np.zeros(CHUNK * LANES, np.int16)
    now = np.zeros(LANES, np.int16)
    offsets = np.zeros(shares.shape[0], np.int64)
    weights = np.zeros(shares.shape[0], np.int16)
    count, lost, last = arrange(shares, rest, depth, offsets, weights)
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
                turn(ring, slot, step, size, carry, skew)
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
                give(ring, wrap, at, error, now, offsets, weights, count, lost, last)
            to_lines(tiles_out, CHUNK // digits, lines_out, padded // digits, start // digits)
        finish(ring, wrap, padded, length, carry, skew)
        empty_lanes(lines_out, padded // digits, skew // digits, top, length // digits, out)


@merged
def cells_of(values, low, high):
    """Where light lies among the cells of a search: each third of ``values`` is a channel."""
    byte, side = spread(np.int16(1 << (16 - CELL))), spread(np.int16(SIDE))
    red = high_product(clamped(load(values, 0), low, high), byte)
    green = high_product(clamped(load(values, LANES), low, high), byte)
    blue = high_product(clamped(load(values, 2 * LANES), low, high), byte)
    return product(product(red, side) + green, side) + blue


@kernel(
    array_in(_U1, 2),
    array_in(_I2, 1),
    types.boolean,
    SEARCH,
    array_in(_I2, 2),
    array_in(_I4, 2),
    types.int64,
    array_out(_U1, 2),
)
def diffuse_palette(samples, light, even, search, colours, shares, rest, out):
    """Diffuse to the colours of a palette, rows left to right.

    samples: (H, 3 W). colours: their light, (n, 3). out: (H, W). Else as `diffuse_levels`; light
    is limited to one white beyond black and white.

    Colours that one look into the cells of the search answers are told apart from the others
    without a branch, which the processor could not foresee; the others follow in a second loop.
    """
    height, length = samples.shape
    skew = SKEW * 3
    reach = shares[:, 1].max()
    size = ring_size(reach, 3)
    wrap = size * PITCH - 1
    padded = (length + (LANES - 1) * skew + CHUNK - 1) // CHUNK * CHUNK

    ring = np.zeros(size * PITCH, np.int16)
    carry = np.zeros((reach, padded + size), np.int16)
    lines = np.zeros(LANES * padded, np.uint8)
    lines_out = np.zeros(LANES * padded // 3, np.uint8)
    tiles = np.zeros(CHUNK * LANES, np.uint8)
    tiles_out = np.zeros(CHUNK * LANES // 3, np.uint8)
    lights = np.zeros(CHUNK * LANES, np.int16)
    now = np.zeros(LANES, np.int16)
    values = np.zeros(3 * LANES, np.int16)
    cells = np.zeros(LANES, np.int16)
    open_lanes = np.zeros(LANES + 1, np.int64)
    packed = np.zeros(256, np.int64)  # three channels of a colour in one number
    chosen = np.zeros(LANES, np.int64)
    chosen_lights = chosen.view(np.int16)
    offsets = np.zeros(shares.shape[0], np.int64)
    weights = np.zeros(shares.shape[0], np.int16)
    count, lost, last = arrange(shares, rest, 3, offsets, weights)
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
    black, white = spread(np.int16(0)), spread(np.int16(WHITE - 1))

    for top in range(0, height, LANES):
        rows = min(LANES, height - top)
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
                    turn(ring, slot, step + c, size, carry, skew)
                store(cells, 0, cells_of(values, black, white))
                unsettled = 0
                for l in range(rows):
                    found = np.int64(search[CELLS + np.uint16(cells[l])])
                    open_lanes[unsettled] = l
                    unsettled += int(found <= 0)
                    guess = (found - 1) & 255
                    tiles_out[pixel * LANES + l] = guess
                    chosen[l] = packed[guess]
                for j in range(unsettled):
                    lane = open_lanes[j]
                    red, green, blue = values[lane], values[LANES + lane], values[2 * LANES + lane]
                    near = nearest_in_cell(search, np.uint16(cells[lane]), red, green, blue)
                    tiles_out[pixel * LANES + lane] = near
                    chosen[lane] = packed[near]
                at = step * PITCH
                error = load(values, 0) - load_fourth(chosen_lights, 0)
                error = inside(error, step, length, skew, starts)
                give(ring, wrap, at, error, now, offsets, weights, count, lost, last)
                error = load(values, LANES) - load_fourth(chosen_lights, 1)
                error = inside(error, step + 1, length, skew, starts)
                give(ring, wrap, at + PITCH, error, now, offsets, weights, count, lost, last)
                error = load(values, 2 * LANES) - load_fourth(chosen_lights, 2)
                error = inside(error, step + 2, length, skew, starts)
                give(ring, wrap, at + 2 * PITCH, error, now, offsets, weights, count, lost, last)
            to_lines(tiles_out, CHUNK // 3, lines_out, padded // 3, start // 3)
        finish(ring, wrap, padded, length, carry, skew)
        empty_lanes(lines_out, padded // 3, SKEW, top, length // 3, out)
