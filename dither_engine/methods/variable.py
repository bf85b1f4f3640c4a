"""Error diffusion whose weights depend on the tone of the input (Ostromoukhov, Zhou–Fang).

The tone of a sample is the position of its light between the two adjacent levels, in 255ths. When
the target is a palette, it is the position between black and white. The weights come from the
tone's row of the table, in 65536ths. The shares below left and below are rounded down; the
neighbour to the right gets the remainder. ``strength`` is the part of the error that is diffused.

Zhou–Fang also raises the threshold by a random part of the tone's modulation in the table, at most
half the gap between the levels. The random numbers are a hash of x, y, channel and seed, so the
noise is the same in every frame. With a palette the gap is twice the distance from the pixel's own
colour to the nearest palette colour, in the channel where that is largest, so palette colours stay
unchanged; and all channels share one random number, so greys stay grey.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.coefficients import OSTROMOUKHOV, ZHOU_FANG, ZHOU_FANG_MODULATION
from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.compiled.search import SEARCH
from dither_engine.light import WHITE
from dither_engine.work import Levels, Work

_U1, _I2, _I4, _I8 = types.uint8, types.int16, types.int32, types.int64


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    options = work.options
    weights, modulation = _table(options.algorithm)
    how = (weights, modulation, options.strength_parts, options.seed, options.serpentine)
    if isinstance(work.target, Levels):
        tones, gaps = _between(work.target.lights)
        levels = np.empty(work.pixels.shape, np.uint8)
        diffuse_levels(
            work.pixels,
            work.mask,
            work.light,
            work.target.choice,
            work.target.lights,
            tones,
            gaps,
            *how,
            work.channel or 0,
            levels,
        )
        return levels
    indices = np.empty(work.pixels.shape[:2], np.uint8)
    diffuse_palette(
        work.pixels,
        work.mask,
        work.light,
        work.target.search,
        work.target.lights,
        *how,
        indices,
    )
    return indices


@cache
def _table(algorithm: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Weights below left and below, ``int32 (256, 2)``; modulation, ``int32 (256,)``; 65536ths."""
    zhou_fang = algorithm == "zhou-fang"
    half = np.array(ZHOU_FANG if zhou_fang else OSTROMOUKHOV, np.float64)
    part = np.array(ZHOU_FANG_MODULATION if zhou_fang else [0] * 128, np.float64) / 100
    weights = np.rint(half[:, 1:] / half.sum(axis=1, keepdims=True) * 65536).astype(np.int32)
    modulation = np.rint(part * 65536).astype(np.int32)
    return np.concatenate([weights, weights[::-1]]), np.concatenate([modulation, modulation[::-1]])


def _between(lights: NDArray[np.int16]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """For each light 0…WHITE: its tone between the two adjacent levels, and their gap."""
    light = np.arange(WHITE + 1)
    below = np.clip(np.searchsorted(lights, light, side="right") - 1, 0, len(lights) - 2)
    gaps = (lights[1:].astype(np.int32) - lights[:-1])[below]
    return (((light - lights[below]) * 255 + gaps // 2) // gaps).astype(np.uint8), gaps


@inlined
def noise(x, y, c, seed):
    """A hash of position and seed, 0 to 65535 (after T. Wang's 32-bit integer hash)."""
    h = np.uint64(x) * np.uint64(0x9E3779B1) + np.uint64(y) * np.uint64(0x85EBCA77)
    h = (h + np.uint64(c) * np.uint64(0xC2B2AE3D) + np.uint64(seed)) & np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x7FEB352D)) & np.uint64(0xFFFFFFFF)
    h = ((h ^ (h >> np.uint64(15))) * np.uint64(0x846CA68B)) & np.uint64(0xFFFFFFFF)
    return np.int64((h ^ (h >> np.uint64(16))) & np.uint64(0xFFFF))


@inlined
def share(error, weights, tone, strength, line, below, x, step, c):
    """Diffuse an error; ``line`` and ``below`` have one column of padding on either side."""
    error = (error * strength) >> 16
    left = (error * weights[tone, 0]) >> 16
    down = (error * weights[tone, 1]) >> 16
    below[x + 1 - step, c] += left
    below[x + 1, c] += down
    line[x + 1 + step, c] += error - left - down


_HOW: Any = (array_in(_I4, 2), array_in(_I4, 1), _I8, _I8, types.boolean)


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 2),
    array_in(_I2, 1),
    array_in(_U1, 1),
    array_in(_I2, 1),
    array_in(_U1, 1),
    array_in(_I4, 1),
    *_HOW,
    _I8,
    array_out(_U1, 3),
)
def diffuse_levels(
    image,
    mask,
    light,
    choice,
    levels,
    tones,
    gaps,
    weights,
    modulation,
    strength,
    seed,
    serpentine,
    channel,
    out,
):
    """tones, gaps: see `_between`. weights, modulation: see `_table`. channel: the first one's
    number, for the noise."""
    height, width, depth = image.shape
    lines = np.zeros((2, width + 2, depth), np.int64)
    masked = mask.shape[0] > 0
    for y in range(height):
        line, below = lines[y & 1], lines[1 - (y & 1)]
        back = serpentine and y % 2 == 1
        step = -1 if back else 1
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and mask[y, x] == 0:
                for c in range(depth):
                    out[y, x, c] = 0
                continue
            for c in range(depth):
                given = np.int64(light[image[y, x, c]])
                value = given + line[x + 1, c]
                tone = tones[given]
                seen = value
                if modulation[tone] > 0:
                    seen -= (noise(x, y, channel + c, seed) * modulation[tone] >> 17) * gaps[
                        given
                    ] >> 16
                k = choice[min(max(seen, 0), WHITE)]
                out[y, x, c] = k
                share(value - levels[k], weights, tone, strength, line, below, x, step, c)
        line[:] = 0


@kernel(
    array_in(_U1, 3),
    array_in(_U1, 2),
    array_in(_I2, 1),
    SEARCH,
    array_in(_I2, 2),
    *_HOW,
    array_out(_U1, 2),
)
def diffuse_palette(
    image,
    mask,
    light,
    search,
    colours,
    weights,
    modulation,
    strength,
    seed,
    serpentine,
    out,
):
    """Light is clamped to the range −WHITE to 2 · WHITE."""
    height, width = image.shape[:2]
    lines = np.zeros((2, width + 2, 3), np.int64)
    value, seen = np.zeros(3, np.int64), np.zeros(3, np.int64)
    tones = np.zeros(3, np.int64)
    masked = mask.shape[0] > 0
    for y in range(height):
        line, below = lines[y & 1], lines[1 - (y & 1)]
        back = serpentine and y % 2 == 1
        step = -1 if back else 1
        for i in range(width):
            x = width - 1 - i if back else i
            if masked and mask[y, x] == 0:
                out[y, x] = 0
                continue
            red, green, blue = image[y, x, 0], image[y, x, 1], image[y, x, 2]
            k = nearest_for_diffusion(
                search, light[red], light[green], light[blue], red, green, blue
            )
            gap = np.int64(0)
            for c in range(3):
                gap = max(gap, 2 * abs(np.int64(light[image[y, x, c]]) - colours[k, c]))
            for c in range(3):
                given = np.int64(light[image[y, x, c]])
                tone = (given * 255 + WHITE // 2) // WHITE
                tones[c] = tone
                value[c] = min(max(given + line[x + 1, c], -WHITE), 2 * WHITE)
                raised = (noise(x, y, 0, seed) * modulation[tone] >> 17) * min(gap, WHITE) >> 16
                seen[c] = max(value[c] - raised, -WHITE)
            k = nearest_for_diffusion(search, seen[0], seen[1], seen[2], red, green, blue)
            out[y, x] = k
            for c in range(3):
                error = value[c] - colours[k, c]
                share(error, weights, tones[c], strength, line, below, x, step, c)
        line[:] = 0
