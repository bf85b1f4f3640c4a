"""Error diffusion of `LANES` rows in step: each row a few pixels behind the one above.

A pixel waits for its left neighbour, so one row cannot be computed by vector instructions. But the
next row need not wait until the row above is finished, only until that is a little ahead. So many
rows are computed at once, as a slanted line that moves to the right. Floyd-Steinberg, five pixels
behind; at this step A, B, C and D, the lanes of one vector, are computed together:

    pixel   0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
    row 0   ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  A  7      · done
    row 1   ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  B  7        3  5  1      7 3 5 1: what A and B give, in
    row 2   ·  ·  ·  ·  ·  C        3  5  1                        16ths, to pixels to come
    row 3   D

    next step: one pixel to the right
    row 0   ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  A
    row 1   ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  B
    row 2   ·  ·  ·  ·  ·  ·  C
    row 3   ·  D

B comes to pixel 14 four steps from now; what row 0 gave to it is there by then. So everything that
a pixel is given has arrived when it is computed, in whole numbers, and the result is that of the
plain loop, bit for bit.

In memory lanes lie side by side: the rows are shifted against each other by their distance and
transposed (`fill_lanes`, `to_steps`), so that a step's pixels are one vector, and what a step gives
to the pixel d to the right and one row below is one vector too, moved by one lane, which belongs to
the step ``skew + d`` later.

Samples are taken in the order of memory: of an RGB image, a row is three times as long, and its
weights reach three times as far. At step s, lane l is at sample ``s - l * skew``. A ring holds, for
each of the steps ahead, what has been given to its lanes so far, and what has been given to the
rows below the last lane: those go to ``carry``, from which the next `LANES` rows start: what its
row ``skew * LANES + s`` has is given to them at step s. Lanes that are not inside their row take
part, but what they would give is masked away, which drops the error off the edges.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.decorators import inlined, merged
from dither_engine.compiled.simd import (
    LANES,
    SQUARE,
    at_least,
    copy,
    high_product,
    load,
    product,
    spread,
    store,
    transpose,
)

SKEW = 4  # pixels
CHUNK = 3 * SQUARE  # steps between transpositions
PITCH = 2 * LANES  # of the ring: the lanes, and the rows below them
QUADS = 2  # fours of rows below; a kernel has at most eight rows


@dataclass(frozen=True)
class Strip:
    """The measures of `LANES` rows in step.

    skew: how many samples each row is behind the one above: the kernel's reach to the left, and
        SKEW pixels. (One would do, but what was written a moment ago, one lane aside, is slow to
        read.)
    size: steps that the ring holds: a power of two above the farthest tap.
    steps: until the last lane is through its row; a multiple of CHUNK.
    """

    skew: int
    size: int
    steps: int

    @property
    def carried(self) -> tuple[int, int]:
        """The shape of ``carry``."""
        return self.skew * LANES + self.steps + self.size, QUADS


def strip(shares: NDArray[np.int32], depth: int, length: int) -> Strip:
    """For rows of ``length`` samples, ``depth`` of them a pixel."""
    skew = (SKEW - min(int(shares[:, 0].min()), 0)) * depth
    farthest = skew * (int(shares[:, 1].max()) + 1) + 8 * depth
    steps = -(-(length + (LANES - 1) * skew) // CHUNK) * CHUNK
    return Strip(skew, 1 << (farthest - 1).bit_length(), steps)


@inlined
def arrange(shares, rest, skew, depth, offsets, weights):
    """Where in the ring each share goes, and its weight; without the rest and what goes nowhere.

    Returns how many shares that are, the weight that goes nowhere, and where the rest goes (-1:
    nowhere).
    """
    count, lost, last = 0, 0, -1
    for t in range(shares.shape[0]):
        dx, dy, weight = shares[t, 0], shares[t, 1], shares[t, 2]
        place = (skew * dy + dx * depth) * PITCH + dy
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
    """Start the ring from what the rows above have given.

    carry: ``int64 (steps, QUADS)``, four rows in a number.
    """
    quads = ring.view(np.int64)
    zero = spread(np.int16(0))
    for s in range(size):
        store(ring, s * PITCH, zero)
        store(ring, s * PITCH + LANES, zero)
        for q in range(QUADS):
            quads[s * (PITCH // 4) + q] = carry[s + skew * LANES, q]


@merged
def turn(ring, quads, slot, step, size, carry, skew):
    """A step is done: keep what is for the rows below, and make its slot that of a later step.

    quads: the ring as int64. What lanes have that are not inside their row comes along, and does
    nothing, as they do.
    """
    zero = spread(np.int16(0))
    place = slot >> 2
    for q in range(QUADS):
        carry[step, q] = quads[place + LANES // 4 + q]
    store(ring, slot, zero)
    store(ring, slot + LANES, zero)
    ahead = step + size + skew * LANES
    for q in range(QUADS):
        quads[place + q] = carry[ahead, q]


@inlined
def finish(ring, wrap, padded, size, carry):
    """Keep what is for the rows below and lies in steps that were not taken."""
    quads = ring.view(np.int64)
    for s in range(padded, padded + size):
        for q in range(QUADS):
            carry[s, q] = quads[(((s * PITCH) & wrap) + LANES) // 4 + q]


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
