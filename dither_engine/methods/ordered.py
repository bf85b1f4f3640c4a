"""Ordered dithering: every pixel is compared with the threshold that a mask has at its place.

Levels: light v between the levels L and M becomes M where (v − L)/(M − L) is at or above the
threshold, else L, each channel by itself. So flat areas keep their mean light, as finely as the
mask has thresholds.

Threshold maps do as ImageMagick's ``-ordered-dither MAP,n``: n levels and a map of divisor d make
t = ⌊tone · ((n − 1)(d − 1) + 1)⌋ steps, of which ⌊t/(d − 1)⌋ are the level, one more where the rest
is at or above the map's. Below full strength the thresholds m/d are weakened like other masks.

Palettes: see `pairs`.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.light import WHITE, light_of_code
from dither_engine.masks import ONE
from dither_engine.masks.layout import Layer, layers
from dither_engine.masks.threshold_maps import MAPS, ThresholdMap
from dither_engine.methods.pairs import mix_pairs
from dither_engine.result import INDEXED_COLOURS
from dither_engine.work import Levels, Palette, Work

_U1, _U2 = types.uint8, types.uint16


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    height, width, depth = work.pixels.shape
    if isinstance(work.target, Palette):
        indices = np.empty((height, width), np.uint8)
        for layer in layers(work.options, height, width, 1):
            rows = slice(layer.top, layer.bottom)
            mix_pairs(work, work.pixels[rows], layer.thresholds, indices[rows])
        return indices
    entry = MAPS.get(work.options.algorithm)
    if entry is not None and work.options.strength == 1:
        base, part = map_steps(work.light, work.target, entry, work.options.light)
        tile = np.repeat(np.array(entry.rows, np.uint16)[:height, :, None], depth, axis=2)
        whole = Layer(0, height, tile, width)
        return _threshold(work, base, part, [whole])
    base, part = steps(work.light, work.target)
    return _threshold(work, base, part, layers(work.options, height, width, depth, work.channel))


def render_bayer(work: Work, size: int) -> NDArray[np.uint8]:
    """Bayer's mask, whatever algorithm the options name; for `Levels`."""
    options = work.options.model_copy(update={"algorithm": f"bayer-{size}"})
    return render(replace(work, options=options))


def steps(light: NDArray[np.int16], target: Levels) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """For each code value the level at or below it, and how far it is to the next, of 65536."""
    levels = target.lights.astype(np.int64)
    value = np.clip(light.astype(np.int64), 0, WHITE)
    base = np.searchsorted(levels, value, side="right") - 1
    above = np.minimum(base + 1, len(levels) - 1)
    gap = np.maximum(levels[above] - levels[base], 1)
    return base.astype(np.uint8), ((value - levels[base]) * ONE // gap).astype(np.uint16)


def map_steps(
    light: NDArray[np.int16], target: Levels, entry: ThresholdMap, scale: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The same in ImageMagick's steps.

    Light is rounded to parts of 8192, which ImageMagick's 16-bit tones are not: of srgb light a
    value that is a code value's is taken as exactly that. A millionth makes up for the rounding of
    the division.
    """
    value = light.astype(np.float64)
    levels = target.lights.astype(np.float64)
    if scale == "srgb":
        of_code = light_of_code("srgb")
        code = np.clip(np.searchsorted(of_code, light), 0, 255)
        value = np.where(of_code[code] == light, code / 255 * WHITE, value)
        levels = target.codes / 255 * WHITE
    last = target.count - 1
    tone = np.interp(value, levels, np.arange(last + 1)) / last
    whole = entry.divisor - 1
    step = np.floor(tone * (last * whole + 1) + 1e-6).astype(np.int64)
    base = np.minimum(step // whole, last)
    return base.astype(np.uint8), np.where(base < last, step % whole, 0).astype(np.uint16)


def _threshold(
    work: Work,
    base: NDArray[np.uint8],
    part: NDArray[np.uint16],
    parts: Iterable[Layer],
) -> NDArray[np.uint8]:
    height, width, depth = work.pixels.shape
    count = work.target.count if isinstance(work.target, Levels) else 0
    combined = count**depth <= INDEXED_COLOURS
    out = np.empty((height, width, 1 if combined else depth), np.uint8)
    cuts = _cuts(base, part) if count == 2 else None
    for layer in parts:
        rows = slice(layer.top, layer.bottom)
        if cuts is not None and len(layer.tile) < layer.bottom - layer.top:
            planes = np.ascontiguousarray(np.moveaxis(cuts[layer.tile], 2, 1))
            wide = np.tile(planes, -(-width // planes.shape[2]))
            compare_rows(work.pixels[rows], wide, out[rows])
        else:
            threshold_rows(work.pixels[rows], base, part, layer.thresholds, count, out[rows])
    return out[:, :, 0] if combined else out


def _cuts(base: NDArray[np.uint8], part: NDArray[np.uint16]) -> NDArray[np.uint8] | None:
    """The least code value that reaches each threshold; None where not all are reached."""
    place = np.clip(base.astype(np.int64) * ONE + part, 0, ONE - 1)
    if place[-1] < ONE - 1 or (np.diff(place) < 0).any():
        return None
    return np.repeat(np.arange(256, dtype=np.uint8), np.diff(place, prepend=-1))


@kernel(array_in(_U1, 3), array_in(_U1, 3), array_out(_U1, 3))
def compare_rows(pixels, cuts, out):
    """Two levels: is each code value at or above its place's? One bit a channel, first highest.

    cuts: (h, C, W or more), which need not be taken apart as the pixels are.
    """
    height, width, depth = pixels.shape
    for y in range(height):
        row, cut = pixels[y].ravel(), cuts[y % cuts.shape[0]]
        into = out[y].ravel()
        if depth == 1:
            grey = cut[0]
            for x in range(width):
                into[x] = row[x] >= grey[x]
        else:
            red, green, blue = cut[0], cut[1], cut[2]
            for x in range(width):
                r = np.uint8(row[3 * x] >= red[x])
                g = np.uint8(row[3 * x + 1] >= green[x])
                b = np.uint8(row[3 * x + 2] >= blue[x])
                into[x] = np.uint8(r << 2) | np.uint8(g << 1) | b


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 1),
    array_in(_U2, 1),
    array_in(_U2, 3),
    types.int64,
    array_out(_U1, 3),
)
def threshold_rows(pixels, base, part, thresholds, count, out):
    """Any levels: combined into one index when ``out`` has one channel, else each by itself."""
    height, width, depth = pixels.shape
    apart = out.shape[2] == depth
    for y in range(height):
        row = thresholds[y % thresholds.shape[0]]
        for x in range(width):
            index = 0
            for c in range(depth):
                code = pixels[y, x, c]
                level = base[code] + (part[code] >= row[x, c])
                if apart:
                    out[y, x, c] = level
                index = index * count + level
            if not apart:
                out[y, x, 0] = index
