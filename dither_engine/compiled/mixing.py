"""Which colour comes next when errors are passed on: the default of error diffusion (``oklab``).

An error is carried in light, so the space in which the nearest colour is looked for must agree
with light. Oklab itself does not: its cube root is steep in the dark, and it ends at black and at
white, so a debt of light looks like none; errors pile up until a dark ink is the nearest "grey".
Here coordinates are made as Oklab's are, from cone responses, but

- the curve is a power of 0.7 of light (of code values, if those are mixed: 1), which goes on below
  black with its sign and above white: whatever the error is, a colour that pays it back is nearer;
- a and b count twice as much as lightness, and up to six times where the picture itself is grey:
  lightness decides which colour of a mixture is next, but a grey is mixed of the palette's greys.

Greys have a = b = 0 exactly. a and b are rounded to multiples of 16, so that their squares are
multiples of 256 and fit 16 bits; all is whole numbers, the same on every machine. The figures are
in docs/decisions/0011.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.decorators import merged
from dither_engine.light import WHITE

# Of each light the power, and how many units lightness 1 has; a and b have twice as many, for they
# count double. With more the squares of the most colourful sRGB colours would not fit.
CURVES = {"linear": (0.7, 2850), "srgb": (1.0, 2550)}
# Where error is lost, nothing pays for a choice that is too dark; so it is made more as eyes see.
LOSING = {"linear": (0.4, 2350), "srgb": (1.0, 2550)}
STEP = 16  # of a and b
MOST = 3632  # of a and b: times GREY it fits 16 bits
GREY = 9  # what the square of chroma counts for a grey pixel, for others less, down to 1
SQUARES = STEP * STEP  # what squared chroma is divided by, to fit 16 bits

# Cone responses: parts of 16384. Each row's sum is that, so a grey's three are equal.
CONES = np.array([[6754, 8787, 843], [3472, 11152, 1760], [1447, 4616, 10321]], np.int32)
# Lightness, a, b: parts of 4096; a and b double. Of a and of b the sum is 0.
AXES = np.array([[862, 3251, -17], [16204, -19895, 3691], [212, 6413, -6625]], np.int32)
CONE_SHIFT, AXIS_SHIFT = 14, 12


@cache
def curve(light: str, losing: bool = False) -> NDArray[np.int32]:
    """The coordinate of each cone response, -WHITE to 2 · WHITE."""
    cone = np.arange(-WHITE, 2 * WHITE + 1) / WHITE
    power, unit = (LOSING if losing else CURVES)[light]
    return np.rint(unit * np.sign(cone) * np.abs(cone) ** power).astype(np.int32)


def inks(lights: NDArray[np.int16], light: str, losing: bool = False) -> NDArray[np.int32]:
    """What sums are made of, ``int32 (5, n)``: -2 L, -2 a, -2 b, (a² + b²) / SQUARES, L².

    ``lights``: the colours', (n, 3), 0 to WHITE.
    """
    cones = (lights.astype(np.int64) @ CONES.T + (1 << (CONE_SHIFT - 1))) >> CONE_SHIFT
    bent = curve(light, losing)[cones + WHITE].astype(np.int64)
    axes = (bent @ AXES.T + (1 << (AXIS_SHIFT - 1))) >> AXIS_SHIFT
    lightness, chroma = axes[:, 0], _rounded(axes[:, 1:])
    squares = (chroma * chroma).sum(axis=1) // SQUARES
    return np.stack([-2 * lightness, *(-2 * chroma.T), squares, lightness**2]).astype(np.int32)


def _rounded(chroma: NDArray[np.int64]) -> NDArray[np.int64]:
    limited: NDArray[np.int64] = np.clip((chroma + STEP // 2) & -STEP, -MOST, MOST)
    return limited


@merged
def rounded(chroma):
    return min(max((chroma + STEP // 2) & -STEP, -MOST), MOST)


@merged
def weight_of(r, g, b):
    """What squared chroma counts for a pixel of these 8-bit code values, 1 to GREY."""
    apart = max(np.int64(r), np.int64(g), np.int64(b)) - min(np.int64(r), np.int64(g), np.int64(b))
    return max(GREY - (5 * apart >> 3), np.int64(1))
