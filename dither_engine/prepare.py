"""Preparation of an image before dithering: fit, transparency, saturation, sharpness."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from dither_engine import depth
from dither_engine.colour_management import image_of, pixels_of
from dither_engine.decode import DeepFrame, Frame, Source
from dither_engine.fit import Fit, fit_of, fitted
from dither_engine.formats import FORMATS, too_many_colours
from dither_engine.options import Options
from dither_engine.result import INDEXED_COLOURS, check_frames, check_size
from dither_engine.transparency import opaque_or_not
from dither_engine.work import NO_MASK

Pixels = NDArray[np.uint8]


def laid_out(frame: Frame | DeepFrame, options: Options, fit: Fit) -> Frame:
    """The frame fitted, with 8 bits a channel, and its transparency as the options say."""
    whole = _of_8_bits(frame, options, fit)
    if not whole.mask.size or options.alpha == "keep":
        return whole
    if options.alpha == "flatten":
        return _flattened(whole, options.background)
    if options.alpha == "exclude":
        return replace(whole, mask=NO_MASK, sharp=whole.mask)
    return replace(whole, mask=opaque_or_not(whole.mask, options))


def enhanced(frame: Frame, options: Options) -> Frame:
    """The frame with the saturation and sharpness of the options."""
    pixels = frame.pixels
    if options.saturation != 1 and pixels.shape[2] == 3:
        pixels = pixels_of(ImageEnhance.Color(image_of(pixels)).enhance(options.saturation))
    if options.sharpen > 0:
        pixels = _sharpened(pixels, options.sharpen)
    return replace(frame, pixels=pixels)


def _of_8_bits(frame: Frame | DeepFrame, options: Options, fit: Fit) -> Frame:
    """Fitted, then reduced to 8 bits, so that a deeper picture has no banding at any size."""
    frame = fitted(frame, options, fit)
    if isinstance(frame, Frame):
        return frame
    return Frame(depth.rounded(frame.pixels), frame.mask, frame.duration, frame.place)


def _sharpened(pixels: Pixels, amount: float) -> Pixels:
    """Unsharp mask: adds ``amount`` times the difference to a blur of three by three pixels."""
    blur = np.outer([1, 2, 1], [1, 2, 1]) / 16
    weights = -amount * blur
    weights[1, 1] += 1 + amount
    return pixels_of(
        image_of(pixels).filter(ImageFilter.Kernel((3, 3), weights.ravel().tolist(), scale=1))
    )


def coloured(pixels: Pixels) -> Pixels:
    """Grey as three equal channels; colour as it is."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _flattened(frame: Frame, background: str) -> Frame:
    image = image_of(frame.pixels)
    ground = Image.new("RGB", image.size, background)
    ground.paste(image.convert("RGB"), mask=Image.fromarray(frame.mask))
    return replace(frame, pixels=pixels_of(ground), mask=NO_MASK)


def check_file(source: Source, options: Options, max_size: int | None) -> None:
    """Raise EngineError if ``options.format`` cannot store the result for this source."""
    width, height = fit_of(*source.size, options, max_size).size
    plays = source.plays if source.count > 1 else 0
    FORMATS[options.format].check(width * options.scale, height * options.scale, plays)
    FORMATS[options.format].check_frames(source.count)
    levels = options.channels if isinstance(options.channels, list) else [options.channels] * 3
    many = options.palette == "channels" and math.prod(levels) > INDEXED_COLOURS
    if options.format == "gif" and many and not (source.grey and len(set(levels)) == 1):
        raise too_many_colours()


def checked(width: int, height: int, frames: int, max_pixels: int | None) -> None:
    """Raise EngineError if there is a limit and one frame, or all frames together, exceed it."""
    if max_pixels is not None:
        check_size(width, height, max_pixels)
        check_frames(frames, width, height, max_pixels)
