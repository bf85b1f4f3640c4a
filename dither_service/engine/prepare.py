"""What is done to an image before it is dithered: size, background, saturation, grey."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from dither_service.engine.decode import Frame
from dither_service.engine.errors import EngineError
from dither_service.engine.options import Options
from dither_service.engine.result import check_size
from dither_service.engine.work import NO_MASK

MAX_SIDE = 20_000


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


def resized(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at another size, by Lanczos; transparent pixels lend no colour to others."""
    if frame.image.size == size:
        return frame
    if frame.alpha is None:
        return Frame(frame.image.resize(size, Image.Resampling.LANCZOS), None, frame.duration)
    whole = frame.image.convert("RGB")
    whole.putalpha(frame.alpha)
    whole = whole.resize(size, Image.Resampling.LANCZOS)
    image = whole.convert(frame.image.mode)
    return Frame(image, whole.getchannel("A"), frame.duration)


def prepared(
    frame: Frame, options: Options, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels ``uint8 (H, W, C)``, C 1 or 3, and alpha ``uint8 (H, W)``, or `NO_MASK` for none."""
    frame = resized(frame, size)
    image, alpha = frame.image, frame.alpha
    if alpha is not None and options.alpha == "flatten":
        ground = Image.new("RGB", image.size, options.background)
        ground.paste(image.convert("RGB"), mask=alpha)
        image, alpha = ground, None
    if options.saturation != 1 and image.mode == "RGB":
        image = ImageEnhance.Color(image).enhance(options.saturation)
    if options.palette == "gray":
        image = image.convert("L")
    elif options.palette != "channels":
        image = image.convert("RGB")
    pixels = np.asarray(image)
    mask = NO_MASK if alpha is None else np.asarray(alpha)
    return pixels.reshape(image.height, image.width, -1), mask


def checked(width: int, height: int, max_pixels: int | None) -> None:
    """Raise EngineError when there is a limit and this size is above it."""
    if max_pixels is not None:
        check_size(width, height, max_pixels)
