"""A palette made from the image, for all its frames.

A picture that has no more colours than requested keeps them all: pixels are checked until one
colour too many is found. Otherwise pixels are sampled at an even stride, at most 262144 in all. The
stride has no factor in common with the width, so that every column is sampled. The samples are
divided by median cut (P. Heckbert, “Color image quantization for frame buffer display”, 1982), then
the colours are refined by k-means, until at most a thousandth of the samples changes its colour in
a round. Both are Pillow's implementations and deterministic. Transparent pixels are ignored.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.compiled.distinct import SLOTS, add_distinct
from dither_engine.compiled.packing import contiguous
from dither_engine.decode import Frame
from dither_engine.prepare import coloured

SAMPLES = 1 << 18
_UNSETTLED = 1000  # k-means ends when at most one of this many pixels changes its colour


def sample(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], frames: int) -> NDArray[np.uint8]:
    """Sample pixels of one of ``frames`` frames: ``uint8 (H, W, 3)`` → ``uint8 (n, 3)``."""
    flat = pixels.reshape(-1, 3)
    stride = max(1, -(-len(flat) * frames // SAMPLES))
    while math.gcd(stride, pixels.shape[1]) > 1:
        stride += 1
    taken = flat[::stride]
    return taken[mask.reshape(-1)[::stride] > 0] if mask.size else taken


def adaptive(
    frames: Iterable[Frame], codes: NDArray[np.uint8], count: int, total: int
) -> NDArray[np.uint8]:
    """A palette of 2 to ``count`` colours for all ``total`` frames: ``uint8 (n, 3)``.

    codes: ``uint8 (256,)``, each code value after the tone controls.
    """
    slots, seen = np.full(SLOTS, -1, np.int32), np.zeros(1, np.int64)
    samples = []
    for frame in frames:
        pixels = contiguous(frame.pixels)
        if seen[0] <= count:
            add_distinct(pixels, frame.mask, codes, count, slots, seen)
        samples.append(codes[sample(coloured(pixels), frame.mask, total)])
    found = np.sort(slots[slots >= 0])
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    if seen[0] > count:
        # Add the colours found already: all sampled pixels may be transparent.
        colours = _clustered(np.concatenate([*samples, colours]), count)
    if len(colours) == 0:
        return np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    if len(colours) == 1:
        return np.concatenate([colours, 255 - colours])
    return colours


def _clustered(pixels: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The colours that represent ``uint8 (n, 3)`` pixels best: at most ``count``, sorted."""
    image = Image.fromarray(np.ascontiguousarray(pixels[None]))
    # Pillow's kmeans argument is one more than the number of changes at which it ends (Quant.c).
    end = len(pixels) // _UNSETTLED + 1
    found = image.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=end)
    return np.unique(np.array(found.getpalette("RGB"), np.uint8).reshape(-1, 3), axis=0)
