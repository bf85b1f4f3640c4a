"""Preparation of an image before dithering: size, transparency, saturation."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from dither_engine import depth
from dither_engine.colour_management import image_of, pixels_of
from dither_engine.decode import DeepFrame, Frame, Source
from dither_engine.errors import EngineError
from dither_engine.formats import FORMATS, too_many_colours
from dither_engine.options import Options
from dither_engine.resize import nearest, resized, resized_deep
from dither_engine.result import INDEXED_COLOURS, check_frames, check_size
from dither_engine.transparency import opaque_or_not
from dither_engine.work import NO_MASK

MAX_SIDE = 20_000
Pixels = NDArray[np.uint8]


def size_of(width: int, height: int, options: Options, max_size: int | None) -> tuple[int, int]:
    """The size to dither at: what the options ask for, then no side above ``max_size``.

    A width or height alone keeps the proportions. Raises EngineError for sides above 20000.
    """
    if options.width and options.height:
        width, height = options.width, options.height
    elif options.width:
        width, height = options.width, max(1, round(height * options.width / width))
    elif options.height:
        width, height = max(1, round(width * options.height / height)), options.height
    if max_size is not None and max(width, height) > max_size:
        part = max_size / max(width, height)
        width, height = max(1, math.floor(width * part)), max(1, math.floor(height * part))
    if max(width, height) > MAX_SIDE and (options.width or options.height):
        raise EngineError(f"{width}×{height} pixels: at most {MAX_SIDE} a side are allowed.")
    return width, height


def prepared(frame: Frame | DeepFrame, options: Options, size: tuple[int, int]) -> Frame:
    """The frame prepared for dithering: size, 8 bits, transparency, saturation."""
    whole = _of_8_bits(frame, options, size)
    if whole.mask.size and options.alpha == "flatten":
        whole = _flattened(whole, options.background)
    elif whole.mask.size and options.alpha != "keep":
        whole = replace(whole, mask=opaque_or_not(whole.mask, options))
    pixels = whole.pixels
    if options.saturation != 1 and pixels.shape[2] == 3:
        pixels = pixels_of(ImageEnhance.Color(image_of(pixels)).enhance(options.saturation))
    return replace(whole, pixels=pixels)


def _of_8_bits(frame: Frame | DeepFrame, options: Options, size: tuple[int, int]) -> Frame:
    """Resized, then reduced to 8 bits, so that a deeper picture has no banding at any size."""
    frame = at_size(frame, options, size)
    if isinstance(frame, Frame):
        return frame
    return Frame(depth.rounded(frame.pixels), frame.mask, frame.duration)


def at_size(frame: Frame | DeepFrame, options: Options, size: tuple[int, int]) -> Frame | DeepFrame:
    """The frame resized to (width, height); the frame itself if it has that size."""
    if (frame.pixels.shape[1], frame.pixels.shape[0]) == size:
        return frame
    by_nearest = options.resample == "nearest"
    if isinstance(frame, Frame):
        return nearest(frame, *size) if by_nearest else resized(frame, *size, options.light)
    return nearest(frame, *size) if by_nearest else resized_deep(frame, *size, options.light)


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
    width, height = size_of(*source.size, options, max_size)
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
