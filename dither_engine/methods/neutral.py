"""Grey pixels use only the palette's greys, in methods that choose each pixel independently.

If the palette's darkest and lightest colours are greys, only its greys are candidates for a pixel
with equal channels. Error diffusion needs no such rule: see `mixing`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.search import prepare
from dither_engine.work import Palette, Render, Work

Indices = NDArray[np.uint8]


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


def greys_apart(work: Work, make: Callable[[Work], Render]) -> Render:
    """``make(work)``, but grey pixels are dithered to the target's greys only."""
    render, target = make(work), work.target
    if not isinstance(target, Palette):
        return render
    greys = greys_of(target.colours)
    if len(greys) < 2:
        return render
    positions = greys.astype(np.uint8)

    @cache
    def ladder() -> tuple[Palette, Render]:
        colours = target.colours[greys]
        search = prepare(colours, work.options.distance, work.options.light)
        only = Palette(colours, target.shown[greys], target.lights[greys], search)
        return only, make(replace(work, target=only))

    def apart(work: Work) -> Indices:
        here = is_grey(work.pixels)
        if not here.any():
            return render(work)
        only, render_greys = ladder()
        found = positions[render_greys(replace(work, target=only))]
        if not here.all():
            np.copyto(found, render(work), where=~here)
        return found

    return apart
