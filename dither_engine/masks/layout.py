"""Which mask an algorithm uses for each channel, and how it is tiled over the picture.

If the three channels set their dots at the same positions, the grain is coarse, black and white.
At different positions the grain is finer and coloured, and the eye averages it better. So noise
masks are shifted and screens are rotated from channel to channel (by the angles that printers use:
cyan, the inverse of red, 30° one way, magenta 30° the other way, yellow 45°). Bayer's mask and the
threshold maps are the same for all channels, as in other software.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dither_engine.algorithms import CUSTOM_MATRIX
from dither_engine.masks import ONE, Mask, from_values
from dither_engine.masks.bayer import bayer
from dither_engine.masks.noise import blue_noise, gradient_noise, white_noise
from dither_engine.masks.screen import SPOTS, screen
from dither_engine.masks.threshold_maps import MAPS
from dither_engine.options import Options

_COMPUTED = ("white-noise", "interleaved-gradient-noise")
_BAND = 64
_SHIFTS = ((0, 0), (49, 79), (85, 36))
_TURNS = (-30.0, 30.0, -45.0)
_CLUSTERED = ("halftone", 45.0, 32**0.5)


Number = TypeVar("Number", np.uint8, np.uint16)


@dataclass(frozen=True)
class Layer:
    """Thresholds of the rows ``top`` to ``bottom``: row y's are ``thresholds[(y − top) % h]``.

    tile: repeated to the right up to ``width``, ``uint16 (h, w, C)``.
    """

    top: int
    bottom: int
    tile: Mask
    width: int

    @property
    def thresholds(self) -> Mask:
        """``uint16 (h, W, C)``."""
        return across(self.tile, self.width)


def repeated(options: Options, depth: int, channel: int | None = None) -> Mask | None:
    """The mask that is tiled over the whole picture, ``uint16 (h, w, C)``; None if not tiled.

    channel: its number, when the channels of a colour picture are dithered one by one.
    """
    if options.algorithm in _COMPUTED:
        return None
    masks = _tiles(options, depth, channel)
    return _weakened(masks, options) if len({mask.shape for mask in masks}) == 1 else None


def layers(
    options: Options,
    height: int,
    width: int,
    depth: int,
    *,
    first: int = 0,
    channel: int | None = None,
) -> Iterator[Layer]:
    """The masks of ``options.algorithm``, weakened to ``options.strength``, top to bottom.

    height: number of rows, from row ``first`` on. channel: see `repeated`.
    """
    tile = repeated(options, depth, channel)
    if tile is not None:
        yield Layer(first, first + height, np.roll(tile, -first, 0)[:height], width)
        return
    masks = [] if options.algorithm in _COMPUTED else _tiles(options, depth, channel)
    channels = range(depth) if channel is None else (channel,)
    for top in range(first, first + height, _BAND):
        bottom = min(top + _BAND, first + height)
        here = np.arange(top, bottom)
        if masks:
            rows = [across(mask[here % len(mask)], width) for mask in masks]
        else:
            rows = [_noise(options, top, bottom, width, c) for c in channels]
        yield Layer(top, bottom, _weakened(rows, options), width)


def across(tile: NDArray[Number], width: int) -> NDArray[Number]:
    """``(h, w, …)`` repeated to the right: ``(h, width, …)``, C-contiguous."""
    times = (1, -(-width // tile.shape[1]), *(1 for _ in tile.shape[2:]))
    return np.ascontiguousarray(np.tile(tile, times)[:, :width])


def _noise(options: Options, top: int, bottom: int, width: int, channel: int) -> Mask:
    if options.algorithm == "white-noise":
        return white_noise(top, bottom, width, options.seed, channel)
    down, across = _SHIFTS[channel]
    return gradient_noise(top + down, bottom + down, width + across)[:, across:]


def _tiles(options: Options, depth: int, channel: int | None) -> list[Mask]:
    channels = range(depth) if channel is None else (channel,)
    coloured = depth == 3 or channel is not None
    return [_tile(options, c, coloured) for c in channels]


def _tile(options: Options, channel: int, coloured: bool) -> Mask:
    name = options.algorithm
    if name == "blue-noise":
        return _shifted_noise(channel)
    if name in SPOTS or name == "clustered-dot":
        spot, angle, cell = (name, options.angle, options.cell) if name in SPOTS else _CLUSTERED
        return screen(spot, angle + _TURNS[channel] if coloured else angle, cell)
    if name in MAPS:
        entry = MAPS[name]
        return (np.array(entry.rows) * ONE // entry.divisor).astype(np.uint16)
    if options.matrix is not None and name == CUSTOM_MATRIX:
        return from_values(options.matrix)
    return bayer(int(name.removeprefix("bayer-")))


@cache
def _shifted_noise(channel: int) -> Mask:
    return np.roll(blue_noise(), _SHIFTS[channel], (0, 1))


def _weakened(channels: list[Mask], options: Options) -> Mask:
    """The channels stacked; strength scales the thresholds around the middle (plain rounding)."""
    thresholds: Mask = np.ascontiguousarray(np.stack(channels, axis=2))
    strength = options.strength_parts
    if strength == ONE:
        return thresholds
    middle = ONE // 2
    away: NDArray[np.int64] = thresholds.astype(np.int64) - middle
    applied: Mask = np.clip(middle + (away * strength >> 16), 1, ONE - 1).astype(np.uint16)
    return applied
