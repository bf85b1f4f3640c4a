"""Palette-aware ordered dithering: a colour becomes a list of palette colours that mix to it.

The list has ``candidates`` entries, sorted from dark to light (by luminance, then by position in
the palette). A pixel takes the entry ⌊rank · candidates / 64⌋, where rank is its rank in Bayer's
8 × 8 mask. Light is mixed as ``options.light`` says. The methods differ in how they make the list:

- knoll: for each entry, the colour nearest to the target colour plus the error so far times
  ``strength``. T. Knoll, US patent 6 606 166 (1999, expired), as described by Yliluoma.
- yliluoma-1: the best pair and ratio by the psychovisual difference below plus a penalty that grows
  with the difference between the two colours.
- yliluoma-2: grows the mixture by the colour and amount (a power of two) that brings it nearest.
- yliluoma-3: starts from the nearest colour and splits a share in two as long as that lowers the
  difference; never into colours whose lumas differ by more than 80 of 255, or by more than the
  palette's largest gap.
  J. Yliluoma, "Arbitrary-palette positional dithering algorithm", 2011.
- n-closest: the four nearest colours by the options' distance, each with a share of 1/d, d its
  distance in light; between two colours that is their exact mixture.
  M. Louis, "Ordered dithering of arbitrary or irregular colour palettes", 2023.

The difference of two colours is Yliluoma's: ¾ of the squared differences of R, G, B weighted 0.299,
0.587, 0.114, plus the squared difference of luma. It is computed from 8-bit code values, times 10⁶,
in integers. Yliluoma-1 and -3 try every pair of colours; if the palette has more than 32 (16)
colours, only pairs of the nearest 32 (16). Levels are treated as the palette of all their
combinations; if there are more than 256, each channel is dithered by Bayer's mask alone.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.compiled.search import SEARCH, bend, distances, prepare
from dither_engine.light import WHITE, code_of_light
from dither_engine.masks.bayer import bayer_ranks
from dither_engine.methods import ordered
from dither_engine.methods.plans import knoll, n_closest, nearest_first, sort_plan
from dither_engine.methods.yliluoma import yliluoma_1, yliluoma_2, yliluoma_3
from dither_engine.work import Levels, Palette, Work

METHODS = {"knoll": 0, "yliluoma-1": 1, "yliluoma-2": 2, "yliluoma-3": 3, "n-closest": 4}
CLOSEST = 4
PAIR_POOL = 32
SPLIT_POOL = 16
_LUMA_LIMIT = 80_000
_SLOTS = 1 << 17


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    height, width, depth = work.pixels.shape
    target = work.target
    pixels = work.pixels
    if isinstance(target, Levels):
        if not target.combines(depth):
            return ordered.render_bayer(work, 8)
        target = _combinations(target, depth, work)
        pixels = np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3)))
    if work.options.algorithm == "knoll":
        bend(target.search, target.lights, work.options.light, "listed")
    out = np.empty((height, width), np.uint8)
    count = work.options.candidates
    slots = min(1 << (height * width).bit_length(), _SLOTS)
    memo = np.full(slots, -1, np.int64)
    plans = np.zeros((slots, count), np.uint8)
    code = code_of_light(work.options.light)
    codes = code[target.lights].astype(np.int64)
    pattern_rows(
        pixels,
        work.light,
        target.search,
        code,
        codes,
        _apart(codes),
        _luma_limit(target.colours),
        target.lights,
        METHODS[work.options.algorithm],
        work.options.strength_parts,
        (bayer_ranks(8) * count // 64).astype(np.uint8),
        memo,
        plans,
        out,
    )
    return out


def _combinations(levels: Levels, depth: int, work: Work) -> Palette:
    """The palette of all levels of all channels, in the order of the combined index."""
    axes = np.meshgrid(*[np.arange(levels.count)] * depth, indexing="ij")
    numbers = np.stack([axes[c % depth].ravel() for c in range(3)], axis=1)
    colours, lights = levels.codes[numbers], levels.lights[numbers]
    # Levels are evenly spaced in light, so the distance in light favours no colour.
    search = prepare(colours, work.options.light, work.options.light)
    return Palette(colours, colours, lights, search)


def _apart(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Yliluoma's difference of each two colours, ``(n, n)``."""
    away = codes[:, None] - codes[None]
    weights = np.array([299, 587, 114])
    apart: NDArray[np.int64] = 750 * (away**2 @ weights) + (away @ weights) ** 2
    return apart


def _luma_limit(colours: NDArray[np.uint8]) -> int:
    """The largest difference in luma (0 to 255 000) of colours that yliluoma-3 mixes."""
    gaps = np.diff(np.sort(colours.astype(np.int64) @ np.array([299, 587, 114])))
    return max(_LUMA_LIMIT, int(gaps.max()))


@kernel(
    array_in(types.uint8, 3),
    array_in(types.int16, 1),
    SEARCH,
    array_in(types.uint8, 1),
    array_in(types.int64, 2),
    array_in(types.int64, 2),
    types.int64,
    array_in(types.int16, 2),
    types.int64,
    types.int64,
    array_in(types.uint8, 2),
    array_out(types.int64, 1),
    array_out(types.uint8, 2),
    array_out(types.uint8, 2),
)
def pattern_rows(
    pixels,
    light,
    search,
    code,
    codes,
    apart,
    limit,
    lights,
    method,
    strength,
    places,
    memo,
    plans,
    out,
):
    """``memo`` and ``plans`` cache the colours that occurred before and their plans."""
    away = np.zeros(lights.shape[0], np.int32)
    shares = np.zeros(lights.shape[0], np.int64)
    pool = np.zeros(PAIR_POOL, np.int64)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            cr, cg, cb = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            key = (np.int64(cr) << 16) | (np.int64(cg) << 8) | np.int64(cb)
            slot = (key * 40503 >> 4) & (memo.shape[0] - 1)
            plan = plans[slot]
            if memo[slot] != key:
                memo[slot] = key
                r = min(max(np.int64(light[cr]), np.int64(0)), np.int64(WHITE))
                g = min(max(np.int64(light[cg]), np.int64(0)), np.int64(WHITE))
                b = min(max(np.int64(light[cb]), np.int64(0)), np.int64(WHITE))
                if method == 0:
                    knoll(search, lights, r, g, b, cr, cg, cb, strength, plan)
                elif method == 2:
                    yliluoma_2(code, lights, r, g, b, plan)
                else:
                    distances(search, code[r], code[g], code[b], away)
                    size = CLOSEST if method == 4 else (PAIR_POOL if method == 1 else SPLIT_POOL)
                    count = nearest_first(away, size, pool)
                    if method == 1:
                        yliluoma_1(code, codes, apart, lights, r, g, b, pool, count, plan)
                    elif method == 3:
                        yliluoma_3(code, lights, r, g, b, pool, count, limit, shares, plan)
                    else:
                        n_closest(lights, r, g, b, pool, count, plan)
                sort_plan(lights, plan)
            out[y, x] = plan[places[y % 8, x % 8]]
