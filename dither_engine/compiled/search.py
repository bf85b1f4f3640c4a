"""A palette prepared for kernels: coordinates of its colours, and distances to them.

- srgb, linear: Euclidean on code values, on linear light;
- oklab: Euclidean in Oklab (B. Ottosson, "A perceptual color space for image processing", 2020),
  with double weight for a and b, as in the difference that its author proposed for CSS ("ΔEOK2").
  Methods that diffuse errors, and the method that does not dither, use `mixing` instead;
- ciede2000: see `ciede2000`.

Distances are integers computed from tables, so they are the same on every machine.

Inside kernels a search is one flat array of 32-bit integers, its parts at fixed offsets: Numba
counts references to every array of a tuple at each access, which costs more than the search
itself. `nearest` also stores its cache there.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_engine.compiled import mixing
from dither_engine.compiled.ciede2000 import WHITE_RELATIVE, ciede2000, lab
from dither_engine.compiled.decorators import array_in, array_out, inlined, kernel, merged
from dither_engine.greys import greys_of
from dither_engine.light import WHITE, code_of_light, light_of_code, srgb_to_linear
from dither_engine.memory import reusable

METRICS = {"srgb": 0, "linear": 1, "oklab": 2, "ciede2000": 3}
SRGB, OKLAB, CIEDE2000 = METRICS["srgb"], METRICS["oklab"], METRICS["ciede2000"]
NOT_GREY = (1 << 15) - 1  # its square is more than the distance of black and white
NUMBERED = 128  # factor of the coordinates, for sums whose low bits are the colour's number
_LINEAR_SCALE = 16383
_ROOT_SIZE = 1 << 16
_FIXED = 14

OKLAB_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB_AXES = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_OKLAB = np.rint(OKLAB_AXES * [[1], [2], [2]] * (1 << _FIXED))
_M = tuple(int(v) for v in _OKLAB.ravel())
MATRICES = np.stack([np.eye(3), np.eye(3), _OKLAB / (1 << _FIXED)])

CELL = 8  # bits of light within a cell
SIDE = WHITE >> CELL  # cells along an axis; white itself is in the last
_ROOM = 1 << 22  # for lists; when it is full, new cells compare all colours

# The parts of a search, in order. Number of colours; which distance; used length of the lists;
COUNT, METRIC, USED = 0, 1, 2
# whether any colour is a grey;
NEUTRAL = 3
# the 8-bit code of each light;
CODE = 16
# the light of each code value, at most WHITE - 1;
LIGHT = CODE + WHITE + 16
# the coordinate of each code value (srgb, linear), or, for each cone or XYZ component, of each
# code value of each channel (oklab, ciede2000);
AXIS = LIGHT + 256
# the cube root of each cone response (oklab);
_ROOT = AXIS + 9 * 256
# the cells: 0 unknown, 1 + the only candidate, or minus the offset of the candidates' list;
CELLS = _ROOT + _ROOT_SIZE
# three coordinates of each colour;
POINTS = CELLS + SIDE**3
# for `mixing`: its curve, -WHITE to 2 · WHITE; five rows of 256, one number for each colour;
CURVE = POINTS + 3 * 256
INKS = CURVE + 3 * WHITE + 16
# whether each colour is a grey: the only ones for a grey pixel where errors are diffused, if there
# are any (`greys_of`);
GREYS = INKS + 5 * 256
# the lists: number of groups; a group is four candidates, ascending (the last may be repeated), and
# their coordinates, one after the other. For ciede2000, 1 + the answer for each 24-bit colour.
LISTS = GREYS + 256

_XYZ_SCALE = float(1 << 30)
_LAB_SCALE = float(1 << 20)

Search = NDArray[np.int32]
SEARCH: Any = array_out(types.int32, 1)


def prepare(colours: NDArray[np.uint8], distance: str, light: str) -> Search:
    """Prepare ``uint8 (n, 3)`` colours: ``distance`` of METRICS, ``light`` of the options."""
    lists = 1 << 24 if distance == "ciede2000" else _ROOM
    search = reusable(LISTS + lists, np.int32)
    search[: LISTS if distance != "ciede2000" else None] = 0  # lists are written before read
    search[COUNT], search[METRIC], search[USED] = len(colours), METRICS[distance], LISTS
    search[CODE : CODE + WHITE + 1] = code_of_light(light)
    search[LIGHT : LIGHT + 256] = np.minimum(light_of_code(light), WHITE - 1)
    tables = _tables(distance)
    search[AXIS : AXIS + len(tables)] = tables
    if distance == "oklab":
        search[_ROOT:CELLS] = _roots()
    bend(search, light_of_code(light)[colours], light, "kept")
    place(search, colours)
    greys = greys_of(colours)
    search[NEUTRAL], search[GREYS + greys] = len(greys) > 0, 1
    return search


def bend(search: Search, lights: NDArray[np.int16], light: str, errors: mixing.Errors) -> None:
    """Prepare ``search`` for `mixing`, if that is its distance."""
    if search[METRIC] != OKLAB:
        return
    search[CURVE : CURVE + 3 * WHITE + 1] = mixing.curve(light, errors)
    table = search[INKS:GREYS].reshape(5, 256)
    table[:, : len(lights)] = mixing.inks(lights, light, errors)


@cache
def _tables(distance: str) -> NDArray[np.int32]:
    code = np.arange(256)
    linear = srgb_to_linear(code / 255)
    tables = {
        "srgb": code,
        "linear": linear * _LINEAR_SCALE,
        "oklab": OKLAB_CONES[:, :, None] * linear * (_ROOT_SIZE - 1),
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
    at = AXIS + row * 768
    return search[at + r] + search[at + 256 + g] + search[at + 512 + b]


@merged
def axis_values(search, r, g, b):
    """Values of which coordinates are linear functions; monotonic in r, g, b. Not ciede2000."""
    if search[METRIC] < OKLAB:
        return (
            np.int64(search[AXIS + r]),
            np.int64(search[AXIS + g]),
            np.int64(search[AXIS + b]),
        )
    last = _ROOT_SIZE - 1
    return (
        np.int64(search[_ROOT + min(mixed(search, 0, r, g, b), last)]),
        np.int64(search[_ROOT + min(mixed(search, 1, r, g, b), last)]),
        np.int64(search[_ROOT + min(mixed(search, 2, r, g, b), last)]),
    )


@merged
def coordinates(search, r, g, b):
    """Coordinates of an 8-bit colour; not for ciede2000."""
    l, m, s = axis_values(search, r, g, b)
    if search[METRIC] < OKLAB:
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
    at = POINTS + 3 * i
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
    at = POINTS + 3 * i
    dp, dq, ds = search[at] - p, search[at + 1] - q, search[at + 2] - s
    return dp * dp + dq * dq + ds * ds


@kernel(SEARCH, array_in(types.uint8, 2))
def place(search, colours):
    """Fill in the coordinates of the colours."""
    for i in range(colours.shape[0]):
        r, g, b = np.int64(colours[i, 0]), np.int64(colours[i, 1]), np.int64(colours[i, 2])
        at = POINTS + 3 * i
        if search[METRIC] == CIEDE2000:
            x, y, z = lab_of(search, r, g, b)
            search[at] = round(x * _LAB_SCALE)
            search[at + 1] = round(y * _LAB_SCALE)
            search[at + 2] = round(z * _LAB_SCALE)
        else:
            search[at], search[at + 1], search[at + 2] = coordinates(search, r, g, b)


@inlined
def distances(search, r, g, b, out):
    """Distance of an 8-bit colour to each colour of the palette: ``out`` is ``int32 (n,)``.

    Squared for srgb, linear and oklab; comparable only within one palette.
    """
    r, g, b = np.int64(r), np.int64(g), np.int64(b)
    if search[METRIC] == CIEDE2000:
        x, y, z = lab_of(search, r, g, b)
        for i in range(search[COUNT]):
            out[i] = difference(search, x, y, z, i)
        return
    p, q, s = coordinates(search, r, g, b)
    for i in range(search[COUNT]):
        out[i] = square(search, p, q, s, i)


@inlined
def fill_axis(search, scale, axis):
    """``scale`` times the coordinate of each light, ``int16 (WHITE + 1,)``; for srgb and linear."""
    for light in range(axis.shape[0]):
        axis[light] = scale * search[AXIS + search[CODE + light]]


@inlined
def fill_sums(search, numbered, sums):
    """The weights of each colour, ``int16 (n, 3, UNIT, 2)``, for ``simd_nearest``.

    The nearest colour has the smallest sum x·w0 + y·w1 + z·w2 + s·w3 + w4: the squared distance
    without the terms that are equal for all colours. x, y, z: coordinates. For oklab they are those
    of `mixing`, and s is the weight by which the chroma is multiplied. For other distances s is
    NOT_GREY for a grey pixel that must become a grey, else 0. The layout follows the
    multiplications: w0 and w1, w2 and w3, the halves of w4. Numbered sums (only for srgb, whose
    coordinates have eight bits) are 256 times as large; a factor of NUMBERED comes from the
    coordinates. Their low eight bits are the colour's number.
    """
    minus_two = np.int32(-256 // NUMBERED * 2 if numbered else -2)
    for i in range(search[COUNT]):
        if search[METRIC] == OKLAB:
            at = INKS + i
            x, y, z = search[at], search[at + 256], search[at + 512]
            s, rest = search[at + 768], search[at + 1024]
        else:
            at = POINTS + 3 * i
            x, y, z = search[at], search[at + 1], search[at + 2]
            s, rest = NOT_GREY, x * x + y * y + z * z
            if search[GREYS + i] != 0:
                s = np.int32(0)
            x, y, z = minus_two * x, minus_two * y, minus_two * z
        if numbered:
            rest = rest * 256 + i
        for unit in range(sums.shape[2]):
            sums[i, 0, unit, 0], sums[i, 0, unit, 1] = x, y
            sums[i, 1, unit, 0], sums[i, 1, unit, 1] = z, s
            sums[i, 2, unit, 0], sums[i, 2, unit, 1] = rest & 0xFFFF, rest >> 16
