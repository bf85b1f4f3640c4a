"""From an image to its dithered form, and from a file's bytes to a file's bytes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.adaptive import adaptive, sample
from dither_engine.compiled.search import prepare
from dither_engine.decode import (
    MAX_FRAMES,
    MAX_PIXELS,
    Frame,
    Source,
    open_array,
    open_bytes,
    open_image,
)
from dither_engine.encode import encode
from dither_engine.light import adjusted, code_of_light, in_steps, light_of_code
from dither_engine.methods import render
from dither_engine.options import Options
from dither_engine.palettes import NAMED, from_hex, named
from dither_engine.prepare import checked, coloured, prepared, size_of
from dither_engine.result import Dithered, Encoded
from dither_engine.targets import combine, levels, levels_palette, media_relative
from dither_engine.tones import Tones, grey_tones, tones_of
from dither_engine.work import Levels, Palette, Work

Pixels = NDArray[np.uint8]
Light = NDArray[np.float64]
Target = Levels | Palette | Tones


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

    max_pixels: of one frame, before and after resizing and enlarging; all frames together may have
        eight times as many. max_size: longest side in
    pixels to dither at; larger images are made smaller first. Raises EngineError, with a sentence
    for the person who asked, for whatever cannot be done.
    """
    source = open_bytes(data, max_pixels, max_frames)
    result = dither_source(source, options, max_pixels, max_size)
    return encode(result, options.format, options.scale)


def dither_source(
    source: Source,
    options: Options,
    max_pixels: int | None = None,
    max_size: int | None = None,
) -> Dithered:
    """Dither all frames with one palette; see `dither` and `dither_bytes`."""
    options = options.canonical()  # what has one digest is one picture
    light = adjusted(options)
    target = _target(source, options, max_pixels, max_size)
    done = [
        _dithered(frame, target, light, options)
        for frame in _prepared(source, options, max_pixels, max_size)
    ]
    if len(done) == 1:
        return replace(done[0], duration=0)
    return replace(done[0], frames=tuple(done), loop=source.plays)


def _dithered(frame: Frame, target: Target, light: Light, options: Options) -> Dithered:
    alpha = frame.mask if frame.mask.size else None
    if isinstance(target, Tones):
        found = target.positions(render(_in_tones(frame, target, light, options)))
        return Dithered(found, target.colours, alpha, duration=frame.duration)
    pixels = coloured(frame.pixels) if isinstance(target, Palette) else frame.pixels
    found = render(Work(pixels, frame.mask, in_steps(light), target, options))
    if isinstance(target, Palette):
        return Dithered(found, target.shown, alpha, duration=frame.duration)
    depth = frame.pixels.shape[2]
    if found.ndim == 3 and target.combines(depth):
        found = combine(found, target.count)
    return Dithered(found, levels_palette(target, depth), alpha, duration=frame.duration)


def _in_tones(frame: Frame, target: Tones, light: Light, options: Options) -> Work:
    if frame.pixels.shape[2] == 1:
        return Work(frame.pixels, frame.mask, target.of_grey(light), target.levels, options)
    pixels = target.of_colour(frame.pixels, light)
    return Work(pixels, frame.mask, target.lights, target.levels, options)


def _prepared(
    source: Source, options: Options, max_pixels: int | None, max_size: int | None
) -> Iterator[Frame]:
    """The frames as they are to be dithered, all of one size and depth."""
    size: tuple[int, int] | None = None
    for decoded in source.frames():
        if size is None:
            height, width = decoded.pixels.shape[:2]
            size = size_of(width, height, options, max_size)
            scale = options.scale
            checked(size[0] * scale, size[1] * scale, source.count, max_pixels)
        frame = prepared(decoded, options, size)
        if source.count > 1 and options.palette == "channels":
            frame = replace(frame, pixels=coloured(frame.pixels))
        yield frame


def _target(
    source: Source, options: Options, max_pixels: int | None, max_size: int | None
) -> Target:
    if options.palette == "channels":
        return levels(options.channels, options.light)
    if options.palette == "gray":
        return grey_tones(options.channels, options.light)
    measured = False
    if isinstance(options.palette, list):
        colours = from_hex(tuple(options.palette))
    elif options.palette in NAMED:
        colours, measured = named(options.palette), NAMED[options.palette].measured
    else:
        count = int(options.palette.removeprefix("adaptive:"))
        frames = _prepared(source, options, max_pixels, max_size)
        seen = code_of_light(options.light)[in_steps(adjusted(options))]
        samples = (seen[sample(coloured(f.pixels), f.mask, source.count)] for f in frames)
        colours = adaptive(samples, count)
    tones = tones_of(colours, options.light)
    if tones is not None:
        return tones
    mixed = media_relative(colours) if measured else colours
    lights = light_of_code(options.light)[mixed]
    return Palette(mixed, colours, lights, prepare(mixed, options.distance, options.light))
