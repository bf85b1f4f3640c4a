"""The colour distance of error diffusion: what ``distance=oklab``, the default, means there.

Errors are diffused in linear light, so the space for the nearest-colour search must agree with
light. Oklab itself does not: its cube root is steep in the dark, and it is only defined from black
to white, so errors beyond black or white have no effect on the choice. Such errors accumulate until
a dark ink is the nearest "grey". Here coordinates are computed like Oklab's, from cone responses,
with two changes:

- The curve is the power 0.7 of light (1 if code values are mixed), continued below black (with the
  sign kept) and above white: a colour that reduces the error is always nearer.
- a and b have twice the weight of lightness, up to six times where the picture itself is grey. So
  lightness decides which colour of a mixture is next, but greys are mixed from the palette's greys.

Greys have a = b = 0 exactly. a and b are rounded to multiples of 16, so their squares are multiples
of 256, and divided by that they fit 16 bits. All arithmetic is integer, the same on every machine.
The measurements are in docs/decisions/0011.
"""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.decorators import merged
from dither_engine.light import WHITE

# What a method does with an error: passes all of it to other pixels, or only a part, or none, or
# to the next entry of a pixel's list of colours (`patterns`).
Errors = Literal["kept", "weakened", "dropped", "listed"]
# For linear light: the power, and the units of lightness 1; a and b have twice as many, since they
# have double weight. With more, the squares of the most colourful sRGB colours would overflow. A
# method that drops part of the error never corrects a choice that is too dark, so it uses a power
# that is closer to perception.
CURVES: dict[Errors, tuple[float, int]] = {
    "kept": (0.7, 2850),
    "weakened": (0.4, 2350),
    "dropped": (0.4, 2350),
    "listed": (0.8, 2700),
}
CODES_CURVE = (1.0, 2550)  # the same if code values are mixed
# Below this light, the curve of weakened errors is a straight line. The power itself is so steep
# there that a small error in one channel outweighs the rest: dark greys became dots of all hues.
TOE = 0.02
STEP = 16  # of a and b
MOST = 3632  # of a and b: times GREY it fits 16 bits
GREY = 9  # weight of squared chroma for a grey pixel; less for other pixels, down to 1
SQUARES = STEP * STEP  # squared chroma is divided by this, to fit 16 bits

# Cone responses, in 16384ths. Each row's sum is 16384, so a grey has three equal responses.
CONES = np.array([[6754, 8787, 843], [3472, 11152, 1760], [1447, 4616, 10321]], np.int32)
# Lightness, a, b, in 4096ths; a and b are doubled. The rows of a and b have the sum 0.
AXES = np.array([[862, 3251, -17], [16204, -19895, 3691], [212, 6413, -6625]], np.int32)
CONE_SHIFT, AXIS_SHIFT = 14, 12


@cache
def curve(light: str, errors: Errors) -> NDArray[np.int32]:
    """The coordinate of each cone response from -WHITE to 2 · WHITE."""
    cone = np.arange(-WHITE, 2 * WHITE + 1) / WHITE
    power, unit = CURVES[errors] if light == "linear" else CODES_CURVE
    bent = np.sign(cone) * np.abs(cone) ** power
    if errors == "weakened":
        bent = np.where(np.abs(cone) < TOE, cone * TOE ** (power - 1), bent)
    return np.rint(unit * bent).astype(np.int32)


def inks(lights: NDArray[np.int16], light: str, errors: Errors) -> NDArray[np.int32]:
    """Terms of the squared distances, ``int32 (5, n)``: -2 L, -2 a, -2 b, (a² + b²) / SQUARES, L².

    ``lights``: light of the palette's colours, (n, 3), 0 to WHITE.
    """
    cones = (lights.astype(np.int64) @ CONES.T + (1 << (CONE_SHIFT - 1))) >> CONE_SHIFT
    bent = curve(light, errors)[cones + WHITE].astype(np.int64)
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
    """Weight of squared chroma for a pixel of these 8-bit code values, 1 to GREY."""
    apart = max(np.int64(r), np.int64(g), np.int64(b)) - min(np.int64(r), np.int64(g), np.int64(b))
    return max(GREY - (5 * apart >> 3), np.int64(1))
