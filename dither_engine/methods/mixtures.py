"""Ordered dithering to a palette: each colour is a mixture of up to four palette colours.

For a colour v, find the shares t of the colours c (at least 0, with the sum 1) that minimise

    |Σ t c − v|² + GRAIN · Σ t |c − v|²

(squared distances in light, each channel weighted by its luminance). The first term is the error of
the mean. The second decides between mixtures that have the same mean: colours that lie far apart
make coarse grain. (Its distances are up to a 16th longer, by a different part for each colour.
Otherwise many sets of colours would be equally good in a regular palette, like the eight corners of
the cube.) Where v can be mixed, the chosen colours are the corners of the Delaunay cell that
contains v: an edge, a triangle or a tetrahedron. The mean must not suffer from the second
term, so the shares of the chosen colours are then those that minimise the first term alone.

The colours are sorted from light to dark; a pixel becomes the first colour at which the sum of the
shares reaches the threshold. For black and white, and for any list of greys, this equals ordered
dithering to levels.

The minimum is found with an active set (C. L. Lawson, R. J. Hanson, "Solving least squares
problems", 1974, chapter 23): add the colour with the steepest descent, solve for the shares of the
active colours, remove those whose share would be negative; repeat.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_engine.light import WHITE
from dither_engine.masks import ONE, Mask
from dither_engine.work import Palette

GRAIN = 1 / 2048
MOST = 4  # colours of a mixture
_ACTIVE = MOST + 2  # at most, while searching
_SUM = 1000.0  # weight of the condition that the sum is 1
_RIDGE = 1e-10  # so that colours in one plane do not make the equations singular
_STEEP = 1e-9  # a less steep descent is a rounding error
_STEPS = 64
_GOLDEN = 0.6180339887498949  # times squares: no linear function, which would break no tie
_SLOTS = 1 << 16
_PLACE = 20  # bits of a sum of shares in the cache
_FIELD = (1 << _PLACE) - 1
_CHANNELS = np.sqrt(np.array([0.2126, 0.7152, 0.0722]))


class Mixtures:
    """Mixtures of a palette's colours, and a cache of those that were needed."""

    def __init__(self, target: Palette) -> None:
        luminance = target.lights @ np.array([2126, 7152, 722])
        self._order = np.argsort(-luminance, kind="stable")
        self._points = target.lights[self._order] / WHITE * _CHANNELS
        self._cache = np.full((_SLOTS, 3), -1, np.int64)

    def dither(
        self,
        pixels: NDArray[np.uint8],
        light: NDArray[np.int16],
        thresholds: Mask,
        out: NDArray[np.uint8],
    ) -> None:
        """Rows of ``uint8 (H, W, 3)`` → positions, ``uint8 (H, W)``.

        light: see `Work`. thresholds: as in a `Layer`, one channel.
        """
        weighted = (light / WHITE)[:, None] * _CHANNELS
        mix_rows(pixels, weighted, self._points, self._order, thresholds, self._cache, out)


@inlined
def luminance(lights, i):
    """Luminance of a palette colour, 0 to 10000 · WHITE (ITU-R BT.709)."""
    return (
        2126 * np.int64(lights[i, 0]) + 7152 * np.int64(lights[i, 1]) + 722 * np.int64(lights[i, 2])
    )


@inlined
def dot(points, i, j):
    return points[i, 0] * points[j, 0] + points[i, 1] * points[j, 1] + points[i, 2] * points[j, 2]


@inlined
def solve(points, r, g, b, grain, active, count, system):
    """The shares of the active colours, of any sign: column ``count`` of the system."""
    for m in range(count):
        i = active[m]
        for n in range(count):
            system[m, n] = _SUM + dot(points, i, active[n])
        system[m, m] += _RIDGE
        system[m, count] = _SUM + points[i, 0] * r + points[i, 1] * g + points[i, 2] * b
        system[m, count] -= grain * cost_of(points, i, r, g, b)
    for m in range(count):  # Gauss–Jordan; the matrix is positive definite
        for n in range(m + 1, count + 1):
            system[m, n] /= system[m, m]
        for i in range(count):
            if i != m:
                for n in range(m + 1, count + 1):
                    system[i, n] -= system[i, m] * system[m, n]


@inlined
def away(points, i, r, g, b):
    """Half the squared distance of a colour."""
    dr, dg, db = points[i, 0] - r, points[i, 1] - g, points[i, 2] - b
    return 0.5 * (dr * dr + dg * dg + db * db)


@inlined
def cost_of(points, i, r, g, b):
    """Half of what a colour adds to the grain; see above."""
    return away(points, i, r, g, b) * (1.0 + (i + 1) * (i + 1) * _GOLDEN % 1.0 / 16)


@inlined
def best_mixture(points, r, g, b, active, shares, count):
    """Fill in up to `MOST` colours, from light to dark, and their shares; returns their number.

    points: the colours from light to dark, (n, 3); r, g, b: the wanted colour; light of 0 to 1
    times `_CHANNELS`. active, shares: `_ACTIVE` numbers, of which the first ``count`` are a mixture
    to start from, which saves time: neighbours in a picture are often mixed of the same colours.
    Only if two mixtures are equally good, the result depends on it. count: 0 if there is none.
    """
    system = np.empty((_ACTIVE, _ACTIVE + 1))
    nearest = nearest_point(points, r, g, b)
    if count == 0 or away(points, nearest, r, g, b) == 0.0:
        active[0], shares[0], count = nearest, 1.0, 1
    for _ in range(_STEPS):
        count = settle(points, r, g, b, GRAIN, active, count, shares, system)
        new = steepest(points, r, g, b, active, count, shares)
        if new < 0 or count == _ACTIVE:
            break
        active[count], shares[count] = new, 0.0
        count += 1
    while count > MOST:
        count = without_least(active, count, shares)
    sort(active, count, shares)
    count = settle(points, r, g, b, 0.0, active, count, shares, system)
    sort(active, count, shares)
    total = 0.0
    for m in range(count):
        total += shares[m]
    for m in range(count):
        shares[m] /= total
    return count


@inlined
def nearest_point(points, r, g, b):
    nearest = 0
    for i in range(points.shape[0]):
        if away(points, i, r, g, b) < away(points, nearest, r, g, b):
            nearest = i
    return nearest


@inlined
def steepest(points, r, g, b, active, count, shares):
    """The colour whose share should grow from 0: the one with the steepest descent; -1: none."""
    dr, dg, db, total = -r, -g, -b, -1.0
    for m in range(count):
        i = active[m]
        dr += shares[m] * points[i, 0]
        dg += shares[m] * points[i, 1]
        db += shares[m] * points[i, 2]
        total += shares[m]
    least, new = -_STEEP, -1
    for i in range(points.shape[0]):
        slope = dr * points[i, 0] + dg * points[i, 1] + db * points[i, 2]
        slope += _SUM * total + GRAIN * cost_of(points, i, r, g, b)
        if slope < least:
            least, new = slope, i
    for m in range(count):
        if active[m] == new:
            new = -1
    return new


@inlined
def settle(points, r, g, b, grain, active, count, shares, system):
    """Move the shares to the solution; colours that would get a negative share are removed."""
    while True:
        solve(points, r, g, b, grain, active, count, system)
        part, negative = 1.0, -1
        for m in range(count):
            if system[m, count] <= 0.0 and shares[m] < part * (shares[m] - system[m, count]):
                part, negative = shares[m] / (shares[m] - system[m, count]), m
        for m in range(count):
            shares[m] += part * (system[m, count] - shares[m])
        if negative < 0 or count == 1:
            return count
        count -= 1
        active[negative], shares[negative] = active[count], shares[count]


@inlined
def without_least(active, count, shares):
    """Remove the colour with the smallest share; returns the number of those left."""
    least = 0
    for m in range(1, count):
        if shares[m] < shares[least]:
            least = m
    active[least], shares[least] = active[count - 1], shares[count - 1]
    return count - 1


@inlined
def sort(active, count, shares):
    """Sort by position: from light to dark."""
    for m in range(1, count):
        i, share = active[m], shares[m]
        n = m
        while n > 0 and active[n - 1] > i:
            active[n], shares[n] = active[n - 1], shares[n - 1]
            n -= 1
        active[n], shares[n] = i, share


@kernel(
    array_in(types.uint8, 3),
    array_in(types.float64, 2),
    array_in(types.float64, 2),
    array_in(types.int64, 1),
    array_in(types.uint16, 3),
    array_out(types.int64, 2),
    array_out(types.uint8, 2),
)
def mix_rows(pixels, light, points, order, thresholds, cache, out):
    """points: see `best_mixture`, from light to dark; order: their positions in the palette.

    light: of each code value, times `_CHANNELS`. cache: for a colour its code values, four
    positions, and the sums of shares up to the first, second and third, in 65536ths.
    """
    active, shares, count = np.zeros(_ACTIVE, np.int64), np.zeros(_ACTIVE), 0
    for y in range(pixels.shape[0]):
        row = thresholds[y % thresholds.shape[0]]
        for x in range(pixels.shape[1]):
            cr, cg, cb = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
            key = (np.int64(cr) << 16) | (np.int64(cg) << 8) | np.int64(cb)
            slot = (key * 40503 >> 4) & (cache.shape[0] - 1)
            if cache[slot, 0] != key:
                count = best_mixture(
                    points, light[cr, 0], light[cg, 1], light[cb, 2], active, shares, count
                )
                colours, sums, total = np.int64(0), np.int64(0), 0.0
                for m in range(MOST):
                    i = active[min(m, count - 1)]
                    colours |= order[i] << (8 * m)
                    total += shares[m] if m < count else 0.0
                    if m < MOST - 1:
                        reached = int(total * ONE + 0.5) if m < count - 1 else ONE
                        sums |= np.int64(reached) << (_PLACE * m)
                cache[slot, 0], cache[slot, 1], cache[slot, 2] = key, colours, sums
            sums, threshold = cache[slot, 2], np.int64(row[x, 0])
            place = np.int64(threshold > sums & _FIELD)
            place += threshold > sums >> _PLACE & _FIELD
            place += threshold > sums >> (2 * _PLACE)
            out[y, x] = cache[slot, 1] >> (8 * place) & 255
