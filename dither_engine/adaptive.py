"""A palette made from the image, for all its frames.

Pixels are sampled at an even stride, at most 262144 in all; transparent ones do not count. The
stride has no factor in common with the width, so that every column is seen. They are divided by
median cut (P. Heckbert, “Color image quantization for frame buffer display”, 1982) and the colours
then moved to the means of what they are nearest to (k-means), until in a round no more than a
thousandth of the sample changes its colour; both are Pillow's and both deterministic.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SAMPLES = 1 << 18
_UNSETTLED = 1000  # one pixel in so many


def sample(pixels: NDArray[np.uint8], mask: NDArray[np.uint8], frames: int) -> NDArray[np.uint8]:
    """Some pixels of one of ``frames`` frames: ``uint8 (H, W, 3)`` → ``uint8 (n, 3)``."""
    flat = pixels.reshape(-1, 3)
    stride = max(1, -(-len(flat) * frames // SAMPLES))
    while math.gcd(stride, pixels.shape[1]) > 1:
        stride += 1
    taken = flat[::stride]
    return taken[mask.reshape(-1)[::stride] > 0] if mask.size else taken


def adaptive(samples: Iterable[NDArray[np.uint8]], count: int) -> NDArray[np.uint8]:
    """A palette of 2 to ``count`` colours for the samples of all frames: ``uint8 (n, 3)``."""
    pixels = np.concatenate([*samples, np.empty((0, 3), np.uint8)])
    if not len(pixels):
        return np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    colours = np.unique(pixels, axis=0)
    if len(colours) > count:
        image = Image.fromarray(np.ascontiguousarray(pixels[None]))
        # What Pillow calls kmeans is one more than the changes at which it ends (Quant.c).
        end = len(pixels) // _UNSETTLED + 1
        found = image.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=end)
        colours = np.unique(np.array(found.getpalette("RGB"), np.uint8).reshape(-1, 3), axis=0)
    if len(colours) == 1:
        colours = np.concatenate([colours, 255 - colours])
    return colours
