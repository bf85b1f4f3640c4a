"""Nearest palette colour of an 8-bit sRGB colour, exactly, by one of four distances.

- srgb, linear: Euclidean on code values, on linear light;
- oklab: Euclidean in Oklab (B. Ottosson, "A perceptual color space for image processing", 2020);
- ciede2000: see `ciede2000`.

Distances are whole numbers made from tables, so they are the same on every machine. Ties go to
the colour that is earlier in the palette.

A search remembers. For the first three distances it divides the cube of light into 32³ cells and
keeps, for each cell that was asked for, the colours that can be nearest to anything in it: most
often one, and then nothing is left to compute. For ciede2000 it keeps every answer.

Inside kernels a search is one flat array of 32-bit integers, its parts at fixed places: Numba
counts references to every array of a tuple each time it is touched, which costs more than the
search itself.
"""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_service.engine.compiled.ciede2000 import WHITE_RELATIVE, ciede2000, lab
from dither_service.engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_service.engine.light import WHITE, code_of_light, light_of_code, srgb_to_linear

METRICS = {"srgb": 0, "linear": 1, "oklab": 2, "ciede2000": 3}
_LINEAR_SCALE = 16383
_ROOT_SIZE = 1 << 16
_FIXED = 14

_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.rint(
    np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    * (1 << _FIXED)
)
_M = tuple(int(v) for v in _OKLAB.ravel())
_MATRICES = np.stack([np.eye(3), np.eye(3), _OKLAB / (1 << _FIXED)])

CELL = 8  # bits of light within a cell
SIDE = WHITE >> CELL  # cells along an axis; white itself is in the last
_GROUP = 16
_ROOM = 1 << 22  # for lists; a cell that finds none left looks at all colours
_NO_LIST = -(1 << 30)

# The parts of a search, in order. Number of colours; which distance; how much of the lists is used;
_COUNT, _METRIC, _USED = 0, 1, 2
# the 8-bit code of each light;
_CODE = 16
# the light of each code value, at most WHITE - 1;
_LIGHT = _CODE + WHITE + 16
# the coordinate of each code value (srgb, linear), or, for each cone or XYZ component, of each
# code value of each channel (oklab, ciede2000);
_AXIS = _LIGHT + 256
# the cube root of each cone response (oklab);
_ROOT = _AXIS + 9 * 256
# the cells: 0 unknown, 1 + the only candidate, or minus where in the lists the candidates are;
CELLS = _ROOT + _ROOT_SIZE
# three coordinates of each colour;
_POINTS = CELLS + SIDE**3
# the lists: number of groups; a group is four candidates, ascending (the last may come again), and
# their coordinates, one after the other. For ciede2000, 1 + the answer for each 24-bit colour.
_LISTS = _POINTS + 3 * 256

_XYZ_SCALE = float(1 << 30)
_LAB_SCALE = float(1 << 20)

Search = NDArray[np.int32]
SEARCH: Any = array_out(types.int32, 1)


def prepare(colours: NDArray[np.uint8], distance: str, light: str) -> Search:
    """Make ``uint8 (n, 3)`` colours ready: ``distance`` of METRICS, ``light`` of the options."""
    lists = 1 << 24 if distance == "ciede2000" else _ROOM
    search = np.zeros(_LISTS + lists, np.int32)
    search[_COUNT], search[_METRIC], search[_USED] = len(colours), METRICS[distance], _LISTS
    search[_CODE : _CODE + WHITE + 1] = code_of_light(light)
    search[_LIGHT : _LIGHT + 256] = np.minimum(light_of_code(light), WHITE - 1)
    tables = _tables(distance)
    search[_AXIS : _AXIS + len(tables)] = tables
    if distance == "oklab":
        search[_ROOT:CELLS] = _roots()
    place(search, colours)
    return search


@cache
def _tables(distance: str) -> NDArray[np.int32]:
    code = np.arange(256)
    linear = srgb_to_linear(code / 255)
    tables = {
        "srgb": code,
        "linear": linear * _LINEAR_SCALE,
        "oklab": _LMS[:, :, None] * linear * (_ROOT_SIZE - 1),
        "ciede2000": WHITE_RELATIVE[:, :, None] * linear * _XYZ_SCALE,
    }
    whole: NDArray[np.int32] = np.rint(tables[distance]).astype(np.int32).ravel()
    return whole


@cache
def _roots() -> NDArray[np.int32]:
    roots = np.cbrt(np.arange(_ROOT_SIZE) / (_ROOT_SIZE - 1))
    whole: NDArray[np.int32] = np.rint(roots * (1 << _FIXED)).astype(np.int32)
    return whole


@merged
def mixed(search, row, r, g, b):
    """One component (cone response, X, Y or Z) of an 8-bit colour."""
    at = _AXIS + row * 768
    return search[at + r] + search[at + 256 + g] + search[at + 512 + b]


@merged
def axis_values(search, r, g, b):
    """What the coordinates are linear in; each ascends with each argument. Not for ciede2000."""
    if search[_METRIC] < 2:
        return (
            np.int64(search[_AXIS + r]),
            np.int64(search[_AXIS + g]),
            np.int64(search[_AXIS + b]),
        )
    last = _ROOT_SIZE - 1
    return (
        np.int64(search[_ROOT + min(mixed(search, 0, r, g, b), last)]),
        np.int64(search[_ROOT + min(mixed(search, 1, r, g, b), last)]),
        np.int64(search[_ROOT + min(mixed(search, 2, r, g, b), last)]),
    )


@merged
def coordinates(search, r, g, b):
    """Where an 8-bit colour lies; not for ciede2000."""
    l, m, s = axis_values(search, r, g, b)
    if search[_METRIC] < 2:
        return l, m, s
    half = 1 << (_FIXED - 1)
    return (
        (_M[0] * l + _M[1] * m + _M[2] * s + half) >> _FIXED,
        (_M[3] * l + _M[4] * m + _M[5] * s + half) >> _FIXED,
        (_M[6] * l + _M[7] * m + _M[8] * s + half) >> _FIXED,
    )


@inlined
def lab_of(search, r, g, b):
    """Lab of an 8-bit colour, for ciede2000."""
    return lab(
        mixed(search, 0, r, g, b) / _XYZ_SCALE,
        mixed(search, 1, r, g, b) / _XYZ_SCALE,
        mixed(search, 2, r, g, b) / _XYZ_SCALE,
    )


@inlined
def difference(search, x, y, z, i):
    """CIEDE2000 from a Lab colour to the palette's colour i, in 1/65536."""
    at = _POINTS + 3 * i
    return np.int64(
        65536.0
        * ciede2000(
            x,
            y,
            z,
            search[at] / _LAB_SCALE,
            search[at + 1] / _LAB_SCALE,
            search[at + 2] / _LAB_SCALE,
        )
    )


@merged
def square(search, p, q, s, i):
    """Squared distance from coordinates to the palette's colour i."""
    at = _POINTS + 3 * i
    dp, dq, ds = search[at] - p, search[at + 1] - q, search[at + 2] - s
    return dp * dp + dq * dq + ds * ds


@kernel(SEARCH, array_in(types.uint8, 2))
def place(search, colours):
    """Fill in the coordinates of the colours."""
    for i in range(colours.shape[0]):
        r, g, b = np.int64(colours[i, 0]), np.int64(colours[i, 1]), np.int64(colours[i, 2])
        at = _POINTS + 3 * i
        if search[_METRIC] == 3:
            x, y, z = lab_of(search, r, g, b)
            search[at] = round(x * _LAB_SCALE)
            search[at + 1] = round(y * _LAB_SCALE)
            search[at + 2] = round(z * _LAB_SCALE)
        else:
            search[at], search[at + 1], search[at + 2] = coordinates(search, r, g, b)


@inlined
def distances(search, r, g, b, out):
    """Distance of an 8-bit colour to each colour of the palette: ``out`` is ``int32 (n,)``.

    Squared for srgb, linear and oklab; only good for comparing within one palette.
    """
    r, g, b = np.int64(r), np.int64(g), np.int64(b)
    if search[_METRIC] == 3:
        x, y, z = lab_of(search, r, g, b)
        for i in range(search[_COUNT]):
            out[i] = difference(search, x, y, z, i)
        return
    p, q, s = coordinates(search, r, g, b)
    for i in range(search[_COUNT]):
        out[i] = square(search, p, q, s, i)


@inlined
def scan_all(search, r, g, b):
    """The nearest of all colours."""
    p, q, s = coordinates(search, r, g, b)
    least = np.int64(1) << 60
    for i in range(search[_COUNT]):
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
            i = search[k]  # outside of the condition, so that it needs no branch
            closer = d < least
            least = d if closer else least
            best = i if closer else best
    return np.int64(best)


@inlined
def ends(search, place):
    """The least and the greatest code value of a cell that is ``place``-th along an axis."""
    last = (place + 1) << CELL if place == SIDE - 1 else ((place + 1) << CELL) - 1
    return np.int64(search[_CODE + (place << CELL)]), np.int64(search[_CODE + last])


@numba.njit(types.int64(SEARCH, types.int64), nogil=True, cache=True)
def explore(search, cell):
    """Find and keep the candidates of a cell; returns its new value.

    The difference of two squared distances is linear in the coordinates, and they are linear in
    the axis values, which ascend with the codes. So its extremes over a cell follow from two
    corners. A colour is no candidate if even its least difference to the colour nearest to the
    middle is above zero. Coordinates are rounded, by at most one half each, which shifts the
    difference by at most the colours' distance along the axes.
    """
    r, g, b = cell // (SIDE * SIDE), cell // SIDE % SIDE, cell % SIDE
    r_low, r_high = ends(search, r)
    g_low, g_high = ends(search, g)
    b_low, b_high = ends(search, b)
    low = axis_values(search, r_low, g_low, b_low)
    high = axis_values(search, r_high, g_high, b_high)
    middle = scan_all(search, (r_low + r_high) // 2, (g_low + g_high) // 2, (b_low + b_high) // 2)
    matrix = _MATRICES[search[_METRIC]]
    start = np.int64(search[_USED])
    candidates = np.empty(256, np.int64)
    count = 0
    for i in range(search[_COUNT]):
        least = -1.0
        slopes = (0.0, 0.0, 0.0)
        for c in range(3):
            one = np.float64(search[_POINTS + 3 * i + c])
            other = np.float64(search[_POINTS + 3 * middle + c])
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
                search[at + 4 + 4 * c] = search[_POINTS + 3 * i + c]
        search[_USED] = start + 1 + groups * _GROUP
        search[CELLS + cell] = -start
    return np.int64(search[CELLS + cell])


@numba.njit(types.int64(SEARCH, types.int64, types.int64, types.int64), nogil=True, cache=True)
def remembered(search, r, g, b):
    """The nearest colour by CIEDE2000, computed once for each colour asked for."""
    at = _LISTS + ((r << 16) | (g << 8) | b)
    if search[at] == 0:
        x, y, z = lab_of(search, r, g, b)
        best = np.int64(0)
        least = np.int64(1) << 40
        for i in range(search[_COUNT]):
            d = difference(search, x, y, z, i)
            if d < least:
                least = d
                best = np.int64(i)
        search[at] = best + 1
    return np.int64(search[at]) - 1


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
    """The cell of light, 0 to WHITE - 1 each."""
    return ((r >> CELL) * SIDE + (g >> CELL)) * SIDE + (b >> CELL)


@merged
def nearest_code(search, r, g, b):
    """Position of the colour nearest to an 8-bit colour (r, g, b: 0 to 255)."""
    r, g, b = np.int64(r), np.int64(g), np.int64(b)
    if search[_METRIC] == 3:
        return remembered(search, r, g, b)
    cell = cell_of(search[_LIGHT + r], search[_LIGHT + g], search[_LIGHT + b])
    return in_cell(search, cell, r, g, b)


@merged
def code_of(search, light):
    """8-bit code value of light of any size, clamped to 0…WHITE."""
    limited = min(max(np.int64(light), np.int64(0)), np.int64(WHITE))
    return np.int64(search[_CODE + limited])


@merged
def nearest_light(search, r, g, b):
    """The same for light of any size, clamped to 0…WHITE and rounded to 8-bit code values."""
    return nearest_code(search, code_of(search, r), code_of(search, g), code_of(search, b))


@merged
def nearest_in_cell(search, cell, r, g, b):
    """`nearest_light` of light that is known to be in a cell, once clamped to 0…WHITE - 1."""
    r, g, b = code_of(search, r), code_of(search, g), code_of(search, b)
    if search[_METRIC] == 3:
        return remembered(search, r, g, b)
    return in_cell(search, cell, r, g, b)
