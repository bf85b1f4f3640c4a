"""Levels: what they are, and the palette they make."""

import numpy as np
from numpy.typing import NDArray

from dither_engine.light import (
    WHITE,
    code_of_light,
    in_steps,
    light_of_code,
    srgb_to_linear,
)
from dither_engine.work import Levels


def levels(count: int, light: str) -> Levels:
    """``count`` (2 to 256) levels, evenly spaced in sRGB code values, rounded half up."""
    codes = np.floor(np.arange(count) * 255 / (count - 1) + 0.5).astype(np.uint8)
    lights = light_of_code(light)[codes]
    middles = lights[:-1].astype(np.int64) + lights[1:]
    choice = np.searchsorted(middles, 2 * np.arange(WHITE + 1), side="right")
    return Levels(codes, lights, choice.astype(np.uint8))


def levels_palette(target: Levels, depth: int) -> NDArray[np.uint8]:
    """The colours that `combine` numbers, ``uint8 (n, 3)``; the levels, if they do not combine."""
    codes = target.codes
    if depth == 1 or not target.combines(depth):
        return np.repeat(codes[:, None], 3, axis=1)
    return np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1).reshape(-1, 3)


def media_relative(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours as they look to who takes the lightest for white and the darkest for black.

    Linear in light, each channel by itself; what is beyond black or white is that. ``uint8
    (n, 3)``. Source: ICC.1:2022, media-relative colorimetry, with black point compensation.
    """
    light = srgb_to_linear(colours / 255)
    luminance = 0.2126 * light[:, 0] + 0.7152 * light[:, 1] + 0.0722 * light[:, 2]
    black, white = light[luminance.argmin()], light[luminance.argmax()]
    relative = np.clip((light - black) / (white - black), 0, 1)
    return np.asarray(code_of_light("linear")[in_steps(relative)])


def combine(found: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Levels of the channels, ``uint8 (H, W, C)``, as digits of one number, ``uint8 (H, W)``."""
    indices: NDArray[np.uint8] = found[..., 0]
    for channel in range(1, found.shape[2]):
        indices = indices * np.uint8(count) + found[..., channel]
    return indices
