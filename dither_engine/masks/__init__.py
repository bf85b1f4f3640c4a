"""Threshold masks: what ordered dithering compares a picture with.

A mask is ``uint16 (h, w)`` of thresholds, 1 to 65535, as parts of 65536 of the way from one level
to the next. It is laid over the picture again and again, its first element on the first pixel.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint16]
ONE = 1 << 16


def from_ranks(ranks: NDArray[np.int64]) -> Mask:
    """Ranks 0 … n − 1 of a mask of n elements → thresholds (rank + ½)/n, rounded down, not to 0."""
    parts = (2 * ranks.astype(np.int64) + 1) * (ONE // 2) // ranks.size
    mask = np.maximum(parts, 1).astype(np.uint16)
    mask.setflags(write=False)
    return mask
