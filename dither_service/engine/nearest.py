"""Nearest palette colour of an 8-bit sRGB colour, exactly, by one of four distances.

srgb, linear: Euclidean on code values, on linear light. oklab: Euclidean in Oklab
(B. Ottosson, "A perceptual color space for image processing", 2020).
Ties go to the colour that is earlier in the palette.
"""

import numpy as np

from dither_service.engine.compiled import inlined

SRGB, LINEAR, OKLAB, CIEDE2000 = 0, 1, 2, 3
METRICS = {"srgb": SRGB, "linear": LINEAR, "oklab": OKLAB, "ciede2000": CIEDE2000}


@inlined
def cube_root(x):
    """Cube root by Newton's steps on plain arithmetic: the same bits everywhere (libm's vary)."""
    if x <= 0.0:
        return 0.0
    root = 1.0
    scale = 1.0
    while x < 0.125:
        x *= 8.0
        scale *= 0.5
    for _ in range(6):
        root = (2.0 * root + x / (root * root)) / 3.0
    return root * scale


@inlined
def oklab(r, g, b):
    l = cube_root(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    m = cube_root(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s = cube_root(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


@inlined
def coordinates(r, g, b, linear, metric):
    if metric == 0:
        return float(r), float(g), float(b)
    if metric == 1:
        return linear[r], linear[g], linear[b]
    return oklab(linear[r], linear[g], linear[b])


@inlined
def nearest(r, g, b, linear, points, metric):
    x, y, z = coordinates(r, g, b, linear, metric)
    best = 0
    least = np.inf
    for i in range(points.shape[0]):
        dx = points[i, 0] - x
        dy = points[i, 1] - y
        dz = points[i, 2] - z
        d = dx * dx + dy * dy + dz * dz
        if d < least:
            least = d
            best = i
    return best
