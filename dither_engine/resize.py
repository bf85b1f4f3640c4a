"""Resizing with Lanczos' windowed sinc over six pixels of the smaller scale.

With ``light=linear`` the sums are of light, not of code values, so fine black and white lines keep
their mean light. The colour of transparent pixels has no influence on others. A window that crosses
the edge is cut there, and its weights are divided by their sum. Where only a region is to be shown,
its windows still see the pixels around it. All arithmetic is integer: light is
0 to 8192, weights are 65536ths, rounded so that each window's sum is one. Pictures with more than 8
bits, which are rare, use the same windows in floating point.

Source: C. E. Duchon, "Lanczos filtering in one and two dimensions", J. Applied Meteorology 18(8),
1979; the windows are placed as in Pillow.
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.packing import contiguous
from dither_engine.compiled.resample import resample
from dither_engine.decode import DeepFrame, Frame
from dither_engine.light import code_of_light, light_of_code, linear_to_srgb, srgb_to_linear
from dither_engine.work import NO_MASK

_LOBES = 3
_BAND = 8  # rows
Decoded = TypeVar("Decoded", Frame, DeepFrame)
# Left, top, width, height of the part of a picture that becomes the new one, in parts of pixels.
Region = tuple[float, float, float, float]
Span = tuple[float, float]


def resized(
    frame: Frame, width: int, height: int, light: str, region: Region | None = None
) -> Frame:
    """The frame at another size; ``light``: ``linear``, or ``srgb`` to sum code values.

    region: the part that becomes the new picture; None for the whole.
    """
    depth = frame.pixels.shape[2]
    down, across = _spans(frame, region)
    rows, row_weights = windows(frame.pixels.shape[0], height, down)
    read = slice(rows[0], rows[-1] + row_weights.shape[1])
    pixels = np.empty((height, width, depth), np.uint8)
    mask = np.empty((height, width), np.uint8) if frame.mask.size else NO_MASK.copy()
    resample(
        contiguous(frame.pixels[read]),
        frame.mask[read],
        light_of_code(light),
        code_of_light(light),
        rows - read.start,
        row_weights,
        *windows(frame.pixels.shape[1], width, across),
        pixels,
        mask,
    )
    return replace(frame, pixels=pixels, mask=mask)


def nearest(frame: Decoded, width: int, height: int, region: Region | None = None) -> Decoded:
    """For each new pixel the old pixel at its centre, unchanged."""
    down, across = _spans(frame, region)
    rows = _middles(frame.pixels.shape[0], height, down)
    columns = _middles(frame.pixels.shape[1], width, across)
    pixels = np.take(np.take(frame.pixels, rows, axis=0), columns, axis=1)
    mask = frame.mask[np.ix_(rows, columns)] if frame.mask.size else NO_MASK
    return replace(frame, pixels=pixels, mask=mask)


def _middles(size: int, new_size: int, span: Span) -> NDArray[np.int64]:
    start, length = span
    if start == 0 and length == size:
        return (2 * np.arange(new_size) + 1) * size // (2 * new_size)
    middles = start + (np.arange(new_size) + 0.5) * length / new_size
    return np.minimum(middles.astype(np.int64), size - 1)


def _spans(frame: Frame | DeepFrame, region: Region | None) -> tuple[Span, Span]:
    """Start and length of the region, down and across."""
    height, width = frame.pixels.shape[:2]
    left, top, wide, high = region or (0, 0, width, height)
    return (top, high), (left, wide)


def resized_deep(
    frame: DeepFrame, width: int, height: int, light: str, region: Region | None = None
) -> DeepFrame:
    """The same as `resized` for a frame of more than 8 bits."""
    code = np.arange(65536) / 65535
    table = srgb_to_linear(code) if light == "linear" else code
    down, across = _spans(frame, region)
    rows, row_weights = windows(frame.pixels.shape[0], height, down)
    columns = windows(frame.pixels.shape[1], width, across)
    pixels = np.empty((height, width, frame.pixels.shape[2]), np.uint16)
    mask = np.empty((height, width), np.uint8) if frame.mask.size else NO_MASK
    for top in range(0, height, _BAND):
        here = slice(top, min(top + _BAND, height))
        part = slice(rows[here][0], rows[here][-1] + row_weights.shape[1])
        planes = table[frame.pixels[part]]
        if frame.mask.size:
            alpha = frame.mask[part, :, None] / 255
            planes = np.concatenate([planes * alpha, alpha], axis=2)
        planes = _summed(planes, rows[here] - part.start, row_weights[here])
        planes = _summed(planes.swapaxes(0, 1), *columns).swapaxes(0, 1)
        if frame.mask.size:
            alpha = np.clip(planes[..., -1:], 0, 1)
            mask[here] = np.floor(alpha[..., 0] * 255 + 0.5)
            planes = planes[..., :-1] / np.maximum(alpha, 1 / 65536)
        planes = np.clip(planes, 0, 1)
        codes = linear_to_srgb(planes) if light == "linear" else planes
        pixels[here] = np.floor(codes * 65535 + 0.5)
    return replace(frame, pixels=pixels, mask=mask)


def _summed(
    planes: NDArray[np.float64], first: NDArray[np.int64], weights: NDArray[np.int32]
) -> NDArray[np.float64]:
    """The weighted sum of each window, along the first axis."""
    total = np.zeros((len(first), *planes.shape[1:]))
    for tap in range(weights.shape[1]):
        total += planes[first + tap] * (weights[:, tap, None, None] / 65536)
    return total


def windows(
    size: int, new_size: int, span: Span | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each of ``new_size`` pixels the first of ``size`` pixels in its window, and the weights.

    span: start and length of the part that becomes the new pixels; None for all. All windows have
    the same length; weights are ``int32 (new_size, length)``, 65536ths.
    """
    start, whole = span or (0, size)
    step = whole / new_size
    stretch = max(step, 1.0)
    middles = start + (np.arange(new_size) + 0.5) * step
    first = np.maximum(np.floor(middles - _LOBES * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum(np.floor(middles + _LOBES * stretch + 0.5).astype(np.int64), size)
    length = int((last - first).max())
    first = np.minimum(first, size - length)
    away = (first[:, None] + np.arange(length) + 0.5 - middles[:, None]) / stretch
    weights = np.where(np.abs(away) < _LOBES, np.sinc(away) * np.sinc(away / _LOBES), 0)
    passed = np.cumsum(weights, axis=1)
    whole = np.floor(passed / passed[:, -1:] * 65536 + 0.5).astype(np.int32)
    return first, np.diff(whole, axis=1, prepend=np.int32(0)).astype(np.int32)
