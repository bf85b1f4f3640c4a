"""Exact nearest palette colour of a colour. Ties go to the earlier palette colour.

A search caches its results. For Euclidean distances it divides the cube of light into 32³ cells and
stores, for each cell that is used, the candidates: all colours that can be nearest to any point in
the cell. Often there is only one, and no distance is computed. For ciede2000 it caches the answer
for each colour.
"""

import numpy as np

from dither_engine.compiled.decorators import cached, inlined, merged
from dither_engine.compiled.mixing import (
    AXES,
    AXIS_SHIFT,
    CONE_SHIFT,
    CONES,
    SQUARES,
    rounded,
    weight_of,
)
from dither_engine.compiled.search import (
    CELL,
    CELLS,
    CIEDE2000,
    CODE,
    COUNT,
    CURVE,
    GREYEST,
    GREYS,
    INKS,
    LIGHT,
    LISTS,
    MATRICES,
    METRIC,
    NEUTRAL,
    OKLAB,
    POINTS,
    SIDE,
    USED,
    axis_values,
    coordinates,
    difference,
    lab_of,
    square,
)
from dither_engine.light import WHITE

_C = tuple(int(v) for v in CONES.ravel())
_A = tuple(int(v) for v in AXES.ravel())
_CONE_HALF, _AXIS_HALF = 1 << (CONE_SHIFT - 1), 1 << (AXIS_SHIFT - 1)
_GROUP = 16
_NO_LIST = -(1 << 30)


@inlined
def scan_all(search, r, g, b):
    """The nearest of all colours."""
    p, q, s = coordinates(search, r, g, b)
    least = np.int64(1) << 60
    for i in range(search[COUNT]):
        least = min(least, (np.int64(square(search, p, q, s, i)) << 8) | i)
    return least & 255


@merged
def scan_list(search, r, g, b, at):
    """The nearest of the candidates in the list at ``search[at]``; of all when ``at`` is 0."""
    if at == 0:
        return scan_all(search, r, g, b)
    x, y, z = coordinates(search, r, g, b)
    p, q, s = np.int32(x), np.int32(y), np.int32(z)
    least = np.int32(0x7FFFFFFF)
    best = np.int32(0)
    for j in range(at + 1, at + 1 + _GROUP * search[at], _GROUP):
        for k in range(j, j + 4):
            dp = np.int32(search[k + 4] - p)
            dq = np.int32(search[k + 8] - q)
            ds = np.int32(search[k + 12] - s)
            d = np.int32(np.int32(dp * dp) + np.int32(dq * dq) + np.int32(ds * ds))
            i = search[k]  # outside the condition, so that no branch is needed
            closer = d < least
            least = d if closer else least
            best = i if closer else best
    return np.int64(best)


@inlined
def ends(search, place):
    """The least and the greatest code value of the cell at index ``place`` along an axis."""
    last = (place + 1) << CELL if place == SIDE - 1 else ((place + 1) << CELL) - 1
    return np.int64(search[CODE + (place << CELL)]), np.int64(search[CODE + last])


@cached
def explore(search, cell):
    """Find and store the candidates of a cell; returns its new value.

    The difference of two squared distances is linear in the coordinates, and these are linear in
    the axis values, which ascend with the codes. So the extremes of the difference in a cell follow
    from two corners. Let c be the colour nearest to the cell's middle. A colour is no candidate if
    its squared distance minus that of c is positive in the whole cell. Coordinates are rounded, by
    at most one half each, which changes the difference by at most the distance between the two
    colours along the axes.
    """
    r, g, b = cell // (SIDE * SIDE), cell // SIDE % SIDE, cell % SIDE
    r_low, r_high = ends(search, r)
    g_low, g_high = ends(search, g)
    b_low, b_high = ends(search, b)
    low = axis_values(search, r_low, g_low, b_low)
    high = axis_values(search, r_high, g_high, b_high)
    middle = scan_all(search, (r_low + r_high) // 2, (g_low + g_high) // 2, (b_low + b_high) // 2)
    matrix = MATRICES[search[METRIC]]
    start = np.int64(search[USED])
    candidates = np.empty(256, np.int64)
    count = 0
    for i in range(search[COUNT]):
        least = -1.0
        slopes = (0.0, 0.0, 0.0)
        for c in range(3):
            one = np.float64(search[POINTS + 3 * i + c])
            other = np.float64(search[POINTS + 3 * middle + c])
            apart = one - other
            least += one * one - other * other - abs(apart)
            slopes = (
                slopes[0] - 2.0 * matrix[c, 0] * apart,
                slopes[1] - 2.0 * matrix[c, 1] * apart,
                slopes[2] - 2.0 * matrix[c, 2] * apart,
            )
        for a in range(3):
            least += slopes[a] * (low[a] if slopes[a] > 0.0 else high[a])
        if i == middle or least <= 0.0:
            candidates[count] = i
            count += 1
    groups = (count + 3) // 4
    if count == 1:
        search[CELLS + cell] = middle + 1
    elif start + 1 + groups * _GROUP > search.shape[0]:
        search[CELLS + cell] = _NO_LIST
    else:
        search[start] = groups
        for j in range(4 * groups):
            i = candidates[min(j, count - 1)]
            at = start + 1 + j // 4 * _GROUP + j % 4
            search[at] = i
            for c in range(3):
                search[at + 4 + 4 * c] = search[POINTS + 3 * i + c]
        search[USED] = start + 1 + groups * _GROUP
        search[CELLS + cell] = -start
    return np.int64(search[CELLS + cell])


@cached
def remembered(search, r, g, b, only_greys):
    """The nearest colour, or grey, by CIEDE2000; both results for each colour are cached."""
    at = LISTS + ((r << 16) | (g << 8) | b)
    shift = 9 if only_greys else 0
    if search[at] >> shift & 511 == 0:
        x, y, z = lab_of(search, r, g, b)
        best = np.int64(0)
        least = np.int64(1) << 40
        for i in range(search[COUNT]):
            if not only_greys or search[GREYS + i] != 0:
                d = difference(search, x, y, z, i)
                if d < least:
                    least = d
                    best = np.int64(i)
        search[at] |= (best + 1) << shift
    return np.int64(search[at] >> shift & 511) - 1


@inlined
def nearest_grey(search, r, g, b):
    """Position of the palette's grey that is nearest to an 8-bit colour."""
    if search[METRIC] == CIEDE2000:
        return remembered(search, r, g, b, True)
    p, q, s = coordinates(search, r, g, b)
    least = np.int64(1) << 60
    for i in range(search[COUNT]):
        if search[GREYS + i] != 0:
            least = min(least, (np.int64(square(search, p, q, s, i)) << 8) | i)
    return least & 255


@merged
def in_cell(search, cell, r, g, b):
    """The nearest colour to an 8-bit colour that lies in a cell."""
    found = np.int64(search[CELLS + cell])
    if found == 0:
        found = explore(search, cell)
    if found > 0:
        return found - 1
    return scan_list(search, r, g, b, 0 if found == _NO_LIST else -found)


@merged
def cell_of(r, g, b):
    """The cell that contains a light, 0 to WHITE - 1 each."""
    return ((r >> CELL) * SIDE + (g >> CELL)) * SIDE + (b >> CELL)


@merged
def nearest_code(search, r, g, b):
    """Position of the colour nearest to an 8-bit colour (r, g, b: 0 to 255)."""
    r, g, b = np.int64(r), np.int64(g), np.int64(b)
    if search[METRIC] == CIEDE2000:
        return remembered(search, r, g, b, False)
    cell = cell_of(search[LIGHT + r], search[LIGHT + g], search[LIGHT + b])
    return in_cell(search, cell, r, g, b)


@merged
def code_of(search, light):
    """8-bit code value of any light, clamped to 0…WHITE."""
    limited = min(max(np.int64(light), np.int64(0)), np.int64(WHITE))
    return np.int64(search[CODE + limited])


@merged
def nearest_light(search, r, g, b):
    """The same for any light, clamped to 0…WHITE and rounded to 8-bit code values."""
    return nearest_code(search, code_of(search, r), code_of(search, g), code_of(search, b))


@merged
def bent(search, r, g, b, row):
    """The coordinate of a cone response to light, -WHITE to 2 · WHITE each."""
    cone = (_C[3 * row] * r + _C[3 * row + 1] * g + _C[3 * row + 2] * b + _CONE_HALF) >> CONE_SHIFT
    return np.int64(search[CURVE + WHITE + cone])


@merged
def mixing_place(search, r, g, b, weight):
    """Lightness, and a and b times ``weight``, by `mixing`; light of -WHITE to 2 · WHITE."""
    l, m, s = bent(search, r, g, b, 0), bent(search, r, g, b, 1), bent(search, r, g, b, 2)
    return (
        (_A[0] * l + _A[1] * m + _A[2] * s + _AXIS_HALF) >> AXIS_SHIFT,
        rounded((_A[3] * l + _A[4] * m + _A[5] * s + _AXIS_HALF) >> AXIS_SHIFT) * weight,
        rounded((_A[6] * l + _A[7] * m + _A[8] * s + _AXIS_HALF) >> AXIS_SHIFT) * weight,
    )


@inlined
def nearest_mixed(search, r, g, b, weight):
    """The nearest colour by `mixing`; light of -WHITE to 2 · WHITE."""
    x, y, z = mixing_place(search, np.int64(r), np.int64(g), np.int64(b), weight)
    squares = SQUARES * weight
    least = np.int64(1) << 60
    for i in range(search[COUNT]):
        away = (
            search[INKS + i] * x
            + search[INKS + 256 + i] * y
            + search[INKS + 512 + i] * z
            + search[INKS + 768 + i] * squares
            + search[INKS + 1024 + i]
        )
        least = min(least, (away << 8) | i)
    return least & 255


@inlined
def nearest_for_diffusion(search, r, g, b, red, green, blue):
    """The nearest colour for error diffusion.

    r, g, b: light plus the diffused errors, -WHITE to 2 · WHITE. red, green, blue: the pixel's own
    code values.
    """
    if search[METRIC] == OKLAB:
        return nearest_mixed(search, r, g, b, weight_of(red, green, blue, search[GREYEST]))
    if search[NEUTRAL] != 0 and red == green and green == blue:
        return nearest_grey(search, code_of(search, r), code_of(search, g), code_of(search, b))
    return nearest_light(search, r, g, b)
