"""The convex hull of a palette in linear light, and the projection of a colour onto it.

The hull is the set of colours that the palette can mix. The nearest point is measured in Oklab with
weight one for lightness, two for chroma and hue, and four for the hue of very colourful colours: so
pure green maps to the palette's green, not to a yellow of the same lightness. The surface is
searched at sample points of every face, then within the best point's face, with a step size that
halves.
"""

import math

from numba import types

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.light import WHITE

ROOTS = 1 << 16
_FLAT = 1e-6
OUT = 0.01  # of white: a colour that is less far outside counts as inside

_F8 = types.float64


@kernel(array_in(_F8, 2), array_out(types.int64, 2), array_out(_F8, 2), array_out(types.int64, 1))
def find_faces(points, corners, planes, count):
    """The hull's faces: triples of points with all others on one side; planes face outwards.

    ``count``: the number of faces, and whether all points lie in one plane.
    """
    size, found, flat = points.shape[0], 0, True
    for i in range(size):
        for j in range(i + 1, size):
            ax, ay, az = (
                points[j, 0] - points[i, 0],
                points[j, 1] - points[i, 1],
                points[j, 2] - points[i, 2],
            )
            for k in range(j + 1, size):
                bx, by, bz = (
                    points[k, 0] - points[i, 0],
                    points[k, 1] - points[i, 1],
                    points[k, 2] - points[i, 2],
                )
                x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                length = math.sqrt(x * x + y * y + z * z)
                if length < _FLAT:
                    continue
                x, y, z = x / length, y / length, z / length
                start = x * points[i, 0] + y * points[i, 1] + z * points[i, 2]
                above = below = False
                for p in range(size):
                    off = x * points[p, 0] + y * points[p, 1] + z * points[p, 2] - start
                    above = above or off > _FLAT
                    below = below or off < -_FLAT
                    if above and below:
                        break
                flat = flat and not (above or below)
                if (above and below) or found == corners.shape[0]:
                    continue
                corners[found, 0], corners[found, 1], corners[found, 2] = i, j, k
                sign = -1.0 if above else 1.0
                planes[found, 0], planes[found, 1], planes[found, 2] = sign * x, sign * y, sign * z
                planes[found, 3] = sign * start
                found += 1
    count[0], count[1] = found, flat


@inlined
def oklab(linear, roots, r, g, b):
    """Oklab of light 0 to 1. ``linear``: linear light of it, in steps of WHITE; ``roots``: cube
    roots, in steps of ROOTS."""
    r = linear[int(r * WHITE + 0.5)]
    g = linear[int(g * WHITE + 0.5)]
    b = linear[int(b * WHITE + 0.5)]
    l = roots[int(ROOTS * (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) + 0.5)]
    m = roots[int(ROOTS * (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) + 0.5)]
    s = roots[int(ROOTS * (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) + 0.5)]
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


@inlined
def hue_weight(a, b):
    """Weight of the squared hue difference: 4, rising to 16 where the chroma is above 0.15."""
    return 4.0 + min(max(160.0 * (math.sqrt(a * a + b * b) - 0.22), 0.0), 12.0)


@inlined
def apart(weight, l1, a1, b1, l2, a2, b2):
    light = l1 - l2
    one, other = math.sqrt(a1 * a1 + b1 * b1), math.sqrt(a2 * a2 + b2 * b2)
    hue = 2.0 * (one * other - a1 * a2 - b1 * b2)
    return light * light + 4.0 * (one - other) * (one - other) + weight * hue


@kernel(array_in(_F8, 2), array_in(_F8, 1), array_in(_F8, 1), array_out(_F8, 2))
def to_oklab(points, linear, roots, out):
    for i in range(points.shape[0]):
        out[i, 0], out[i, 1], out[i, 2] = oklab(
            linear, roots, points[i, 0], points[i, 1], points[i, 2]
        )


@inlined
def mixed(face, u, v):
    """The point of a face with weight ``u`` for its second and ``v`` for its third corner."""
    w = 1.0 - u - v
    return (
        w * face[0, 0] + u * face[1, 0] + v * face[2, 0],
        w * face[0, 1] + u * face[1, 1] + v * face[2, 1],
        w * face[0, 2] + u * face[1, 2] + v * face[2, 2],
    )


@inlined
def project(r, g, b, faces, linear, roots, seen, places):
    """The point of the surface nearest to light (r, g, b)."""
    lightness, x, y = oklab(linear, roots, r, g, b)
    weight = hue_weight(x, y)
    best, least = 0, 1e9
    for i in range(seen.shape[0]):
        away = apart(weight, lightness, x, y, seen[i, 0], seen[i, 1], seen[i, 2])
        if away < least:
            best, least = i, away
    face = faces[int(places[best, 0])]
    u, v = places[best, 1], places[best, 2]
    step = 0.0625
    while step > 0.001:
        new_u, new_v = u, v
        for du in range(-1, 2):
            for dv in range(-1, 2):
                at_u, at_v = u + du * step, v + dv * step
                if at_u < 0.0 or at_v < 0.0 or at_u + at_v > 1.0:
                    continue
                pr, pg, pb = mixed(face, at_u, at_v)
                l2, a2, b2 = oklab(linear, roots, pr, pg, pb)
                away = apart(weight, lightness, x, y, l2, a2, b2)
                if away < least:
                    least, new_u, new_v = away, at_u, at_v
        if new_u == u and new_v == v:
            step *= 0.5
        u, v = new_u, new_v
    return mixed(face, u, v)
