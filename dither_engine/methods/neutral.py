"""Greys of the picture are made of the palette's greys, where each pixel is chosen by itself.

Of a pixel whose channels are equal only the palette's own greys are candidates, if its darkest and
its lightest colour are greys. Error diffusion needs no such rule: see `mixing`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.search import prepare
from dither_engine.work import Palette, Work

Indices = NDArray[np.uint8]


_TINT = 8  # code values between the channels of what still counts as a grey of the palette


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


def greys_apart(work: Work, render: Callable[[Work], Indices]) -> Indices:
    """``render(work)``; grey pixels as of a palette that has only the greys of the target."""
    target = work.target
    if not isinstance(target, Palette):
        return render(work)
    greys = greys_of(target.colours)
    here = is_grey(work.pixels)
    if len(greys) < 2 or not here.any():
        return render(work)
    colours = target.colours[greys]
    search = prepare(colours, work.options.distance, work.options.light)
    ladder = Palette(colours, target.shown[greys], target.lights[greys], search)
    found = greys.astype(np.uint8)[render(replace(work, target=ladder))]
    return found if here.all() else np.where(here, found, render(work))
