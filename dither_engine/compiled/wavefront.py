"""Error diffusion of `LANES` rows at once, as a wavefront: each row is a few pixels behind.

A pixel depends on its left neighbour, so one row cannot be computed with vector instructions. But a
row need not wait until the row above is finished, only until that row is a few pixels ahead. So
many rows are computed at once, as a slanted line that moves to the right. In this example
(Floyd-Steinberg, five pixels behind) A, B, C and D, the lanes of one vector, are computed together:

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

B reaches pixel 14 four steps from now; the error from row 0 has arrived there by then. So every
pixel has all its error shares when it is computed. All arithmetic is integer, so the result is that
of the plain loop, bit for bit.

In memory lanes lie side by side: the rows are shifted against each other by their distance and
transposed (`fill_lanes`, `to_steps`), so that the pixels of a step are one vector. The shares for
the pixels one row below and d to the right are one vector too, moved by one lane; it belongs to the
step ``skew + d`` later.

Samples are processed in memory order: a row of an RGB image is three times as long, and its weights
reach three times as far. At step s, lane l is at sample ``s - l * skew``. A ring buffer holds, for
each future step, the error accumulated for its lanes and for the rows below the last lane. The
latter goes to ``carry``, from which the next `LANES` rows start: they get its row
``skew * LANES + s`` at step s. Lanes that are outside their row are computed too, but their error
is masked to 0, so the error over the edges is dropped.
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
    interleave,
    load,
    product,
    shifted,
    spread,
    store,
    transpose,
)

SKEW = 4  # pixels
CHUNK = 3 * SQUARE  # steps between transpositions
PITCH = 2 * LANES  # of the ring: the lanes, and the rows below them
QUADS = 2  # groups of four rows below; a kernel has at most eight rows


@dataclass(frozen=True)
class Strip:
    """The dimensions of a wavefront of `LANES` rows.

    skew: how many samples each row is behind the one above: the kernel's reach to the left plus
        SKEW pixels. (One pixel would be enough, but reading data that was just written with an
        offset of one lane is slow.)
    size: steps in the ring: a power of two above the farthest tap.
    steps: number of steps until the last lane has finished its row; a multiple of CHUNK.
    """

    skew: int
    size: int
    steps: int

    @property
    def carried(self) -> tuple[int, int]:
        """The shape of ``carry``."""
        return self.skew * LANES + self.steps + self.size, QUADS


def strip(shares: NDArray[np.int32], depth: int, length: int) -> Strip:
    """The dimensions for rows of ``length`` samples, ``depth`` samples a pixel."""
    skew = (SKEW - min(int(shares[:, 0].min()), 0)) * depth
    farthest = skew * (int(shares[:, 1].max()) + 1) + 8 * depth
    steps = -(-(length + (LANES - 1) * skew) // CHUNK) * CHUNK
    return Strip(skew, 1 << (farthest - 1).bit_length(), steps)


@inlined
def arrange(shares, rest, skew, depth, offsets, weights):
    """Fill in each share's ring offset and weight, except the remainder's and the dropped share's.

    Returns the number of these shares, the weight that is dropped, and the offset for the remainder
    (-1: dropped).
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
    """Transpose ``count`` steps of the lines, from ``start``, so that lanes lie side by side."""
    for i in range(0, count, SQUARE):
        interleave(lines, start + i, pitch, tiles, i * LANES)


@inlined
def to_lines(tiles, count, lines, pitch, start):
    """The inverse of `to_steps`."""
    for i in range(0, count, SQUARE):
        for half in range(0, LANES, SQUARE):
            transpose(tiles, i * LANES + half, LANES, lines, start + i + half * pitch, pitch)


@inlined
def begin(ring, size, carry, skew):
    """Initialise the ring with the error from the rows above.

    carry: ``int64 (steps, QUADS)``, four rows packed in a number.
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
    """After a step: save the error for the rows below, and reuse the slot for a later step.

    quads: the ring as int64. Values of lanes outside their row are copied too; they have no effect.
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
    """Save the error for the rows below from the steps that remain in the ring."""
    quads = ring.view(np.int64)
    for s in range(padded, padded + size):
        for q in range(QUADS):
            carry[s, q] = quads[(((s * PITCH) & wrap) + LANES) // 4 + q]


@merged
def inside(value, step, length, skew, starts):
    """``value`` in the lanes that are inside their row at this step, 0 in the others."""
    if step < skew * LANES:
        value = value & at_least(spread(np.int16(step)), starts)
    if step >= length:
        value = value & at_least(starts, spread(np.int16(step - length + 1)))
    return value


@merged
def add_shares(ring, wrap, at, error, offsets, weights, count, lost, last):
    """Add the shares of ``error`` to the steps after ``at``."""
    left = error
    if lost != 0:
        left = left - high_product(error, spread(lost))
    for t in range(count):
        part = high_product(error, spread(weights[t]))
        left = left - part
        place = (at + offsets[t]) & wrap
        store(ring, place, load(ring, place) + part)
    if last >= 0:
        place = (at + last) & wrap
        store(ring, place, load(ring, place) + left)


@merged
def scaled(codes):
    """Light of code values when light is sRGB: ``floor(code * 8192 / 255 + 1/2)``.

    8192 / 255 is so little above 32 1/8 that the rounded result is that of ``code * 32 1/8``.
    """
    eighth = shifted(codes + spread(np.int16(4)), np.int16(3))
    return product(codes, spread(np.int16(32))) + eighth


@merged
def clamped(value, low, high):
    """Lanes clamped to low … high."""
    enough = at_least(value, low)
    value = (value & enough) | (low ^ (low & enough))
    over = at_least(value, high)
    return (high & over) | (value ^ (value & over))
