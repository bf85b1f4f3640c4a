"""Levels for each channel, and the palettes that they make."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.errors import EngineError
from dither_engine.light import (
    WHITE,
    code_of_light,
    in_steps,
    light_of_code,
    srgb_to_linear,
)
from dither_engine.result import INDEXED_COLOURS
from dither_engine.work import Levels


@lru_cache(16)
def levels(count: int, light: str) -> Levels:
    """``count`` (2 to 256) levels, evenly spaced in sRGB code values, rounded half up."""
    codes = np.floor(np.arange(count) * 255 / (count - 1) + 0.5).astype(np.uint8)
    lights = light_of_code(light)[codes]
    middles = lights[:-1].astype(np.int64) + lights[1:]
    choice = np.searchsorted(middles, 2 * np.arange(WHITE + 1), side="right")
    made = Levels(codes, lights, choice.astype(np.uint8))
    for array in (made.codes, made.lights, made.choice):
        array.setflags(write=False)
    return made


@dataclass(frozen=True)
class ChannelLevels:
    """Separate levels for red, green and blue; each channel is dithered by itself."""

    channels: tuple[Levels, Levels, Levels]

    @property
    def combine(self) -> bool:
        """Whether they make a palette of at most 256 colours."""
        return math.prod(target.count for target in self.channels) <= INDEXED_COLOURS

    def palette(self) -> NDArray[np.uint8]:
        """The colours that `combined` numbers, ``uint8 (n, 3)``.

        If they do not combine: each column has a channel's levels, padded with its last level.
        """
        codes = [target.codes for target in self.channels]
        if self.combine:
            return np.stack(np.meshgrid(*codes, indexing="ij"), axis=-1).reshape(-1, 3)
        most = max(map(len, codes))
        return np.stack([np.pad(code, (0, most - len(code)), "edge") for code in codes], axis=1)

    def combined(self, found: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Levels of the channels, ``uint8 (H, W)`` each, as ``(H, W)`` or ``(H, W, 3)``."""
        if not self.combine:
            return np.stack(found, axis=2)
        _, green, blue = self.channels
        indices: NDArray[np.uint8] = found[0] * np.uint8(green.count) + found[1]
        return indices * np.uint8(blue.count) + found[2]


def channel_levels(counts: list[int], light: str) -> ChannelLevels:
    """``counts``: of red, green and blue."""
    red, green, blue = (levels(count, light) for count in counts)
    return ChannelLevels((red, green, blue))


def levels_palette(target: Levels, depth: int) -> NDArray[np.uint8]:
    """The colours that `combine` numbers, ``uint8 (n, 3)``; the levels, if they do not combine."""
    codes = target.codes
    if depth == 1 or not target.combines(depth):
        return np.repeat(codes[:, None], 3, axis=1)
    return np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1).reshape(-1, 3)


def media_relative(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours relative to the lightest as white and the darkest as black: ``uint8 (n, 3)``.

    Linear in light, each channel by itself, clamped to black and white. Source: ICC.1:2022,
    media-relative colorimetry, with black point compensation. Raises EngineError if the lightest
    is not lighter than the darkest in every channel.
    """
    light = srgb_to_linear(colours / 255)
    luminance = 0.2126 * light[:, 0] + 0.7152 * light[:, 1] + 0.0722 * light[:, 2]
    black, white = light[luminance.argmin()], light[luminance.argmax()]
    if not (white > black).all():
        raise EngineError(
            "The lightest of the measured colours is their white, the darkest their black: the"
            " white must be lighter in red, green and blue."
        )
    relative = np.clip((light - black) / (white - black), 0, 1)
    return np.asarray(code_of_light("linear")[in_steps(relative)])


def combine(found: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Levels of the channels, ``uint8 (H, W, C)``, as digits of one number, ``uint8 (H, W)``."""
    indices: NDArray[np.uint8] = found[..., 0]
    for channel in range(1, found.shape[2]):
        indices = indices * np.uint8(count) + found[..., channel]
    return indices
