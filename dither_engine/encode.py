"""A dithered image as a file: PNG, GIF or lossless WebP, still or animated.

A frame that is shown for longer than the format can say is written several times.

Fully transparent pixels of an otherwise opaque indexed image become one more colour, after those
of the palette. Where that does not fit, or alpha has values in between, PNG and WebP are written
as RGBA; GIF knows only transparent (alpha below 128) and opaque.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.errors import EngineError
from dither_engine.formats import FORMATS, too_many_colours
from dither_engine.gif import gif
from dither_engine.png import colour_png, indexed_png
from dither_engine.result import Dithered, Encoded

_LAST_MOMENT = (1 << 31) - 1  # milliseconds that an animation of WebP's can last
Pixels = NDArray[np.uint8]


def encode(result: Dithered, form: str, scale: int = 1) -> Encoded:
    """Write ``result`` in a format of FORMATS, every pixel ``scale`` × ``scale`` large.

    Raises EngineError when the format cannot hold the size, the colours or the times.
    """
    entry = FORMATS[form]
    width, height = result.width * scale, result.height * scale
    entry.check(width, height, result.loop if result.frames else 0)
    frames = _in_parts(result.frames or (result,), entry.longest_delay)
    frames = tuple(_enlarged(frame, scale) for frame in frames)
    data = {"png": _png, "gif": _gif, "webp": _webp}[form](frames, result.loop)
    count = _count(data) if form == "webp" else len(frames)
    return Encoded(data, entry.content_type, form, width, height, _colours(result), count)


def _in_parts(frames: Sequence[Dithered], longest: int) -> Sequence[Dithered]:
    """Each frame as often as it takes when it is shown for at most ``longest`` milliseconds."""
    parts: list[Dithered] = []
    for frame in frames:
        whole, rest = divmod(frame.duration, longest)
        parts += [replace(frame, duration=longest)] * whole
        if rest or not whole:
            parts.append(replace(frame, duration=rest))
    return parts


def _count(webp: bytes) -> int:
    """Its encoder merges equal frames."""
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


def _png(frames: Sequence[Dithered], plays: int) -> bytes:
    durations = [frame.duration for frame in frames]
    found = _indexed(frames, only_binary=True)
    if found is None:
        return colour_png([_colours_of(frame) for frame in frames], durations, plays)
    pictures, palette, transparent = found
    return indexed_png(pictures, palette, transparent, durations, plays)


def _colours_of(frame: Dithered) -> Pixels:
    return frame.rgb() if frame.alpha is None else np.dstack([frame.rgb(), frame.alpha])


def _indexed(
    frames: Sequence[Dithered], *, only_binary: bool
) -> tuple[list[Pixels], Pixels, int | None] | None:
    """Frames as positions in one palette, and the transparent position; None if that cannot be."""
    if not frames[0].indexed:
        return None
    palette = frames[0].palette
    alphas = [frame.alpha for frame in frames if frame.alpha is not None]
    if not alphas:
        return [frame.indices for frame in frames], palette, None
    if len(palette) == 256 or (only_binary and not all(_binary(alpha) for alpha in alphas)):
        return None
    transparent = len(palette)
    pictures = [
        frame.indices
        if frame.alpha is None
        else np.where(frame.alpha < 128, np.uint8(transparent), frame.indices)
        for frame in frames
    ]
    return pictures, np.concatenate([palette, np.zeros((1, 3), np.uint8)]), transparent


def _binary(alpha: Pixels) -> bool:
    return bool(np.all((alpha == 0) | (alpha == 255)))


def _gif(frames: Sequence[Dithered], plays: int) -> bytes:
    found = _indexed(frames, only_binary=False)
    if found is None:
        raise too_many_colours()
    delays = [frame.duration for frame in frames]
    return gif(*found, delays, plays)


def _webp(frames: Sequence[Dithered], plays: int) -> bytes:
    images = [Image.fromarray(_colours_of(frame)) for frame in frames]
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
