"""The nearest palette colours of `LANES` pixels at once, for error diffusion.

Every pixel is compared with every colour: with vector instructions this is faster than a search
with unpredictable branches, up to some 200 colours. Not for ciede2000.
"""

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.decorators import inlined, merged
from dither_engine.compiled.mixing import (
    AXES,
    AXIS_SHIFT,
    CONE_SHIFT,
    CONES,
    MOST,
    SQUARES,
    STEP,
)
from dither_engine.compiled.search import CURVE, NUMBERED
from dither_engine.compiled.simd import LANES, at_least, load, product, shifted, spread, store
from dither_engine.compiled.simd_nearest import (
    FEW,
    least_numbered,
    least_sum,
    look_up,
    look_up_colours,
    look_up_few,
    store_pairs,
    weighed_sum,
)
from dither_engine.compiled.wavefront import clamped
from dither_engine.light import WHITE


def _weights(rows: NDArray[np.int32], shift: int) -> NDArray[np.int32]:
    """Weights for `weighed_sum`: each row with one half added for rounding."""
    return np.array([[*row, 1 << (shift - 1)] for row in rows], np.int32).ravel()


_CONES, _CONE_SHIFT = _weights(CONES, CONE_SHIFT), np.int32(CONE_SHIFT)
_AXES, _AXIS_SHIFT = _weights(AXES, AXIS_SHIFT), np.int32(AXIS_SHIFT)


@merged
def larger(a, b):
    return b ^ ((a ^ b) & at_least(a, b))


@merged
def smaller(a, b):
    return a ^ ((a ^ b) & at_least(a, b))


@merged
def chroma_weights(r, g, b, most):
    """`mixing.weight_of` 8-bit code values."""
    apart = larger(larger(r, g), b) - smaller(smaller(r, g), b)
    less = shifted(product(apart, spread(np.int16(5))), np.int16(3))
    return larger(spread(most) - less, spread(np.int16(1)))


@merged
def chroma(l, m, s, axis):
    """a or b of `mixing`, rounded and limited."""
    value = weighed_sum(l, m, s, _AXES, 4 * axis, _AXIS_SHIFT)
    value = (value + spread(np.int16(STEP // 2))) & spread(np.int16(-STEP))
    return clamped(value, spread(np.int16(-MOST)), spread(np.int16(MOST)))


@inlined
def fill_curve(search, curve):
    for i in range(curve.shape[0]):
        curve[i] = search[CURVE + i]


@inlined
def fill_packed(colours, packed):
    """The light of each colour as one number, for `look_up_colours`."""
    for k in range(colours.shape[0]):
        packed[k] = (
            np.int64(colours[k, 0])
            | (np.int64(colours[k, 1]) << 16)
            | (np.int64(colours[k, 2]) << 32)
        )


@inlined
def fill_bytes(colours, few):
    """The same for `look_up_few`: the bytes of each channel's light, low and high, repeated."""
    for part in range(6):
        for lane in range(LANES):
            k = lane % FEW
            light = np.int64(colours[k, part // 2]) if k < colours.shape[0] else np.int64(0)
            few[part * LANES + lane] = light >> (8 * (part % 2)) & 255


@merged
def lights_of(near, found, at, packed, few):
    """The light of the colours ``near``, which are also at ``found[at]``."""
    if packed.shape[0] <= FEW:
        red, green, blue = look_up_few(few, near)
    else:
        red, green, blue = look_up_colours(packed, found, at)
    return red, green, blue


@inlined
def is_straight(axis):
    """Whether an axis is the one that `codes_of` computes."""
    for light in range(axis.shape[0]):
        if axis[light] != ((2 * light + 33) * 1020 >> 16) * NUMBERED:
            return False
    return True


@merged
def codes_of(light):
    """NUMBERED times the code value of light, 0 to WHITE, when light is sRGB.

    The code value is ``(2 * light + 33) * 1020 >> 16``, computed with shifts only.
    """
    twice = light + light + spread(np.int16(33))
    code = twice - shifted(twice + spread(np.int16(255)), np.int16(8))
    code = code & spread(np.int16(-64))
    return code + code


@merged
def mixing_coordinates(values, places, curve, codes, at, greyest, xy, z0):
    """Coordinates of `mixing` for `nearest`; ``codes[at:]`` are the pixels' own code values.

    greyest: the weight of chroma for a grey pixel.
    """
    r, g, b = load(values, 0), load(values, LANES), load(values, 2 * LANES)
    for c in range(3):
        cone = weighed_sum(r, g, b, _CONES, 4 * c, _CONE_SHIFT)
        store(places, c * LANES, cone + spread(np.int16(WHITE)))
    l = look_up(curve, places, 0)
    m = look_up(curve, places, LANES)
    s = look_up(curve, places, 2 * LANES)
    r, g, b = load(codes, at), load(codes, at + LANES), load(codes, at + 2 * LANES)
    weight = chroma_weights(r, g, b, greyest)
    x = weighed_sum(l, m, s, _AXES, 0, _AXIS_SHIFT)
    store_pairs(xy, x, product(chroma(l, m, s, 1), weight))
    y = product(chroma(l, m, s, 2), weight)
    store_pairs(z0, y, product(weight, spread(np.int16(SQUARES))))


@merged
def plain_coordinates(values, places, axis, straight, codes, at, neutral, xy, z0):
    """Coordinates of the other distances, with light clamped to black and white.

    ``codes[at:]`` are the pixels' own code values; neutral: NOT_GREY if grey pixels must become
    greys, else 0.
    """
    black, white = spread(np.int16(0)), spread(np.int16(WHITE))
    for c in range(0, 3 * LANES, LANES):
        store(places, c, clamped(load(values, c), black, white))
    if straight:
        x = codes_of(load(places, 0))
        y = codes_of(load(places, LANES))
        z = codes_of(load(places, 2 * LANES))
    else:
        x = look_up(axis, places, 0)
        y = look_up(axis, places, LANES)
        z = look_up(axis, places, 2 * LANES)
    store_pairs(xy, x, y)
    r, g, b = load(codes, at), load(codes, at + LANES), load(codes, at + 2 * LANES)
    apart = (r ^ g) | (g ^ b)
    store_pairs(z0, z, at_least(black, apart) & spread(neutral))


@merged
def nearest(numbered, xy, z0, sums, count):
    """The nearest colour of each lane; ``sums`` from ``search.fill_sums``."""
    return least_numbered(xy, z0, sums, count) if numbered else least_sum(xy, z0, sums, count)
