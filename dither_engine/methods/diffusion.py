"""Error diffusion with fixed weights, in whole numbers of 1/8192 of full light.

A pixel's value is its light plus the error shares from earlier pixels, unclamped. It becomes the
nearest level (the midpoint rounds up) or the nearest colour. With a palette the value is clamped to
−WHITE … 2 · WHITE, since errors could grow without bound when all palette colours lie on one side.
The quantization error is value - result; each neighbour gets ``floor(error * weight)``. Shares for
a pixel outside the image or a transparent pixel are dropped. Even rows run left to right; with
``serpentine`` odd rows run right to left with mirrored weights. `shares` describes how weights,
strength and rounding are combined.

Three implementations give the same bits. Left-to-right scans run as a wavefront over many rows
(``compiled.wavefront``). Serpentine scans and transparent pictures are computed row by row, in
segments (``compiled.segments``). The plain loops in this module do the rest: many levels, and
CIEDE2000.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.algorithms import CUSTOM
from dither_engine.compiled import (
    segments,
    segments_levels,
    segments_palette,
    wavefront_levels,
    wavefront_palette,
)
from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.compiled.search import SEARCH, bend
from dither_engine.compiled.simd import LANES
from dither_engine.compiled.wavefront import strip
from dither_engine.kernels import KERNELS
from dither_engine.light import WHITE, light_of_code
from dither_engine.matrices import Kernel
from dither_engine.memory import reusable
from dither_engine.options import Options
from dither_engine.work import Levels, Palette, Render, Work

_U1, _I2, _I4 = types.uint8, types.int16, types.int32
_TAPS = array_in(_I4, 2)
PIECEWISE = (Levels, Palette)
PAD = 8  # padding pixels of the ring on either side of a row; their values are never read
_HALF = 32767
_MOST_LEVELS = 32  # with more levels, a table look-up is faster than comparing
Shares = NDArray[np.int32]
Taps = tuple[tuple[int, int, Fraction], ...]


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    return piecewise(work)(work)


def piecewise(work: Work) -> Render:
    """See ``methods.renderer``."""
    weights = _taps(work.options)
    taps, rest = shares(weights, Fraction(work.options.strength))
    target = work.target
    loses = work.options.strength < 1 or sum(weight for _, _, weight in weights) < 1
    if isinstance(target, Palette) and loses:
        bend(target.search, target.lights, work.options.light, "weakened")
    many = isinstance(target, Levels) and target.count > _MOST_LEVELS
    if many or (isinstance(target, Palette) and work.options.distance == "ciede2000"):
        return _pixel_by_pixel(work, taps, rest)
    in_step = not work.options.serpentine and work.mask.size == 0 and taps[:, 1].max() > 0
    return (_in_step if in_step else _in_segments)(work, taps, rest)


def _pixel_by_pixel(work: Work, taps: Shares, rest: int) -> Render:
    target = work.target
    _, width, depth = work.pixels.shape
    # The errors of the next rows; the first of them is at ``top % rows``.
    ring = np.zeros((int(taps[:, 1].max()) + 1, width + 2 * PAD, depth), np.int32)
    levels = isinstance(target, Levels)
    kernel = diffuse_levels if levels else diffuse_palette
    choices = target.choice if isinstance(target, Levels) else target.search

    def dithered(work: Work) -> NDArray[np.uint8]:
        found = reusable(work.pixels.shape[: 3 if levels else 2], np.uint8)
        kernel(
            work.pixels,
            work.mask,
            work.light,
            choices,
            target.lights,
            taps,
            rest,
            work.options.serpentine,
            work.top,
            ring,
            found,
        )
        return found

    return dithered


def _in_step(work: Work, taps: Shares, rest: int) -> Render:
    target = work.target
    _, width, depth = work.pixels.shape
    lanes = strip(taps, depth, width * depth)
    carry = reusable(lanes.carried, np.int64)
    carry[...] = 0
    even = _even(work)
    choices: tuple[Any, ...]
    if isinstance(target, Levels):
        kernel, choices = wavefront_levels.diffuse_levels, (*_steps(target), depth)
    else:
        kernel, choices = wavefront_palette.diffuse_palette, (target.search, target.lights)
    apart = _apart(work)

    def dithered(work: Work) -> NDArray[np.uint8]:
        height = work.pixels.shape[0]
        found = reusable((height, width * depth if apart else width), np.uint8)
        kernel(
            work.pixels.reshape(height, width * depth),
            work.light,
            even,
            *choices,
            taps,
            rest,
            lanes.skew,
            lanes.size,
            carry,
            reusable(LANES * lanes.steps, np.uint8),
            reusable(LANES * lanes.steps, np.uint8),
            found,
        )
        return found.reshape(height, width, depth) if apart else found

    return dithered


def _in_segments(work: Work, taps: Shares, rest: int) -> Render:
    target = work.target
    _, width, depth = work.pixels.shape
    even, apart = _even(work), _apart(work)
    ring = np.zeros((int(taps[:, 1].max()) + 1, depth * LANES * segments.steps(width)), np.int16)
    choices: tuple[Any, ...]
    if isinstance(target, Levels):
        kernel, choices = segments_levels.diffuse_levels, (*_steps(target), depth)
    else:
        kernel, choices = segments_palette.diffuse_palette, (target.search, target.lights)

    def dithered(work: Work) -> NDArray[np.uint8]:
        height = work.pixels.shape[0]
        found = reusable((height, width * depth if apart else width), np.uint8)
        kernel(
            work.pixels.reshape(height, width * depth),
            work.mask,
            work.light,
            even,
            *choices,
            taps,
            rest,
            work.options.serpentine,
            work.top,
            ring,
            found,
        )
        return found.reshape(height, width, depth) if apart else found

    return dithered


def _apart(work: Work) -> bool:
    """Whether each channel has a result of its own."""
    return isinstance(work.target, Levels) and not work.target.combines(work.pixels.shape[2])


def _steps(target: Levels) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """``middles`` and ``gaps`` of `wavefront_levels`."""
    middles = np.searchsorted(target.choice, np.arange(1, target.count)).astype(np.int16)
    return middles, np.diff(target.lights)


def _even(work: Work) -> bool:
    """Whether light is proportional to the code values, so that no table is needed."""
    return np.array_equal(work.light, light_of_code("srgb"))


def _taps(options: Options) -> Taps:
    if options.algorithm == CUSTOM and options.kernel is not None:
        return _custom(options.kernel)
    return KERNELS[options.algorithm].taps


def _custom(rows: Kernel) -> Taps:
    centre = len(rows[0]) // 2
    total = sum((Fraction(weight) for row in rows for weight in row), Fraction(0))
    return tuple(
        (x - centre, y, Fraction(weight) / total)
        for y, row in enumerate(rows)
        for x, weight in enumerate(row)
        if weight
    )


@lru_cache(64)
def shares(taps: Taps, strength: Fraction) -> tuple[Shares, int]:
    """How an error is shared: rows (dx, dy, weight · 65536), and the row that gets the remainder.

    The last row is the part of the error that is not diffused (dy = -1). The row with the largest
    weight gets the remainder, so no error is lost to rounding. Every other weight is therefore at
    most one half, and fits 16 bits when limited to 32767.
    """
    weights = [weight * strength for _, _, weight in taps]
    weights.append(1 - sum(weights, Fraction(0)))
    rest = max(range(len(weights)), key=lambda i: weights[i])
    places = [(dx, dy) for dx, dy, _ in taps] + [(0, -1)]
    table = [
        (dx, dy, min(int(weight * 65536 + Fraction(1, 2)), _HALF))
        for (dx, dy), weight in zip(places, weights, strict=True)
    ]
    made = np.array(table, np.int32)
    made.setflags(write=False)
    return made, rest


@inlined
def aim(ring, y, step, taps, places):
    """Offsets in the flat ring of the neighbours of row y's first pixel."""
    rows, width, depth = ring.shape
    for t in range(taps.shape[0]):
        column = PAD + step * taps[t, 0]
        places[t] = ((y + taps[t, 1]) % rows * width + column) * depth


@merged
def clamped(value):
    """Light clamped to −WHITE … 2 · WHITE."""
    return min(max(value, np.int64(-WHITE)), np.int64(2 * WHITE))


@merged
def add_shares(flat, places, at, error, taps, rest):
    """Add the shares of an error to the neighbours, which are ``at`` after those of `aim`."""
    left = error
    for t in range(taps.shape[0]):
        if t != rest:
            part = (error * taps[t, 2]) >> 16
            left -= part
            if taps[t, 1] >= 0:
                flat[places[t] + at] += part
    if taps[rest, 1] >= 0:
        flat[places[rest] + at] += left


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 2),
    array_in(_I2, 1),
    array_in(_U1, 1),
    array_in(_I2, 1),
    _TAPS,
    types.int64,
    types.boolean,
    types.int64,
    array_out(_I4, 3),
    array_out(_U1, 3),
)
def diffuse_levels(image, mask, light, choice, levels, taps, rest, serpentine, top, ring, out):
    height, width, depth = image.shape
    flat = ring.reshape(ring.size)
    places = np.zeros(taps.shape[0], np.int64)
    masked = mask.shape[0] > 0
    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        step = -1 if back else 1
        aim(ring, top + y, step, taps, places)
        here = (top + y) % ring.shape[0]
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and mask[y, x] == 0:
                for c in range(depth):
                    out[y, x, c] = 0
                continue
            for c in range(depth):
                v = light[image[y, x, c]] + ring[here, x + PAD, c]
                k = choice[min(max(v, 0), WHITE)]
                out[y, x, c] = k
                add_shares(flat, places, x * depth + c, v - levels[k], taps, rest)
        ring[here] = 0


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 2),
    array_in(_I2, 1),
    SEARCH,
    array_in(_I2, 2),
    _TAPS,
    types.int64,
    types.boolean,
    types.int64,
    array_out(_I4, 3),
    array_out(_U1, 2),
)
def diffuse_palette(image, mask, light, search, colours, taps, rest, serpentine, top, ring, out):
    height, width = image.shape[:2]
    flat = ring.reshape(ring.size)
    places = np.zeros(taps.shape[0], np.int64)
    masked = mask.shape[0] > 0
    for y in range(height):
        back = serpentine and (top + y) % 2 == 1
        step = -1 if back else 1
        aim(ring, top + y, step, taps, places)
        here = (top + y) % ring.shape[0]
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and mask[y, x] == 0:
                out[y, x] = 0
                continue
            r = clamped(light[image[y, x, 0]] + ring[here, x + PAD, 0])
            g = clamped(light[image[y, x, 1]] + ring[here, x + PAD, 1])
            b = clamped(light[image[y, x, 2]] + ring[here, x + PAD, 2])
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            k = nearest_for_diffusion(search, r, g, b, red, green, blue)
            out[y, x] = k
            add_shares(flat, places, 3 * x, r - colours[k, 0], taps, rest)
            add_shares(flat, places, 3 * x + 1, g - colours[k, 1], taps, rest)
            add_shares(flat, places, 3 * x + 2, b - colours[k, 2], taps, rest)
        ring[here] = 0
