"""Ordered dithering: every pixel is compared with the mask's threshold at its position.

Levels: light v between the levels L and M becomes M where (v − L)/(M − L) is at or above the
threshold, else L, each channel by itself. So flat areas keep their mean light, to the precision of
the mask's number of thresholds.

Threshold maps work like ImageMagick's ``-ordered-dither MAP,n``: n levels and a map of divisor d
make t = ⌊tone · ((n − 1)(d − 1) + 1)⌋ steps. The level is ⌊t/(d − 1)⌋, plus one where the remainder
is at or above the map's value. Below full strength the thresholds m/d are weakened like any mask.

Palettes: see `mixtures`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.compiled.simd import LINE, prefetch
from dither_engine.light import WHITE, light_of_code
from dither_engine.masks import ONE, Mask
from dither_engine.masks.layout import across, layers, repeated
from dither_engine.masks.threshold_maps import MAPS, ThresholdMap
from dither_engine.memory import reusable
from dither_engine.methods.mixtures import Mixtures
from dither_engine.result import INDEXED_COLOURS
from dither_engine.work import Levels, Palette, Work

PIECEWISE = (Levels, Palette)
_REPEATED = 512  # pixels; a mask is repeated to about this width, for longer loops
_U1, _U2 = types.uint8, types.uint16
Render = Callable[[Work], NDArray[np.uint8]]


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    return piecewise(work)(work)


def piecewise(work: Work) -> Render:
    """See ``methods.renderer``."""
    if isinstance(work.target, Levels):
        return _levels(work, work.target)
    return _palette(work.target)


def _palette(target: Palette) -> Render:
    mixtures = Mixtures(target)

    def dithered(work: Work) -> NDArray[np.uint8]:
        height, width = work.pixels.shape[:2]
        indices = reusable((height, width), np.uint8)
        for layer in layers(work.options, height, width, 1, first=work.top):
            rows = slice(layer.top - work.top, layer.bottom - work.top)
            mixtures.dither(work.pixels[rows], work.light, layer.thresholds, indices[rows])
        return indices

    return dithered


def _levels(work: Work, target: Levels) -> Render:
    height, width, depth = work.pixels.shape
    count = target.count
    channels = 1 if count**depth <= INDEXED_COLOURS else depth
    base, part, tile = _steps(work, target)
    cuts = _cuts(base, part) if count == 2 and tile is not None and len(tile) < height else None
    if cuts is not None and tile is not None:
        planes = np.ascontiguousarray(np.moveaxis(cuts[tile], 2, 1))
        times = -(-min(width, _REPEATED) // planes.shape[2])
        wide = reusable((*planes.shape[:2], times * planes.shape[2]), np.uint8)
        wide.reshape(*planes.shape[:2], times, -1)[...] = planes[:, :, None, :]
    elif tile is not None:
        thresholds = across(tile, width)

    def dithered(work: Work) -> NDArray[np.uint8]:
        top, height = work.top, work.pixels.shape[0]
        out = reusable((height, width, channels), np.uint8)
        if cuts is not None:
            compare_rows(work.pixels, wide, top, out)
        elif tile is not None:
            threshold_rows(work.pixels, base, part, thresholds, count, top, out)
        else:
            for layer in layers(
                work.options, height, width, depth, first=top, channel=work.channel
            ):
                rows = slice(layer.top - top, layer.bottom - top)
                mask = layer.thresholds
                threshold_rows(work.pixels[rows], base, part, mask, count, 0, out[rows])
        return out[:, :, 0] if channels < depth or depth == 1 else out

    return dithered


def _steps(work: Work, target: Levels) -> tuple[NDArray[np.uint8], NDArray[np.uint16], Mask | None]:
    """`steps` or `map_steps`; and the mask, ``uint16 (h, w, C)``, if it is the same everywhere."""
    entry = MAPS.get(work.options.algorithm)
    depth = work.pixels.shape[2]
    if entry is not None and work.options.strength == 1:
        base, part = map_steps(work.light, target, entry, work.options.light)
        return base, part, np.repeat(np.array(entry.rows, np.uint16)[:, :, None], depth, axis=2)
    return *steps(work.light, target), repeated(work.options, depth, work.channel)


def render_bayer(work: Work, size: int) -> NDArray[np.uint8]:
    """Bayer's mask, whatever algorithm the options name; for `Levels`."""
    options = work.options.model_copy(update={"algorithm": f"bayer-{size}"})
    return render(replace(work, options=options))


def steps(light: NDArray[np.int16], target: Levels) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """For each code value the level at or below it, and how far it is to the next, in 65536ths."""
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

    Light is rounded to 8192ths, ImageMagick's 16-bit tones are not. So with srgb light the exact
    code value is used, not its rounded light. A millionth is added against the rounding of the
    division.
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


def _cuts(base: NDArray[np.uint8], part: NDArray[np.uint16]) -> NDArray[np.uint8] | None:
    """The least code value that reaches each threshold; None if some threshold is never reached."""
    place = np.clip(base.astype(np.int64) * ONE + part, 0, ONE - 1)
    if place[-1] < ONE - 1 or (np.diff(place) < 0).any():
        return None
    return np.repeat(np.arange(256, dtype=np.uint8), np.diff(place, prepend=-1))


@kernel(array_in(_U1, 3), array_in(_U1, 3), types.int64, array_out(_U1, 3))
def compare_rows(pixels, cuts, top, out):
    """Two levels: compare each code value with the cut at its position.

    The result has one bit for each channel, the first channel's highest. cuts: (h, C, w),
    planar, while the pixels are interleaved, and repeated to the right; the first row of pixels
    uses cut row ``top``.
    """
    height, width, depth = pixels.shape
    flat, found = pixels.reshape(pixels.size), out.reshape(out.size)
    size, wide = width * depth, cuts.shape[2]
    for y in range(height):
        for x in range(0, size, LINE):
            prefetch(flat, (y + 2) * size + x)
        cut = cuts[(top + y) % cuts.shape[0]]
        for left in range(0, width, wide):
            row, into = flat[y * size + left * depth :], found[y * width + left :]
            count = min(wide, width - left)
            if depth == 1:
                grey = cut[0]
                for x in range(count):
                    into[x] = row[x] >= grey[x]
            else:
                red, green, blue = cut[0], cut[1], cut[2]
                for x in range(count):
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
    types.int64,
    array_out(_U1, 3),
)
def threshold_rows(pixels, base, part, thresholds, count, top, out):
    """Any levels: combined into one index if ``out`` has one channel, else one per channel."""
    height, width, depth = pixels.shape
    apart = out.shape[2] == depth
    for y in range(height):
        row = thresholds[(top + y) % thresholds.shape[0]]
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
