"""A dithered image as a file: PNG, GIF or lossless WebP, still or animated; others see `still`.

A frame whose delay is longer than the format can store is written several times.

Fully transparent pixels of an otherwise opaque indexed image become one more colour, after those
of the palette. If that does not fit, or alpha has intermediate values, PNG and WebP are written
as RGBA; GIF supports only transparent (alpha below 128) and opaque.
"""

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.errors import EngineError
from dither_engine.formats import FORMATS, too_many_colours
from dither_engine.gif import gif
from dither_engine.options import Options
from dither_engine.png import colour_png, indexed_png
from dither_engine.result import Dithered, Encoded
from dither_engine.still import still

_PART = 128  # rows that are packed together
_LAST_MOMENT = (1 << 31) - 1  # the longest WebP animation, milliseconds
Pixels = NDArray[np.uint8]


def encode(result: Dithered, options: Options) -> Encoded:
    """Write ``result`` in ``options.format``, every pixel ``scale`` × ``scale`` large.

    Of the options only those about the file count. Raises EngineError when the format cannot hold
    the size, the colours, the transparency, the frames or the times.
    """
    form, scale = options.format, options.scale
    entry = FORMATS[form]
    width, height = result.width * scale, result.height * scale
    entry.check(width, height, result.loop if result.frames else 0)
    entry.check_frames(len(result.frames))
    about = (entry.content_type, entry.suffix, width, height, _colours(result))
    if not entry.longest_delay:
        return Encoded(still(_enlarged(result, scale), options), *about, chosen=result.chosen)
    frames = _in_parts(result.frames or (result,), entry.longest_delay)
    frames = tuple(_enlarged(frame, scale) for frame in frames)
    data = {"png": _png, "gif": _gif, "webp": _webp}[form](frames, result.loop)
    count = _count(data) if form == "webp" else len(frames)
    return Encoded(data, *about, count, result.chosen)


def _in_parts(frames: Sequence[Dithered], longest: int) -> Sequence[Dithered]:
    """Split each frame into equal frames that are shown for at most ``longest`` milliseconds."""
    parts: list[Dithered] = []
    for frame in frames:
        whole, rest = divmod(frame.duration, longest)
        parts += [replace(frame, duration=longest)] * whole
        if rest or not whole:
            parts.append(replace(frame, duration=rest))
    return parts


def _count(webp: bytes) -> int:
    """The number of frames in the file: WebP's encoder merges equal frames."""
    with Image.open(io.BytesIO(webp), formats=["WEBP"]) as image:
        return int(getattr(image, "n_frames", 1))


def _colours(result: Dithered) -> int:
    if result.indexed:
        return len(result.palette)
    return math.prod(len(np.unique(levels)) for levels in result.palette.T)


def _enlarged(frame: Dithered, scale: int) -> Dithered:
    if scale == 1:
        return frame
    alpha = None if frame.alpha is None else _repeated(frame.alpha, scale)
    indices = _repeated(frame.indices, scale)
    return Dithered(indices, frame.palette, alpha, duration=frame.duration)


def _repeated(pixels: Pixels, scale: int) -> Pixels:
    return np.repeat(np.repeat(pixels, scale, axis=0), scale, axis=1)


def encode_pieces(
    pieces: Iterator[Dithered], height: int, alpha: Pixels | None, scale: int = 1
) -> Encoded:
    """A still picture as PNG, dithered and written piece by piece.

    pieces: from the top down. height, alpha: of the whole picture, before it is enlarged.
    """
    first = next(pieces)
    known = replace(first, alpha=alpha)
    size = (first.width * scale, height * scale)
    parts = chain.from_iterable(map(_parts, chain([first], pieces)))
    enlarged = (_enlarged(part, scale) for part in parts)
    data = _png_of(size, [known], [enlarged], 1)
    colours = _colours(first)
    return Encoded(data, FORMATS["png"].content_type, "png", *size, colours, chosen=first.chosen)


def _parts(piece: Dithered) -> Iterator[Dithered]:
    """A picture that was dithered as a whole, in parts: each is enlarged and packed by itself."""
    for top in range(0, piece.height, _PART):
        rows = slice(top, top + _PART)
        alpha = None if piece.alpha is None else piece.alpha[rows]
        yield replace(piece, indices=piece.indices[rows], alpha=alpha)


def _png(frames: Sequence[Dithered], plays: int) -> bytes:
    size = (frames[0].width, frames[0].height)
    return _png_of(size, frames, [[frame] for frame in frames], plays)


def _png_of(
    size: tuple[int, int],
    frames: Sequence[Dithered],
    pictures: Sequence[Iterable[Dithered]],
    plays: int,
) -> bytes:
    """frames: with their palette, alpha and duration. pictures: each frame in pieces."""
    durations = [frame.duration for frame in frames]
    found = _palette(frames, only_binary=True)
    if found is None:
        depth = 3 if all(frame.alpha is None for frame in frames) else 4
        colours = [(_colours_of(piece, depth) for piece in picture) for picture in pictures]
        return colour_png(size, colours, depth, durations=durations, plays=plays)
    palette, transparent = found
    positions = [(_positions(piece, transparent) for piece in picture) for picture in pictures]
    return indexed_png(size, positions, palette, transparent, durations=durations, plays=plays)


def _colours_of(frame: Dithered, depth: int) -> Pixels:
    if depth == 3:
        return frame.rgb()
    opaque = np.full(frame.indices.shape[:2], 255, np.uint8)
    return np.dstack([frame.rgb(), opaque if frame.alpha is None else frame.alpha])


def _palette(frames: Sequence[Dithered], *, only_binary: bool) -> tuple[Pixels, int | None] | None:
    """One palette for all frames, and its transparent position; None if that is impossible."""
    if not frames[0].indexed:
        return None
    palette = frames[0].palette
    alphas = [frame.alpha for frame in frames if frame.alpha is not None]
    if not alphas:
        return palette, None
    if len(palette) == 256 or (only_binary and not all(_binary(alpha) for alpha in alphas)):
        return None
    return np.concatenate([palette, np.zeros((1, 3), np.uint8)]), len(palette)


def _positions(frame: Dithered, transparent: int | None) -> Pixels:
    if frame.alpha is None or transparent is None:
        return frame.indices
    return np.where(frame.alpha < 128, np.uint8(transparent), frame.indices)


def _binary(alpha: Pixels) -> bool:
    return bool(np.all((alpha == 0) | (alpha == 255)))


def _gif(frames: Sequence[Dithered], plays: int) -> bytes:
    found = _palette(frames, only_binary=False)
    if found is None:
        raise too_many_colours()
    palette, transparent = found
    pictures = [_positions(frame, transparent) for frame in frames]
    return gif(pictures, palette, transparent, [frame.duration for frame in frames], plays)


def _webp(frames: Sequence[Dithered], plays: int) -> bytes:
    depths = [3 if frame.alpha is None else 4 for frame in frames]
    images = [Image.fromarray(_colours_of(*both)) for both in zip(frames, depths, strict=True)]
    keywords: dict[str, object] = {"lossless": True, "exact": True, "method": 1, "quality": 30}
    if len(images) > 1:
        delays = [frame.duration for frame in frames]
        if sum(delays) > _LAST_MOMENT:
            raise EngineError("An animation in the format webp lasts at most 24 days.")
        keywords |= {"save_all": True, "append_images": images[1:]}
        keywords |= {"duration": delays, "loop": plays}
    file = io.BytesIO()
    images[0].save(file, "WEBP", **keywords)
    return file.getvalue()
