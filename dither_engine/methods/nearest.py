"""No dithering: every pixel becomes the nearest level or colour."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, kernel
from dither_engine.compiled.nearest import nearest_for_diffusion
from dither_engine.compiled.search import SEARCH, bend
from dither_engine.memory import reusable
from dither_engine.work import Levels, Palette, Render, Work

PIECEWISE = (Levels, Palette)


def piecewise(work: Work) -> Render:
    """See ``methods.renderer``."""
    if isinstance(work.target, Palette):
        bend(work.target.search, work.target.lights, work.options.light, "dropped")
    return render


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``; after `piecewise`."""
    if isinstance(work.target, Levels):
        return work.target.choice[work.light][work.pixels]
    indices = reusable(work.pixels.shape[:2], np.uint8)
    nearest_colours(work.pixels, work.light, work.target.search, indices)
    return indices


@kernel(array_in(types.uint8, 3), array_in(types.int16, 1), SEARCH, array_out(types.uint8, 2))
def nearest_colours(pixels, light, search, out):
    """Position of the nearest colour of every pixel."""
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            r, g, b = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            out[y, x] = nearest_for_diffusion(search, light[r], light[g], light[b], r, g, b)
