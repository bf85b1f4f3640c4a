"""Greys of the picture are made of the palette's greys, where each pixel is chosen by itself.

Of a pixel whose channels are equal only the palette's own greys are candidates, if there are two or
more. Error diffusion needs no such rule: see `mixing`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.search import prepare
from dither_engine.work import Palette, Work

Indices = NDArray[np.uint8]


def is_grey(colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the channels are equal: ``uint8 (…, 3)`` → ``(…)``."""
    first = colours[..., 0]
    equal: NDArray[np.bool_] = (first == colours[..., 1]) & (first == colours[..., 2])
    return equal


def greys_apart(work: Work, render: Callable[[Work], Indices]) -> Indices:
    """``render(work)``; grey pixels as of a palette that has only the greys of the target."""
    target = work.target
    if not isinstance(target, Palette):
        return render(work)
    greys = np.flatnonzero(is_grey(target.colours))
    here = is_grey(work.pixels)
    if len(greys) < 2 or not here.any():
        return render(work)
    colours = target.colours[greys]
    search = prepare(colours, work.options.distance, work.options.light)
    ladder = Palette(colours, target.shown[greys], target.lights[greys], search)
    found = greys.astype(np.uint8)[render(replace(work, target=ladder))]
    return found if here.all() else np.where(here, found, render(work))
