"""Bayer's mask, which spreads the dots of every tone as far apart as a square grid allows.

Source: B. E. Bayer, "An optimum method for two-level rendition of continuous-tone pictures",
IEEE Int. Conf. on Communications, 1973.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.masks import Mask, from_ranks


def bayer_ranks(size: int) -> NDArray[np.int64]:
    """Ranks 0 … size² − 1, ``(size, size)``; ``size`` is a power of two from 1 up."""
    ranks = np.zeros((1, 1), np.int64)
    while len(ranks) < size:
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    return ranks


@cache
def bayer(size: int) -> Mask:
    """Thresholds (rank + ½)/size²."""
    return from_ranks(bayer_ranks(size))
