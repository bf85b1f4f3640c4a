"""The greys of a palette: what a grey pixel may become."""

import numpy as np
from numpy.typing import NDArray

_TINT = 8  # a palette colour whose channels differ by at most this (code values) is a grey


def is_grey(colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the channels are equal: ``uint8 (…, 3)`` → ``(…)``."""
    first = colours[..., 0]
    equal: NDArray[np.bool_] = (first == colours[..., 1]) & (first == colours[..., 2])
    return equal


def greys_of(colours: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Positions of a palette's greys; none if its darkest or its lightest colour is not one."""
    grey = colours.max(axis=1).astype(int) - colours.min(axis=1) <= _TINT
    luma = colours.astype(int) @ np.array([299, 587, 114])
    return np.flatnonzero(grey & grey[luma.argmin()] & grey[luma.argmax()])
