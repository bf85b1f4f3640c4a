"""The whole pipeline: dither an image, or a file's bytes to an output file's bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.adaptive import adaptive
from dither_engine.automatic import NO_SAMPLES, measures, samples_of, settle, settle_gamut
from dither_engine.compiled.packing import contiguous
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
from dither_engine.encode import encode, encode_pieces
from dither_engine.exclude import Excluded, Rectangles, scaled, undithered
from dither_engine.fit import Fit, fit_of
from dither_engine.gamut_compression import Compression
from dither_engine.light import code_of_light, in_steps, light_of_code
from dither_engine.memory import reusable
from dither_engine.methods import PIECE, in_pieces, in_place, renderer
from dither_engine.options import Options
from dither_engine.palettes import Inks, inks_of
from dither_engine.prepare import check_file, checked, coloured, enhanced, laid_out
from dither_engine.result import Dithered, Encoded
from dither_engine.targets import (
    ChannelLevels,
    channel_levels,
    combine,
    levels,
    levels_palette,
    media_relative,
)
from dither_engine.tone_curve import adjusted
from dither_engine.tones import Tones, grey_tones, tones_of
from dither_engine.work import Levels, Palette, Render, Work

Pixels = NDArray[np.uint8]
Light = NDArray[np.float64]
Target = Levels | Palette | Tones


def dither(image: Image.Image | Pixels, options: Options) -> Dithered:
    """Dither one image.

    image: an array of sRGB code values, ``uint8 (H, W)`` grey, ``(H, W, 3)`` RGB or ``(H, W, 4)``
        RGBA; or a Pillow image of any mode; all frames are dithered if it is animated.
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
        eight times as many.
    max_size: longest side in pixels to dither at; larger images are made smaller first.
    Raises EngineError, with a sentence for the user, if this is not possible.
    """
    source = open_bytes(data, max_pixels, max_frames)
    return dither_opened(source, options, max_pixels=max_pixels, max_size=max_size)


def dither_opened(
    source: Source, options: Options, *, max_pixels: int, max_size: int | None = None
) -> Encoded:
    """The same for the file's ``Source``, whose header was checked when it was opened."""
    check_file(source, options, max_size)
    if options.format != "png" or source.count > 1:
        result = dither_source(source, options, max_pixels, max_size)
        return encode(result, options)
    job = _job(source, options, max_pixels, max_size)
    (frame,) = job.frames
    alpha = frame.mask if frame.mask.size else None
    height = frame.pixels.shape[0]
    return encode_pieces(_pieces(frame, job, PIECE), height, alpha, options.scale)


def dither_source(
    source: Source,
    options: Options,
    max_pixels: int | None = None,
    max_size: int | None = None,
) -> Dithered:
    """Dither all frames with one palette; see `dither` and `dither_bytes`."""
    job = _job(source, options, max_pixels, max_size)
    done = [_dithered(frame, job) for frame in job.frames]
    if len(done) == 1:
        return replace(done[0], duration=0)
    return replace(done[0], frames=tuple(done), loop=source.plays)


@dataclass(frozen=True)
class _Job:
    """What is the same for all frames of a picture.

    light: of each code value, 0 to 1, after the tone curve. compression: of the gamut, if any.
    excluded: rectangles. chosen: see `Dithered`.
    """

    frames: Iterator[Frame]
    target: Target | ChannelLevels
    light: Light
    compression: Compression | None
    options: Options
    excluded: Rectangles
    chosen: Mapping[str, float]


def _job(source: Source, options: Options, max_pixels: int | None, max_size: int | None) -> _Job:
    options = options.canonical()  # equal digests must give equal pictures
    laid = _laid_out(source, options, max_pixels, max_size)
    samples = samples_of(laid(), source.count) if measures(options) else NO_SAMPLES
    settled = settle(options, samples)
    options = settled.options
    light = adjusted(options, settled.ends)

    def frames() -> Iterator[Frame]:
        return (enhanced(frame, options) for frame in laid())

    target = _target(source, options, light, frames)
    compression, chosen = None, settled.chosen
    if isinstance(target, Palette):
        compression, more = settle_gamut(settled, samples, target.colours)
        chosen = chosen | more
    excluded = options.exclude or []
    if excluded:
        full, size = (fit_of(*source.size, options, most).size for most in (None, max_size))
        excluded = scaled(excluded, full, size)
    return _Job(frames(), target, light, compression, options, excluded, chosen)


def _dithered(frame: Frame, job: _Job) -> Dithered:
    height = frame.pixels.shape[0]
    pieces = _pieces(frame, job, height if _is_ready(frame, job.target) else PIECE)
    first = next(pieces)
    if len(first.indices) == height:
        return first
    indices = reusable((height, *first.indices.shape[1:]), np.uint8)
    top = 0
    for piece in chain([first], pieces):
        indices[top : top + len(piece.indices)] = piece.indices
        top += len(piece.indices)
    return replace(first, indices=indices, alpha=frame.mask if frame.mask.size else None)


def _is_ready(frame: Frame, target: Target | ChannelLevels) -> bool:
    """Whether the pixels are dithered as they are. Copies and conversions are done piece by piece,
    so that the data stays in the CPU cache."""
    plain = isinstance(target, Levels) or (isinstance(target, Tones) and frame.pixels.shape[2] == 1)
    return frame.pixels.flags.c_contiguous and plain


def _pieces(frame: Frame, job: _Job, rows: int) -> Iterator[Dithered]:
    """The picture from the top down, in pieces of ``rows`` rows if the algorithm allows it."""
    target = job.target
    if isinstance(target, ChannelLevels):
        yield _by_channel(frame, target, job)
        return
    height = frame.pixels.shape[0]
    levels_or_palette = target.levels if isinstance(target, Tones) else target
    rows = rows if in_pieces(job.options.algorithm, levels_or_palette) else height
    strided = isinstance(target, Levels) and in_place(job.options.algorithm, target)
    excluded = Excluded(job.excluded, frame.sharp)
    render: Render | None = None
    nearest: Render | None = None
    palette = _palette(target, frame.pixels.shape[2])
    light = _light(target, frame.pixels.shape[2], job)
    for top in range(0, height, rows):
        mask = frame.mask[top : top + rows] if frame.mask.size else frame.mask
        pixels = frame.pixels[top : top + rows]
        piece = replace(frame, pixels=pixels if strided else contiguous(pixels), mask=mask)
        work = _work(piece, target, light, job, top)
        render = render or renderer(work)
        found = _positions(render(work), target)
        if excluded:
            nearest = nearest or undithered(work)
            excluded.leave(found, work, partial(_nearest, nearest, target))
        alpha = mask if mask.size else None
        yield Dithered(found, palette, alpha, duration=frame.duration, chosen=job.chosen)


def _nearest(render: Render, target: Target, work: Work) -> Pixels:
    return _positions(render(work), target)


def _plane(render: Render, work: Work) -> Pixels:
    return render(work).reshape(work.pixels.shape[:2])


def _light(target: Target, depth: int, job: _Job) -> NDArray[np.int16]:
    """``light`` of `Work`."""
    if isinstance(target, Tones):
        return target.of_grey(job.light) if depth == 1 else target.lights
    return in_steps(job.light)


def _work(frame: Frame, target: Target, light: NDArray[np.int16], job: _Job, top: int) -> Work:
    options, pixels = job.options, frame.pixels
    if isinstance(target, Tones):
        places = pixels if pixels.shape[2] == 1 else target.of_colour(pixels, job.light)
        return Work(places, frame.mask, light, target.levels, options, top=top)
    if isinstance(target, Palette):
        pixels = coloured(pixels)
    if job.compression is not None:
        pixels = job.compression.compressed(pixels, code_of_light(options.light)[light])
        light = light_of_code(options.light)
    return Work(pixels, frame.mask, light, target, options, top=top)


def _positions(found: Pixels, target: Target) -> Pixels:
    """A method's result as positions in the palette."""
    if isinstance(target, Tones):
        return target.positions(found)
    if isinstance(target, Levels) and found.ndim == 3 and target.combines(found.shape[2]):
        return combine(found, target.count)
    return found


def _palette(target: Target, depth: int) -> Pixels:
    """The colours that the file has."""
    if isinstance(target, Tones):
        return target.colours if target.shown is None else target.shown
    return target.shown if isinstance(target, Palette) else levels_palette(target, depth)


def _by_channel(frame: Frame, target: ChannelLevels, job: _Job) -> Dithered:
    """Dither each channel of the whole picture with its own levels."""
    pixels = coloured(frame.pixels)
    excluded = Excluded(job.excluded, frame.sharp)
    found = []
    for channel, levels_of_one in enumerate(target.channels):
        plane = np.ascontiguousarray(pixels[..., channel : channel + 1])
        light = in_steps(job.light)
        work = Work(plane, frame.mask, light, levels_of_one, job.options, channel=channel)
        plane_found = renderer(work)(work).reshape(plane.shape[:2])
        if excluded:
            excluded.leave(plane_found, work, partial(_plane, undithered(work)))
        found.append(plane_found)
    alpha = frame.mask if frame.mask.size else None
    indices = target.combined(found)
    return Dithered(indices, target.palette(), alpha, duration=frame.duration, chosen=job.chosen)


def _laid_out(
    source: Source, options: Options, max_pixels: int | None, max_size: int | None
) -> Callable[[], Iterator[Frame]]:
    """A function that gives the frames, fitted, all of one size and number of channels."""

    def frames() -> Iterator[Frame]:
        fit: Fit | None = None
        for decoded in source.frames():
            if fit is None:
                height, width = decoded.pixels.shape[:2]
                fit = fit_of(width, height, options, max_size)
                across, down = (side * options.scale for side in fit.size)
                checked(across, down, source.count, max_pixels)
            frame = laid_out(decoded, options, fit)
            if source.count > 1 and options.palette == "channels":
                frame = replace(frame, pixels=coloured(frame.pixels))
            yield frame

    if source.count > 1:
        return frames
    kept: list[Frame] = []

    def still() -> Iterator[Frame]:
        if not kept:
            kept.extend(frames())
        return iter(kept)

    return still


def _target(
    source: Source, options: Options, light: Light, frames: Callable[[], Iterable[Frame]]
) -> Target | ChannelLevels:
    if options.palette == "gray":
        return grey_tones(options.most_levels, options.light)
    if options.palette == "channels" and isinstance(options.channels, list):
        return channel_levels(options.channels, options.light)
    if options.palette == "channels":
        return levels(options.most_levels, options.light)
    inks = _inks(source, options, light, frames)
    mixed = media_relative(inks.colours) if inks.measured else inks.colours
    shown = inks.shown(options.colours)
    tones = tones_of(mixed, options.light)
    if tones is not None:
        return replace(tones, shown=shown)
    lights = light_of_code(options.light)[mixed]
    return Palette(mixed, shown, lights, prepare(mixed, options.distance, options.light))


def _inks(
    source: Source, options: Options, light: Light, frames: Callable[[], Iterable[Frame]]
) -> Inks:
    palette = options.palette
    if isinstance(palette, list) or not palette.startswith("adaptive:"):
        return inks_of(palette, measured=options.measured)
    count = int(palette.removeprefix("adaptive:"))
    seen = code_of_light(options.light)[in_steps(light)]
    colours = adaptive(frames(), seen, count, source.count)
    return Inks(colours, None, measured=False, codes=tuple(range(len(colours))))
