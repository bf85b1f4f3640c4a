"""The tone curve: what each code value becomes before dithering.

In order: the picture's range is stretched to black and white (``tone``), then ``gamma``,
``contrast`` and ``brightness`` on code values, ``exposure`` on light, and last ``shadows`` and
``highlights``. It is the same for red, green and blue, so greys stay grey.

Shadows and highlights are a Bézier curve of degree four over code values, with the control points
0, (1 + shadows)/4, 1/2, (3 + highlights)/4 and 1. They ascend, so the curve does; black, white and
(if both are equal and opposite) middle grey stay. Source: G. Farin, "Curves and Surfaces for CAGD",
5th ed. 2002, ch. 6.
"""

import numpy as np
from numpy.typing import NDArray

from dither_engine.light import linear_to_srgb, srgb_to_linear
from dither_engine.options import Options

Floats = NDArray[np.float64]
Range = tuple[float, float]

WHOLE: Range = (0.0, 1.0)
CLIPPED = 0.005  # of the pixels at either end, which have no say in the picture's range
_LEAST = 0.05  # a narrower range is not stretched further: it is a flat picture, or noise


def range_of(samples: NDArray[np.uint8]) -> Range:
    """The darkest and the lightest code value of a channel, 0 to 1, of ``uint8 (n, 3)`` pixels.

    No channel lies outside, but for a share of `CLIPPED` pixels at either end.
    """
    if len(samples) == 0:
        return WHOLE
    low = float(np.quantile(samples.min(axis=1), CLIPPED)) / 255
    high = float(np.quantile(samples.max(axis=1), 1 - CLIPPED)) / 255
    return low, high


def stretched(found: Range, tone: float) -> Range:
    """The code values that become black and white: ``tone`` of the way to the range found."""
    low, high = found
    if high - low < _LEAST:
        middle = min(max((low + high) / 2, _LEAST / 2), 1 - _LEAST / 2)
        low, high = middle - _LEAST / 2, middle + _LEAST / 2
    return tone * low, 1 - tone * (1 - high)


def strength_for(found: Range, most: float) -> float:
    """The ``tone`` that stretches as far as possible, but at most ``most`` times."""
    width = found[1] - found[0]
    if width >= 1:
        return 0.0
    return min((1 - 1 / most) / (1 - width), 1.0)


def adjusted(options: Options, ends: Range = WHOLE) -> Floats:
    """Light, 0 to 1, of each code value after the tone curve: ``(256,)``, ascending.

    ends: the code values, 0 to 1, that become black and white. With ``light=srgb``, light is the
    code value.
    """
    code = np.arange(256) / 255
    if ends != WHOLE:
        code = np.clip((code - ends[0]) / (ends[1] - ends[0]), 0, 1)
    if not options.brightness == options.contrast == options.gamma == 1:
        code = code ** (1 / options.gamma)
        code = np.clip(((code - 0.5) * options.contrast + 0.5) * options.brightness, 0, 1)
    if options.exposure:
        light = np.minimum(srgb_to_linear(code) * 2.0**options.exposure, 1)
        code = linear_to_srgb(light)
    if options.shadows or options.highlights:
        code = s_curve(code, options.shadows, options.highlights)
    return srgb_to_linear(code) if options.light == "linear" else code


def s_curve(code: Floats, shadows: float, highlights: float) -> Floats:
    """Code values 0 to 1 through the Bézier curve; shadows, highlights: -1 to 1."""
    rest = 1 - code
    return np.clip(
        code * rest**3 * (1 + shadows)
        + 3 * code**2 * rest**2
        + code**3 * rest * (3 + highlights)
        + code**4,
        0,
        1,
    )
