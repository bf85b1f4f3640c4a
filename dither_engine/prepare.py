"""What is done to an image before it is dithered: size, background, saturation."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from dither_engine.decode import Frame, pixels_of
from dither_engine.errors import EngineError
from dither_engine.options import Options
from dither_engine.resize import resized
from dither_engine.result import check_frames, check_size
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


def prepared(frame: Frame, options: Options, size: tuple[int, int]) -> Frame:
    """The frame as it is to be dithered: size, background, saturation."""
    if (frame.pixels.shape[1], frame.pixels.shape[0]) != size:
        frame = resized(frame, *size, options.light)
    if frame.mask.size and options.alpha == "flatten":
        frame = _flattened(frame, options.background)
    pixels = frame.pixels
    if options.saturation != 1 and pixels.shape[2] == 3:
        pixels = pixels_of(ImageEnhance.Color(_image(pixels)).enhance(options.saturation))
    return replace(frame, pixels=pixels)


def coloured(pixels: Pixels) -> Pixels:
    """Grey as three equal channels; colour as it is."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels


def _image(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _flattened(frame: Frame, background: str) -> Frame:
    image = _image(frame.pixels)
    ground = Image.new("RGB", image.size, background)
    ground.paste(image.convert("RGB"), mask=Image.fromarray(frame.mask))
    return replace(frame, pixels=pixels_of(ground), mask=NO_MASK)


def checked(width: int, height: int, frames: int, max_pixels: int | None) -> None:
    """Raise EngineError when there is a limit and a frame, or all together, are above it."""
    if max_pixels is not None:
        check_size(width, height, max_pixels)
        check_frames(frames, width, height, max_pixels)
