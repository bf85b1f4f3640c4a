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
from dither_engine.greys import greys_of, is_grey
from dither_engine.work import Palette, Render, Work

Indices = NDArray[np.uint8]


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
    def of_greys() -> tuple[Palette, Render]:
        colours = target.colours[greys]
        search = prepare(colours, work.options.distance, work.options.light)
        only = Palette(colours, target.shown[greys], target.lights[greys], search)
        return only, make(replace(work, target=only))

    def apart(work: Work) -> Indices:
        here = is_grey(work.pixels)
        if not here.any():
            return render(work)
        only, render_greys = of_greys()
        found = positions[render_greys(replace(work, target=only))]
        if not here.all():
            np.copyto(found, render(work), where=~here)
        return found

    return apart
