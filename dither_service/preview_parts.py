"""A part of a dithered picture, at its own size or reduced for the screen."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine import Dithered, EngineError
from dither_engine.compiled.resample import resample
from dither_engine.light import code_of_light, light_of_code
from dither_engine.png import colour_png, indexed_png
from dither_engine.work import NO_MASK
from dither_service.part import Part

_DRAFT_QUALITY = 30
Pixels = NDArray[np.uint8]

_CODES = code_of_light("linear")
_GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def part_draft(result: Dithered, scale: int, part: Part) -> bytes:
    """The part of the first frame as a small WebP. Raises EngineError as `part_png` does."""
    _check(part, result.width * scale, result.height * scale)
    pixels = _shrunk(result, scale, part)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=_DRAFT_QUALITY, method=0)
    return file.getvalue()


def part_png(result: Dithered, scale: int, part: Part) -> bytes:
    """The part as PNG; of an animation as an animated PNG.

    scale: enlargement of the saved picture, in which ``part`` is measured. Where the part is shown
    smaller, each pixel is the mean light of the area it covers: what the eye sees from a distance.
    Raises EngineError for a part that is not within the picture.
    """
    frames = result.frames or (result,)
    _check(part, result.width * scale, result.height * scale)
    durations = [frame.duration for frame in frames]
    size = (part.shown_width, part.shown_height)
    if size == (part.width, part.height):
        cut = [_cut(frame, scale, part) for frame in frames]
        palette = result.palette if result.indexed else None
        if palette is not None and all(frame.alpha is None for frame in cut):
            pictures = [frame.indices for frame in cut]
        else:
            pictures, palette = [_coloured(frame) for frame in cut], None
    else:
        pictures = [_shrunk(frame, scale, part) for frame in frames]
        palette = _GREYS if pictures[0].shape[2] == 1 else None
    return _png(size, pictures, palette, durations, result.loop)


def _png(
    size: tuple[int, int],
    pictures: list[Pixels],
    palette: Pixels | None,
    durations: list[int],
    plays: int,
) -> bytes:
    """palette: the palette that the pictures' values are positions in; None for true colours."""
    if palette is None:
        depth = pictures[0].shape[2]
        pieces = [[picture] for picture in pictures]
        return colour_png(size, pieces, depth, durations=durations, plays=plays)
    places = [[picture.reshape(picture.shape[:2])] for picture in pictures]
    return indexed_png(size, places, palette, None, durations=durations, plays=plays)


def _check(part: Part, width: int, height: int) -> None:
    if part.x + part.width > width or part.y + part.height > height:
        raise EngineError(f"part: it must lie within the picture, which has {width}×{height}.")
    if part.shown_width > part.width or part.shown_height > part.height:
        raise EngineError("part: shown_width and shown_height are at most its width and height.")


def _covering(frame: Dithered, scale: int, part: Part) -> Dithered:
    """The pixels before enlargement that the part touches."""
    rows = slice(part.y // scale, -(-(part.y + part.height) // scale))
    columns = slice(part.x // scale, -(-(part.x + part.width) // scale))
    alpha = None if frame.alpha is None else frame.alpha[rows, columns]
    return replace(frame, indices=frame.indices[rows, columns], alpha=alpha, frames=())


def _cut(frame: Dithered, scale: int, part: Part) -> Dithered:
    """The part at its own size."""
    covering = _covering(frame, scale, part)
    rows = np.arange(part.y, part.y + part.height) // scale - part.y // scale
    columns = np.arange(part.x, part.x + part.width) // scale - part.x // scale
    places = np.ix_(rows, columns)
    alpha = None if covering.alpha is None else covering.alpha[places]
    return replace(covering, indices=covering.indices[places], alpha=alpha)


def _coloured(frame: Dithered) -> Pixels:
    return frame.rgb() if frame.alpha is None else np.dstack([frame.rgb(), frame.alpha])


def _shrunk(frame: Dithered, scale: int, part: Part) -> Pixels:
    """The part reduced: ``uint8 (H, W, 1)`` grey, ``(H, W, 3)``, or with alpha ``(.., 4)``."""
    covering = _covering(frame, scale, part)
    top, left = (part.y % scale) / scale, (part.x % scale) / scale
    rows = areas(top, part.height / scale, part.shown_height, covering.height)
    columns = areas(left, part.width / scale, part.shown_width, covering.width)
    positions = np.ascontiguousarray(covering.indices)
    positions = positions.reshape(covering.height, covering.width, -1)
    mask = NO_MASK if covering.alpha is None else np.ascontiguousarray(covering.alpha)
    out_mask = np.empty((part.shown_height, part.shown_width) if mask.size else (0, 0), np.uint8)

    def mean(light: NDArray[np.int16]) -> Pixels:
        out = np.empty((part.shown_height, part.shown_width, positions.shape[2]), np.uint8)
        # Each channel writes the same alpha.
        resample(positions, mask, light, _CODES, *rows, *columns, out, out_mask)
        return out

    lights = _lights(frame.palette)
    grey = np.all(frame.palette == frame.palette[:, :1])
    if grey or not frame.indexed:  # each channel of a position has the same light
        shown = mean(lights[0])
    else:
        with ThreadPoolExecutor(len(lights)) as threads:
            shown = np.dstack(list(threads.map(mean, lights)))
    if not mask.size:
        return shown
    return np.dstack([np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown, out_mask])


def _lights(palette: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Light of the palette's red, green and blue, by position: ``int16 (3, 256)``.

    Positions are averaged directly through this table: converting all pixels to colours first
    would take longer.
    """
    lights = np.zeros((3, 256), np.int16)
    lights[:, : len(palette)] = light_of_code("linear")[palette].T
    return lights


def areas(
    start: float, length: float, count: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """``count`` equal windows on ``size`` pixels; they begin at ``start`` and cover ``length``.

    For each window: the first pixel it covers, and the share of each pixel from there on, in
    65536ths. All windows have the same number of shares; see `dither_engine.resize.windows`.
    """
    edges = np.minimum(start + length * np.arange(count + 1) / count, size)
    begins, ends = edges[:-1, None], edges[1:, None]
    first = np.minimum(np.floor(begins[:, 0]).astype(np.int64), size - 1)
    taps = int((np.ceil(ends[:, 0]).astype(np.int64) - first).max())
    first = np.minimum(first, size - taps)
    pixels = first[:, None] + np.arange(taps)
    covered = np.clip(np.minimum(pixels + 1, ends) - np.maximum(pixels, begins), 0, None)
    passed = np.cumsum(covered, axis=1)
    whole = np.floor(passed / passed[:, -1:] * 65536 + 0.5).astype(np.int32)
    return first, np.diff(whole, axis=1, prepend=np.int32(0)).astype(np.int32)
