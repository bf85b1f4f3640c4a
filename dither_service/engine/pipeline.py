"""From an image to its dithered form, and from a file's bytes to a file's bytes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_service.engine.adaptive import adaptive, sample
from dither_service.engine.compiled.nearest import prepare
from dither_service.engine.decode import (
    MAX_FRAMES,
    MAX_PIXELS,
    Frame,
    Source,
    open_array,
    open_bytes,
    open_image,
)
from dither_service.engine.encode import encode
from dither_service.engine.light import adjusted_light, light_of_code
from dither_service.engine.methods import render
from dither_service.engine.options import Options
from dither_service.engine.palettes import NAMED, from_hex, named
from dither_service.engine.prepare import checked, coloured, prepared, size_of
from dither_service.engine.result import Dithered, Encoded
from dither_service.engine.targets import combine, levels, levels_palette
from dither_service.engine.work import Levels, Palette, Work

Pixels = NDArray[np.uint8]


def dither(image: Image.Image | Pixels, options: Options) -> Dithered:
    """Dither one image.

    image: an array of sRGB code values, ``uint8 (H, W)`` grey, ``(H, W, 3)`` RGB or ``(H, W, 4)``
        RGBA; or an image of Pillow's of any mode, whose frames are all dithered if it is animated.
    Raises EngineError for other arrays, empty images and damaged files. The array is not changed.
    """
    source = open_array(image) if isinstance(image, np.ndarray) else open_image(image)
    return dither_source(source, options)


def dither_bytes(
    data: bytes,
    options: Options,
    *,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
    max_size: int | None = None,
) -> Encoded:
    """A file's bytes → the dithered file's bytes, in ``options.format``.

    max_pixels: of one frame, before and after resizing and enlarging. max_size: longest side in
    pixels to dither at; larger images are made smaller first. Raises EngineError, with a sentence
    for the person who asked, for whatever cannot be done.
    """
    source = open_bytes(data, max_pixels, max_frames)
    result = dither_source(source, options, max_pixels, max_size)
    checked(result.width * options.scale, result.height * options.scale, max_pixels)
    return encode(result, options.format, options.scale)


def dither_source(
    source: Source,
    options: Options,
    max_pixels: int | None = None,
    max_size: int | None = None,
) -> Dithered:
    """Dither all frames with one palette; see `dither` and `dither_bytes`."""
    options = options.canonical()  # what has one digest is one picture
    light = adjusted_light(options)
    target = _target(source, options, max_pixels, max_size)
    done = [
        _dithered(Work(frame.pixels, frame.mask, light, target, options), frame.duration)
        for frame in _prepared(source, options, max_pixels, max_size)
    ]
    if len(done) == 1:
        return replace(done[0], duration=0)
    return replace(done[0], frames=tuple(done), loop=source.plays)


def _dithered(work: Work, duration: int) -> Dithered:
    found = render(work)
    alpha = work.mask if work.mask.size else None
    if isinstance(work.target, Palette):
        return Dithered(found, work.target.colours, alpha, duration=duration)
    depth = work.pixels.shape[2]
    if found.ndim == 3 and work.target.combines(depth):
        found = combine(found, work.target.count)
    return Dithered(found, levels_palette(work.target, depth), alpha, duration=duration)


def _prepared(
    source: Source, options: Options, max_pixels: int | None, max_size: int | None
) -> Iterator[Frame]:
    """The frames as they are to be dithered, all of one size and depth."""
    size: tuple[int, int] | None = None
    for decoded in source.frames():
        if size is None:
            height, width = decoded.pixels.shape[:2]
            size = size_of(width, height, options, max_size)
            checked(*size, max_pixels)
        frame = prepared(decoded, options, size)
        if source.count > 1 and options.palette == "channels":
            frame = replace(frame, pixels=coloured(frame.pixels))
        yield frame


def _target(
    source: Source, options: Options, max_pixels: int | None, max_size: int | None
) -> Levels | Palette:
    if options.palette in ("channels", "gray"):
        return levels(options.channels, options.light)
    if isinstance(options.palette, list):
        colours = from_hex(tuple(options.palette))
    elif options.palette in NAMED:
        colours = named(options.palette)
    else:
        count = int(options.palette.removeprefix("adaptive:"))
        frames = _prepared(source, options, max_pixels, max_size)
        colours = adaptive((sample(f.pixels, f.mask, source.count) for f in frames), count)
    lights = light_of_code(options.light)[colours]
    return Palette(colours, lights, prepare(colours, options.distance, options.light))
