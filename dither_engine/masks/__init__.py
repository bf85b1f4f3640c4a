"""Threshold masks (threshold matrices) for ordered dithering.

A mask is ``uint16 (h, w)`` of thresholds, 1 to 65535, as parts of 65536 of the way from one level
to the next. It is tiled over the picture, its first element on the first pixel.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint16]
ONE = 1 << 16


def from_values(rows: list[list[float]]) -> Mask:
    """Numbers of which only the order counts → evenly spaced thresholds, so that tone is kept.

    Equal numbers get the mean of their ranks. For ranks 0 … n − 1 the result is `from_ranks`'.
    """
    values = np.array(rows, np.float64)
    ordered = np.sort(values, axis=None)
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    mask: Mask = ((below + up_to) * (ONE // 2) // values.size).astype(np.uint16)
    return np.maximum(mask, 1)


def from_ranks(ranks: NDArray[np.int64]) -> Mask:
    """Ranks 0 … n − 1 of a mask of n elements → thresholds (rank + ½)/n, rounded down, not to 0."""
    parts = (2 * ranks.astype(np.int64) + 1) * (ONE // 2) // ranks.size
    mask = np.maximum(parts, 1).astype(np.uint16)
    mask.setflags(write=False)
    return mask
