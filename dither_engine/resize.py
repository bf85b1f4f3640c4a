"""Larger and smaller pictures, by Lanczos' windowed sinc over six pixels of the smaller scale.

Light is summed, not code values, when light is mixed: fine black and white lines stay as light as
they are. Transparent pixels lend no colour to others. A window that reaches over the edge is cut
there, and its weights divided by their sum. Everything is whole numbers: light is 0 to 8192,
weights are 65536ths, rounded so that each window's sum is one.

Source: C. E. Duchon, "Lanczos filtering in one and two dimensions", J. Applied Meteorology 18(8),
1979; the windows are laid as Pillow's.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.packing import contiguous
from dither_engine.compiled.resample import resample
from dither_engine.decode import Frame
from dither_engine.light import code_of_light, light_of_code
from dither_engine.work import NO_MASK

_LOBES = 3


def resized(frame: Frame, width: int, height: int, light: str) -> Frame:
    """The frame at another size; ``light``: ``linear``, or ``srgb`` to sum code values."""
    depth = frame.pixels.shape[2]
    pixels = np.empty((height, width, depth), np.uint8)
    mask = np.empty((height, width), np.uint8) if frame.mask.size else NO_MASK.copy()
    resample(
        contiguous(frame.pixels),
        frame.mask,
        light_of_code(light),
        code_of_light(light),
        *windows(frame.pixels.shape[0], height),
        *windows(frame.pixels.shape[1], width),
        pixels,
        mask,
    )
    return replace(frame, pixels=pixels, mask=mask)


def windows(size: int, new_size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each of ``new_size`` places its first of ``size`` pixels, and the weights from there.

    All windows have one length; weights are ``int32 (new_size, length)``, 65536ths.
    """
    step = size / new_size
    stretch = max(step, 1.0)
    middles = (np.arange(new_size) + 0.5) * step
    first = np.maximum(np.floor(middles - _LOBES * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum(np.floor(middles + _LOBES * stretch + 0.5).astype(np.int64), size)
    length = int((last - first).max())
    first = np.minimum(first, size - length)
    away = (first[:, None] + np.arange(length) + 0.5 - middles[:, None]) / stretch
    weights = np.where(np.abs(away) < _LOBES, np.sinc(away) * np.sinc(away / _LOBES), 0)
    passed = np.cumsum(weights, axis=1)
    whole = np.floor(passed / passed[:, -1:] * 65536 + 0.5).astype(np.int32)
    return first, np.diff(whole, axis=1, prepend=np.int32(0)).astype(np.int32)
