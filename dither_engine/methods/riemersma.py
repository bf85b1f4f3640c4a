"""Riemersma dithering: error diffusion along a curve that visits every pixel.

The error of a pixel goes to the next 16 pixels on the curve, with weights that fall geometrically
from 16 to 1 (normalised to the sum 1, so that tone is kept). Transparent pixels are skipped.
Errors are ``strength`` times the quantization error.

The curve is a Hilbert curve generalised to rectangles of every size: one for each band of `BAND`
rows, from the band's upper left to its lower left corner, where the next band begins. So a picture
is dithered band by band, and need not be in memory as a whole. Each step goes to a neighbour; at
odd sizes a few steps are diagonal.

Sources: T. Riemersma, "A balanced dithering technique", C/C++ Users Journal 16(12), 1998;
J. Červený, "Generalized Hilbert space-filling curve", 2018.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.compiled.search import SEARCH
from dither_engine.light import WHITE
from dither_engine.memory import reusable
from dither_engine.work import Levels, Palette, Render, Work

LENGTH = 16
BAND = 128  # rows; divides `methods.PIECE`
PIECEWISE = (Levels, Palette)
Carry = tuple[NDArray[np.int64], int, NDArray[np.int64], NDArray[np.int64]]


def weights() -> NDArray[np.int64]:
    """Weights, the newest error's first; integers with the sum 65536."""
    falling = [16 ** (-i / (LENGTH - 1)) for i in range(LENGTH)]
    whole = [int(w * 65536 / sum(falling)) for w in falling]
    whole[0] += 65536 - sum(whole)
    return np.array(whole, np.int64)


def piecewise(work: Work) -> Render:
    """See ``methods.renderer``."""
    errors, turn = np.zeros((LENGTH, 3), np.int64), np.zeros(1, np.int64)
    carry = (weights(), work.options.strength_parts, errors, turn)
    target = work.target
    if isinstance(target, Levels):
        return lambda work: _to_levels(work, target, carry)
    return lambda work: _to_palette(work, target, carry)


def _to_levels(work: Work, target: Levels, carry: Carry) -> NDArray[np.uint8]:
    height, width, depth = work.pixels.shape
    channels = 1 if target.combines(depth) else depth
    levels = reusable((height, width, channels), np.uint8)
    follow_levels(work.pixels, work.mask, work.light, *carry, target.choice, target.lights, levels)
    return levels if channels > 1 else levels[:, :, 0]


def _to_palette(work: Work, target: Palette, carry: Carry) -> NDArray[np.uint8]:
    indices = reusable(work.pixels.shape[:2], np.uint8)
    follow_palette(
        work.pixels, work.mask, work.light, *carry, target.search, target.lights, indices
    )
    return indices


@inlined
def begin(top, height, width, stack):
    """Put the band that begins at row ``top`` on the stack; returns how many rectangles it has."""
    return push(stack, 0, 0, top, 0, min(BAND, height - top), width, 0)


@inlined
def push(stack, size, x, y, ax, ay, bx, by):
    stack[size, 0], stack[size, 1], stack[size, 2] = x, y, ax
    stack[size, 3], stack[size, 4], stack[size, 5] = ay, bx, by
    return size + 1


@inlined
def sign(value):
    return 1 if value > 0 else (-1 if value < 0 else 0)


@inlined
def next_run(stack, size, run):
    """Split rectangles until one is a line. ``run`` gets its x, y, step in x, in y, and length."""
    while True:
        size -= 1
        x, y, ax, ay = stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3]
        bx, by = stack[size, 4], stack[size, 5]
        w, h = abs(ax + ay), abs(bx + by)
        dax, day, dbx, dby = sign(ax), sign(ay), sign(bx), sign(by)
        if h == 1 or w == 1:
            run[0], run[1] = x, y
            run[2], run[3], run[4] = (dax, day, w) if h == 1 else (dbx, dby, h)
            return size
        ax2, ay2, bx2, by2 = ax // 2, ay // 2, bx // 2, by // 2
        w2, h2 = abs(ax2 + ay2), abs(bx2 + by2)
        if 2 * w > 3 * h:
            if w2 % 2 == 1 and w > 2:
                ax2, ay2 = ax2 + dax, ay2 + day
            size = push(stack, size, x + ax2, y + ay2, ax - ax2, ay - ay2, bx, by)
            size = push(stack, size, x, y, ax2, ay2, bx, by)
        else:
            if h2 % 2 == 1 and h > 2:
                bx2, by2 = bx2 + dbx, by2 + dby
            size = push(
                stack,
                size,
                x + (ax - dax) + (bx2 - dbx),
                y + (ay - day) + (by2 - dby),
                -bx2,
                -by2,
                -(ax - ax2),
                -(ay - ay2),
            )
            size = push(stack, size, x + bx2, y + by2, ax, ay, bx - bx2, by - by2)
            size = push(stack, size, x, y, bx2, by2, ax2, ay2)


@merged
def carried(errors, share, newest, c):
    """The weighted sum of the stored errors for channel ``c`` of the next pixel."""
    total = np.int64(32768)
    for i in range(LENGTH):
        total += share[i] * errors[(newest - i) % LENGTH, c]
    return total >> 16


_COMMON = (
    array_in(types.uint8, 3),
    array_in(types.uint8, 2),
    array_in(types.int16, 1),
    array_in(types.int64, 1),
    types.int64,
    array_out(types.int64, 2),
    array_out(types.int64, 1),
)


@kernel(*_COMMON, array_in(types.uint8, 1), array_in(types.int16, 1), array_out(types.uint8, 3))
def follow_levels(pixels, mask, light, share, strength, errors, turn, choice, levels, out):
    """One number made of all levels if ``out`` has one channel, else one for each channel.

    errors, turn: of the pieces above; ``turn[0]`` is the place of the newest error.
    """
    height, width, depth = pixels.shape
    stack = np.zeros((256, 6), np.int64)
    run = np.zeros(5, np.int64)
    newest = turn[0]
    for top in range(0, height, BAND):
        size = begin(top, height, width, stack)
        while size > 0:
            size = next_run(stack, size, run)
            for i in range(run[4]):
                x, y = run[0] + i * run[2], run[1] + i * run[3]
                if mask.shape[0] > 0 and mask[y, x] == 0:
                    out[y, x] = 0
                    continue
                after = (newest + 1) % LENGTH
                index = 0
                for c in range(depth):
                    value = light[pixels[y, x, c]] + carried(errors, share, newest, c)
                    level = choice[min(max(value, np.int64(0)), np.int64(WHITE))]
                    if out.shape[2] == depth:
                        out[y, x, c] = level
                    index = index * levels.shape[0] + level
                    errors[after, c] = ((value - levels[level]) * strength) >> 16
                if out.shape[2] < depth:
                    out[y, x, 0] = index
                newest = after
    turn[0] = newest


@kernel(*_COMMON, SEARCH, array_in(types.int16, 2), array_out(types.uint8, 2))
def follow_palette(pixels, mask, light, share, strength, errors, turn, search, colours, out):
    """Values are clamped to −WHITE … 2 · WHITE: out-of-gamut colours accumulate error."""
    height, width = pixels.shape[:2]
    stack = np.zeros((256, 6), np.int64)
    run = np.zeros(5, np.int64)
    value = np.zeros(3, np.int64)
    newest = turn[0]
    for top in range(0, height, BAND):
        size = begin(top, height, width, stack)
        while size > 0:
            size = next_run(stack, size, run)
            for i in range(run[4]):
                x, y = run[0] + i * run[2], run[1] + i * run[3]
                if mask.shape[0] > 0 and mask[y, x] == 0:
                    out[y, x] = 0
                    continue
                for c in range(3):
                    light_here = light[pixels[y, x, c]] + carried(errors, share, newest, c)
                    value[c] = min(max(light_here, np.int64(-WHITE)), np.int64(2 * WHITE))
                red, green, blue = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
                k = nearest_for_diffusion(search, value[0], value[1], value[2], red, green, blue)
                out[y, x] = k
                newest = (newest + 1) % LENGTH
                for c in range(3):
                    errors[newest, c] = ((value[c] - colours[k, c]) * strength) >> 16
    turn[0] = newest
