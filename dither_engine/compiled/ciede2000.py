"""CIEDE2000 colour difference in basic arithmetic, so that it has the same bits everywhere.

Library implementations of sine, arctangent and exponential differ in the last bit from machine to
machine. Here only + − × ÷ and square root are used, which IEEE 754 defines exactly. The hue is
represented as a unit vector, so only the rotation term needs an angle.

Source: G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation
notes, supplementary test data, and mathematical observations", Color Res. Appl. 30(1), 2005.
Lab is that of sRGB's own white, D65 (CIE 15:2004).
"""

import math

import numpy as np

from dither_engine.compiled.decorators import inlined

_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
# XYZ relative to white, of linear sRGB: each row sums to 1.
WHITE_RELATIVE = _XYZ / _XYZ.sum(axis=1, keepdims=True)

_POW25 = 25.0**7
_C30, _S30 = math.cos(math.radians(30)), math.sin(math.radians(30))
_C6, _S6 = math.cos(math.radians(6)), math.sin(math.radians(6))
_C63, _S63 = math.cos(math.radians(63)), math.sin(math.radians(63))
_DEGREES = 180.0 / math.pi
_SMALL = 1e-17  # smaller terms do not change a sum


@inlined
def cube_root(x):
    """Cube root of 0 ≤ x ≤ 1, by Newton's method, which decreases until it converges."""
    if x <= 0.0:
        return 0.0
    scale = 1.0
    while x < 0.125:
        x *= 8.0
        scale *= 0.5
    root, step = 1.0, 0.0
    while step < root:
        if step > 0.0:
            root = step
        step = (2.0 * root + x / (root * root)) / 3.0
    return root * scale


@inlined
def exponential(x):
    """e to the power of x ≤ 0."""
    halvings = 0
    while x < -0.25:
        x *= 0.5
        halvings += 1
    term, total, i = 1.0, 1.0, 0
    while abs(term) > _SMALL:
        i += 1
        term = term * x / i
        total += term
    for _ in range(halvings):
        total *= total
    return total


@inlined
def small_sine(x):
    """Sine of 0 ≤ x ≤ 1.1."""
    term, total, i = x, x, 1
    while abs(term) > _SMALL:
        term = -term * x * x / ((i + 1) * (i + 2))
        total += term
        i += 2
    return total


@inlined
def angle(x, y):
    """Angle of a unit vector in degrees, 0 to 360: halved until it is small, then a series."""
    if x <= -1.0:
        return 180.0
    tangent = abs(y) / (1.0 + x)
    steps = 2.0
    while tangent > 0.25:
        tangent = tangent / (1.0 + math.sqrt(1.0 + tangent * tangent))
        steps *= 2.0
    term, total, i = tangent, tangent, 1
    while abs(term) > _SMALL:
        i += 2
        term = -term * tangent * tangent
        total += term / i
    degrees = total * steps * _DEGREES
    return 360.0 - degrees if y < 0.0 else degrees


@inlined
def lab_curve(t):
    if t > 216.0 / 24389.0:
        return cube_root(t)
    return (24389.0 / 27.0 * t + 16.0) / 116.0


@inlined
def lab(x, y, z):
    """Lab of XYZ relative to white."""
    x, y, z = lab_curve(x), lab_curve(y), lab_curve(z)
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@inlined
def ciede2000(l1, a1, b1, l2, a2, b2):
    """Colour difference of two Lab colours, kL = kC = kH = 1."""
    mean = (math.sqrt(a1 * a1 + b1 * b1) + math.sqrt(a2 * a2 + b2 * b2)) / 2.0
    seventh = mean * mean * mean
    seventh = seventh * seventh * mean
    g = 0.5 * (1.0 - math.sqrt(seventh / (seventh + _POW25)))
    a1 *= 1.0 + g
    a2 *= 1.0 + g
    c1 = math.sqrt(a1 * a1 + b1 * b1)
    c2 = math.sqrt(a2 * a2 + b2 * b2)
    light, chroma = l2 - l1, c2 - c1
    hue = 2.0 * max(c1 * c2 - a1 * a2 - b1 * b2, 0.0)
    hue = math.sqrt(hue)
    if a1 * b2 - a2 * b1 < 0.0:
        hue = -hue
    # The mean hue is the direction of the sum of the two unit vectors; a grey colour has none.
    x, y = 0.0, 0.0
    if c1 > 0.0:
        x, y = x + a1 / c1, y + b1 / c1
    if c2 > 0.0:
        x, y = x + a2 / c2, y + b2 / c2
    length = math.sqrt(x * x + y * y)
    if length > 1e-9:
        x, y = x / length, y / length
    elif c1 > 0.0:
        x, y = -b1 / c1, a1 / c1  # opposite hues: a quarter turn from the first
    else:
        x, y = 1.0, 0.0
    x2, y2 = x * x - y * y, 2.0 * x * y
    x3, y3 = x2 * x - y2 * y, x2 * y + y2 * x
    x4, y4 = x2 * x2 - y2 * y2, 2.0 * x2 * y2
    t = (
        1.0
        - 0.17 * (x * _C30 + y * _S30)
        + 0.24 * x2
        + 0.32 * (x3 * _C6 - y3 * _S6)
        - 0.20 * (x4 * _C63 + y4 * _S63)
    )
    mean_c = (c1 + c2) / 2.0
    mean_l = (l1 + l2) / 2.0 - 50.0
    s_l = 1.0 + 0.015 * mean_l * mean_l / math.sqrt(20.0 + mean_l * mean_l)
    s_c = 1.0 + 0.045 * mean_c
    s_h = 1.0 + 0.015 * mean_c * t
    seventh = mean_c * mean_c * mean_c
    seventh = seventh * seventh * mean_c
    away = (angle(x, y) - 275.0) / 25.0
    rotation = exponential(-away * away) * 60.0 / _DEGREES
    r_t = -2.0 * math.sqrt(seventh / (seventh + _POW25)) * small_sine(rotation)
    light, chroma, hue = light / s_l, chroma / s_c, hue / s_h
    square = light * light + chroma * chroma + hue * hue + r_t * chroma * hue
    return math.sqrt(max(square, 0.0))
