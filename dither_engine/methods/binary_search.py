"""Direct binary search: change and swap pixels as long as that lowers the visible error.

The visible error is the error in light, blurred by the point spread function of the eye. The search
starts from a blue-noise dither and goes over the picture row by row. At each pixel it tries all
other colours and swaps with the next pixel and the three below, so that each pair of neighbours is
tried once, and makes the change that lowers the squared blurred error most. It ends when no change
lowers the error, at the latest after `PASSES` rounds. Colours are represented by luminance and two
opponent (chroma) axes; the eye blurs the chroma axes more.

The point spread covers only a few pixels, so by this error alone a single dot among many pixels of
another colour would be removed, and very dark and very light tones would be lost. So the summed
luminance error of every block of 32 × 32 pixels counts too: squared up to two dots, linear beyond.
This term is left out if the darkest and lightest colours are not black and white, because there
the tones that the palette cannot reach would dominate it.

The effect of a change is computed from the blurred error ("cep") and the point spread's
autocorrelation ("cpp"); both are integers. A step d costs a block with the summed error s
2 d · s + d², where s is limited to two dots: beyond that a little more than in truth, so no change
is made that raises the cost. Pictures are searched in bands of rows, each together with the
finished rows above it and the unfinished rows below it. Levels with more than 256 combinations are
searched channel by channel.

Sources: M. Analoui, J. P. Allebach, "Model-based halftoning using direct binary search", Proc. SPIE
1666, 1992; D. J. Lieberman, J. P. Allebach, "A dual interpretation for direct binary search and
its implications for tone reproduction and texture quality", IEEE Trans. Image Processing 9(11),
2000; the eye's spread: S. H. Kim, J. P. Allebach, "Impact of HVS models on model-based halftoning",
IEEE Trans. Image Processing 11(3), 2002, at 300 dots an inch and 9.5 inches; opponent axes: T. J.
Flohr et al., "Model-based color image quantization", Proc. SPIE 1913, 1993.
"""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.binary_search import FORBIDDEN, NEXT, RADIUS, REACH, search_rows
from dither_engine.compiled.simd import WORDS_WIDE
from dither_engine.greys import greys_of
from dither_engine.light import WHITE
from dither_engine.methods import ordered
from dither_engine.methods.neutral import greys_apart
from dither_engine.work import Levels, Palette, Work

_BAND = 256
_LUMINANCE = ((0.77, 0.36), (2.1, 0.64))
_CHROMA = ((2.4, 1.0),)
# Rows: luminance; X − Y and Y − Z (white is 1), with half the weights of YyCxCz. Times 4096.
_OPPONENT = np.rint(
    4096
    * np.array(
        [
            [0.2126, 0.7152, 0.0722],
            [2.15 * 0.2213, 2.15 * -0.3390, 2.15 * 0.1177],
            [0.86 * 0.1948, 0.86 * 0.6057, 0.86 * -0.8005],
        ]
    )
).astype(np.int64)
_PLAIN = np.array([[4096]], np.int64)


def render(work: Work) -> NDArray[np.uint8]:
    """See ``work``."""
    target = work.target
    depth = work.pixels.shape[2]
    if isinstance(target, Levels):
        if depth > 1 and not target.combines(depth):
            return np.concatenate([_channel(work, c) for c in range(depth)], axis=2)
        axes = np.meshgrid(*[target.lights] * depth, indexing="ij")
        lights = np.stack([axis.ravel() for axis in axes], axis=1)
    else:
        lights = target.lights
    state = _start(work)
    _search(work, lights, state)
    return state


def _channel(work: Work, channel: int) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(work.pixels[:, :, channel : channel + 1])
    return render(replace(work, pixels=pixels))[:, :, None]


def _start(work: Work) -> NDArray[np.uint8]:
    options = work.options.model_copy(update={"algorithm": "blue-noise", "strength": 1.0})
    work = replace(work, options=options)
    return np.ascontiguousarray(greys_apart(work, lambda _: ordered.render)(work))


def _search(work: Work, lights: NDArray[np.int16], state: NDArray[np.uint8]) -> None:
    height = work.pixels.shape[0]
    matrix = _OPPONENT if lights.shape[1] == 3 else _PLAIN
    points = np.zeros((len(lights), 3), np.int64)  # greys have luminance only
    points[:, : lights.shape[1]] = (lights.astype(np.int64) @ matrix.T) >> 12
    greys = _greys(work, len(points))
    black_and_white = points[:, 0].min() <= 8 and points[:, 0].max() >= WHITE - 8
    weight = float(autocorrelations()[0, REACH, REACH] // 2) if black_and_white else 0.0
    middle = autocorrelations()[:, REACH, REACH] + np.array([weight, 0, 0])
    alone = (points * points) @ middle
    inks = np.column_stack([points, alone, np.where(greys, 0, FORBIDDEN)])
    for top in range(0, height, _BAND):
        bottom = min(top + _BAND, height)
        above, below = max(top - REACH, 0), min(bottom + REACH, height)
        search_rows(
            work.pixels[above:below],
            work.mask[above:below],
            work.light,
            matrix,
            points,
            greys,
            _kernels(),
            inks,
            middle,
            _apart(),
            weight,
            top - above,
            bottom - above,
            state[above:below],
        )


def _greys(work: Work, count: int) -> NDArray[np.bool_]:
    """Which colours a grey pixel may become: see `neutral`; all where that does not apply."""
    if isinstance(work.target, Palette):
        greys = greys_of(work.target.colours)
        if len(greys) > 1:
            return np.isin(np.arange(count), greys)
    return np.ones(count, np.bool_)


@cache
def autocorrelations() -> NDArray[np.int64]:
    """Autocorrelations of the point spreads of luminance and the two chroma axes.

    ``(3, 2 REACH + 1, 2 REACH + 1)``; the sum of each is about 65536.
    """
    luminance, chroma = _autocorrelation(_LUMINANCE), _autocorrelation(_CHROMA)
    return np.stack([luminance, chroma, chroma])


def _autocorrelation(spread: tuple[tuple[float, float], ...]) -> NDArray[np.int64]:
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    square = x * x + y * y
    bells = [(np.exp(-square / (2 * sigma * sigma)), share) for sigma, share in spread]
    point = np.rint(sum(4096 * share * bell / bell.sum() for bell, share in bells)).astype(np.int64)
    side = 2 * REACH + 1
    total = np.zeros((side, side), np.int64)
    for v in range(len(point)):
        for u in range(len(point)):
            total[v : v + len(point), u : u + len(point)] += point[v, u] * point
    return total >> 8


@cache
def _kernels() -> NDArray[np.int32]:
    """The autocorrelations placed for each swap and for a single pixel; see `search_rows`."""
    spreads = autocorrelations()
    side = spreads.shape[1]
    kernels = np.zeros((len(NEXT) + 1, 3, side + 1, WORDS_WIDE), np.int32)
    for changed, (down, right) in zip(kernels, (*NEXT, (0, 0)), strict=True):
        left = -min(right, 0)
        changed[:, :side, left : left + side] += spreads
        if down or right:
            changed[:, down : down + side, left + right : left + right + side] -= spreads
    return kernels


@cache
def _apart() -> NDArray[np.float64]:
    """See `search_rows`."""
    spreads = autocorrelations()
    return np.array(
        [spreads[:, REACH, REACH] - spreads[:, REACH + y, REACH + x] for y, x in NEXT], np.float64
    )
