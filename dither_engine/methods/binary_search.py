"""Direct binary search: change and swap pixels as long as that lowers the visible error.

The visible error is the error in light, blurred by the point spread function of the eye. The search
starts from a blue-noise dither and goes over the picture row by row. At each pixel it tries the
other colours (only the 15 nearest if there are more than 16) and swaps with the eight neighbours,
and makes the change that lowers the squared blurred error most. It ends when no change lowers the
error, at the latest after `PASSES` rounds. Colours are represented by luminance and two opponent
(chroma) axes; the eye blurs the chroma axes more.

The point spread covers only a few pixels, so by this error alone a single dot among many pixels of
another colour would be removed, and very dark and very light tones would be lost. So the summed
luminance error of every block of 32 × 32 pixels counts too: squared up to two dots, linear beyond.
This term is left out if the darkest and lightest colours are not black and white, because there
the tones that the palette cannot reach would dominate it.

The effect of a change is computed from the blurred error ("cep") and the point spread's
autocorrelation ("cpp"); both are integers. Pictures are searched in bands of rows, each together
with the finished rows above it and the unfinished rows below it. Levels with more than 256
combinations are searched channel by channel.

Sources: M. Analoui, J. P. Allebach, "Model-based halftoning using direct binary search", Proc. SPIE
1666, 1992; D. J. Lieberman, J. P. Allebach, "A dual interpretation for direct binary search and
its implications for tone reproduction and texture quality", IEEE Trans. Image Processing 9(11),
2000; the eye's spread: S. H. Kim, J. P. Allebach, "Impact of HVS models on model-based halftoning",
IEEE Trans. Image Processing 11(3), 2002, at 300 dots an inch and 9.5 inches; opponent axes: T. J.
Flohr et al., "Model-based color image quantization", Proc. SPIE 1913, 1993.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.simd import WORDS_WIDE, add_product
from dither_engine.greys import greys_of
from dither_engine.light import WHITE
from dither_engine.methods import ordered
from dither_engine.methods.neutral import greys_apart
from dither_engine.work import Levels, Palette, Work

PASSES = 12
RADIUS = 5
REACH = 2 * RADIUS
NEAR = 4  # pixels; farther changes hardly matter, and trying again because of them takes long
_BAND = 256
_TRIED = 15
_BLOCK = 32
_LIMIT = 16384
_LUMINANCE = ((0.77, 0.36), (2.1, 0.64))
_CHROMA = ((2.4, 1.0),)
# Rows: luminance; X − Y and Y − Z (white is 1), with half the weights of YyCxCz. Times 4096.
_OPPONENT = np.rint(
    4096
    * np.array(
        [
            [0.2126, 0.7152, 0.0722],
            [2.15 * 0.2213, 2.15 * -0.3390, 2.15 * 0.1177],
            [0.86 * 0.1948, 0.86 * 0.6057, 0.86 * -0.8005],
        ]
    )
).astype(np.int64)
_PLAIN = np.array([[4096]], np.int64)


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    target = work.target
    depth = work.pixels.shape[2]
    if isinstance(target, Levels):
        if depth > 1 and not target.combines(depth):
            return np.concatenate([_channel(work, c) for c in range(depth)], axis=2)
        axes = np.meshgrid(*[target.lights] * depth, indexing="ij")
        lights = np.stack([axis.ravel() for axis in axes], axis=1)
    else:
        lights = target.lights
    state = _start(work)
    _search(work, lights, state)
    return state


def _channel(work: Work, channel: int) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(work.pixels[:, :, channel : channel + 1])
    return render(replace(work, pixels=pixels))[:, :, None]


def _start(work: Work) -> NDArray[np.uint8]:
    options = work.options.model_copy(update={"algorithm": "blue-noise", "strength": 1.0})
    work = replace(work, options=options)
    return np.ascontiguousarray(greys_apart(work, lambda _: ordered.render)(work))


def _search(work: Work, lights: NDArray[np.int16], state: NDArray[np.uint8]) -> None:
    height = work.pixels.shape[0]
    matrix = _OPPONENT if lights.shape[1] == 3 else _PLAIN
    points = np.zeros((len(lights), 3), np.int64)  # greys have luminance only
    points[:, : lights.shape[1]] = (lights.astype(np.int64) @ matrix.T) >> 12
    spread = autocorrelations()
    weights = np.zeros((*spread.shape[:2], WORDS_WIDE), np.int32)
    weights[:, :, : spread.shape[2]] = spread
    greys = _greys(work, len(points))
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        above, below = max(top - REACH, 0), min(bottom + REACH, height)
        search_rows(
            work.pixels[above:below],
            work.mask[above:below],
            work.light,
            matrix,
            points,
            _rivals(points),
            spread,
            weights,
            greys,
            top - above,
            bottom - above,
            state[above:below],
        )


def _greys(work: Work, count: int) -> NDArray[np.bool_]:
    """Which colours a grey pixel may become: see `neutral`; all where that does not apply."""
    if isinstance(work.target, Palette):
        greys = greys_of(work.target.colours)
        if len(greys) > 1:
            return np.isin(np.arange(count), greys)
    return np.ones(count, np.bool_)


@inlined
def is_grey(pixels, y, x):
    """Whether the three channels are equal."""
    return pixels[y, x, 0] == pixels[y, x, 1] and pixels[y, x, 1] == pixels[y, x, 2]


def _rivals(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each colour, the other colours to try instead of it, nearest first."""
    squares = ((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, -1)
    return np.ascontiguousarray(np.argsort(squares, axis=1, kind="stable")[:, 1 : 1 + _TRIED])


@cache
def autocorrelations() -> NDArray[np.int64]:
    """Autocorrelations of the point spreads of luminance and the two chroma axes.

    ``(3, 2 REACH + 1, 2 REACH + 1)``; the sum of each is about 65536.
    """
    luminance, chroma = _autocorrelation(_LUMINANCE), _autocorrelation(_CHROMA)
    return np.stack([luminance, chroma, chroma])


def _autocorrelation(spread: tuple[tuple[float, float], ...]) -> NDArray[np.int64]:
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    square = x * x + y * y
    bells = [(np.exp(-square / (2 * sigma * sigma)), share) for sigma, share in spread]
    point = np.rint(sum(4096 * share * bell / bell.sum() for bell, share in bells)).astype(np.int64)
    side = 2 * REACH + 1
    total = np.zeros((side, side), np.int64)
    for v in range(len(point)):
        for u in range(len(point)):
            total[v : v + len(point), u : u + len(point)] += point[v, u] * point
    return total >> 8


@inlined
def block_cost(total):
    """The cost of a block's summed error: its square, linear from `_LIMIT` on."""
    size = abs(total)
    return size * size if size <= _LIMIT else 2 * _LIMIT * size - _LIMIT * _LIMIT


@inlined
def change(seen, weights, at, row, step):
    """Add a change of a pixel's colour, ``step``, to the blurred error.

    at: the pixel's column. row: the first row of ``seen`` in the pixel's point spread; it may lie
    outside ``seen``.
    """
    depth, height, width = seen.shape
    flat, kernels = seen.reshape(seen.size), weights.reshape(weights.size)
    first, last = max(row, 0), min(row + weights.shape[1], height)
    for c in range(depth):
        if step[c] != 0:
            factor = np.int32(step[c])
            for r in range(first, last):
                kernel = (c * weights.shape[1] + r - row) * WORDS_WIDE
                add_product(flat, (c * height + r) * width + at, kernels, kernel, factor)


@inlined
def seen_at(seen, y, x):
    """The blurred error of a pixel."""
    return np.int64(seen[0, y, x]), np.int64(seen[1, y, x]), np.int64(seen[2, y, x])


@inlined
def fill_pairs(points, spread, pairs):
    """Precompute the effect of changing one colour to another: ``pairs[one, other]``.

    Each entry has the step along each axis, the cost of the step for a single pixel, and half the
    cost of a swap with a horizontal or vertical neighbour, and with a diagonal neighbour.
    """
    reach = spread.shape[1] // 2
    for i in range(len(points)):
        for j in range(len(points)):
            pairs[i, j] = 0
            for c in range(3):
                a = points[j, c] - points[i, c]
                middle = spread[c, reach, reach]
                pairs[i, j, c] = a
                pairs[i, j, 3] += a * a * middle
                pairs[i, j, 4] += a * a * (middle - spread[c, reach, reach + 1])
                pairs[i, j, 5] += a * a * (middle - spread[c, reach + 1, reach + 1])


@inlined
def wake(quiet, top, bottom, left, right):
    """Mark the pixels ``top`` to ``bottom``, ``left`` to ``right`` to be tried again."""
    for y in range(max(top, 0), min(bottom, quiet.shape[0])):
        for x in range(max(left, 0), min(right, quiet.shape[1])):
            quiet[y, x] = False


@inlined
def wake_block(quiet, y, x):
    """The same for all pixels whose cost contains the summed error of this pixel's block."""
    top, left = y // _BLOCK * _BLOCK, x // _BLOCK * _BLOCK
    wake(quiet, top - 1, top + _BLOCK + 1, left - 1, left + _BLOCK + 1)


@kernel(
    array_in(types.uint8, 3),
    array_in(types.uint8, 2),
    array_in(types.int16, 1),
    array_in(types.int64, 2),
    array_in(types.int64, 2),
    array_in(types.int64, 2),
    array_in(types.int64, 3),
    array_in(types.int32, 3),
    array_in(types.boolean, 1),
    types.int64,
    types.int64,
    array_out(types.uint8, 2),
)
def search_rows(
    pixels, mask, light, matrix, points, rivals, spread, weights, greys, top, bottom, state
):
    """Search the rows ``top`` to ``bottom``; ``state`` holds the colours of all rows in view.

    weights: ``spread`` with each row padded to `WORDS_WIDE`. greys: whether a grey pixel may become
    each colour. A pixel is skipped if no change lowered the error there and no pixel at most NEAR
    away, nor the summed error of its block, has changed since.
    """
    height, width, depth = pixels.shape
    reach = spread.shape[1] // 2
    # The blurred error: row r is row top + r of the picture, column x + reach is its column x.
    seen = np.zeros((3, bottom - top, width + WORDS_WIDE), np.int32)
    # The summed error of the blocks that are searched.
    sums = np.zeros(((bottom - top - 1) // _BLOCK + 1, (width - 1) // _BLOCK + 1), np.int64)
    quiet = np.zeros((bottom - top, width), np.bool_)
    pairs = np.zeros((len(points), len(points), 6), np.int64)
    fill_pairs(points, spread, pairs)
    step = np.zeros(3, np.int64)
    weight = np.int64(0)
    if points[:, 0].min() <= 8 and points[:, 0].max() >= WHITE - 8:
        weight = spread[0, reach, reach] // 2
    masked = mask.shape[0] > 0
    everywhere = greys.all()
    for y in range(height):
        for x in range(width):
            if masked and mask[y, x] == 0:
                state[y, x] = 0
                continue
            for c in range(depth):
                value = np.int64(0)
                for i in range(depth):
                    value += matrix[c, i] * light[pixels[y, x, i]]
                step[c] = points[state[y, x], c] - (value >> 12)
            if top <= y < bottom:
                sums[(y - top) // _BLOCK, x // _BLOCK] += step[0]
            change(seen, weights, x, y - top - reach, step)
    for _ in range(PASSES):
        changes = 0
        for y in range(top, bottom):
            for x in range(width):
                if quiet[y - top, x] or (masked and mask[y, x] == 0):
                    continue
                here = np.int64(state[y, x])
                block_y, block_x = (y - top) // _BLOCK, x // _BLOCK
                total = sums[block_y, block_x]
                cost_before = block_cost(total)
                best, new, other_y, other_x = np.int64(0), here, y, x
                free = everywhere or not is_grey(pixels, y, x)
                one, two, three = seen_at(seen, y - top, x + reach)
                for i in range(rivals.shape[1]):
                    j = rivals[here, i]
                    gain = pairs[here, j, 3] + 2 * (
                        pairs[here, j, 0] * one
                        + pairs[here, j, 1] * two
                        + pairs[here, j, 2] * three
                    )
                    if weight != 0:
                        gain += weight * (block_cost(total + pairs[here, j, 0]) - cost_before)
                    better = gain < best and (free or greys[j])
                    new = j if better else new
                    best = gain if better else best
                for v in range(max(y - 1, top), min(y + 2, bottom)):
                    for u in range(max(x - 1, 0), min(x + 2, width)):
                        if masked and mask[v, u] == 0:
                            continue
                        there = np.int64(state[v, u])
                        if there == here or not (free or greys[there]):
                            continue
                        if not greys[here] and is_grey(pixels, v, u):
                            continue
                        its_one, its_two, its_three = seen_at(seen, v - top, u + reach)
                        gain = pairs[here, there, 0] * (one - its_one) + pairs[here, there, 1] * (
                            two - its_two
                        )
                        gain += (
                            pairs[here, there, 2] * (three - its_three)
                            + pairs[here, there, 4 + (v != y and u != x)]
                        )
                        gain *= 2
                        if weight != 0 and (
                            (v - top) // _BLOCK != block_y or u // _BLOCK != block_x
                        ):
                            other = sums[(v - top) // _BLOCK, u // _BLOCK]
                            gain += weight * (
                                block_cost(total + pairs[here, there, 0]) - cost_before
                            )
                            gain += weight * (
                                block_cost(other - pairs[here, there, 0]) - block_cost(other)
                            )
                        better = gain < best
                        best = min(best, gain)
                        new = there if better else new
                        other_y, other_x = (v, u) if better else (other_y, other_x)
                quiet[y - top, x] = best == 0
                if best < 0:
                    changes += 1
                    for c in range(3):
                        step[c] = pairs[here, new, c]
                    sums[block_y, block_x] += step[0]
                    change(seen, weights, x, y - top - reach, step)
                    state[y, x] = new
                    far = NEAR + 1
                    wake(quiet, y - top - NEAR, y - top + far, x - NEAR, x + far)
                    if other_y != y or other_x != x:
                        for c in range(3):
                            step[c] = -step[c]
                        sums[(other_y - top) // _BLOCK, other_x // _BLOCK] += step[0]
                        change(seen, weights, other_x, other_y - top - reach, step)
                        state[other_y, other_x] = here
                        wake(
                            quiet,
                            other_y - top - NEAR,
                            other_y - top + far,
                            other_x - NEAR,
                            other_x + far,
                        )
                    if weight != 0 and sums[block_y, block_x] != total:
                        wake_block(quiet, y - top, x)
                        wake_block(quiet, other_y - top, other_x)
        if changes == 0:
            break
