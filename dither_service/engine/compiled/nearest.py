"""Nearest palette colour of an 8-bit sRGB colour, exactly, by one of four distances.

- srgb, linear: Euclidean on code values, on linear light;
- oklab: Euclidean in Oklab (B. Ottosson, "A perceptual color space for image processing", 2020);
- ciede2000: see `ciede2000`.

Distances are whole numbers made from tables, so they are the same on every machine. Ties go to
the colour that is earlier in the palette.
"""

from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from dither_service.engine.compiled.ciede2000 import WHITE_RELATIVE, ciede2000, lab
from dither_service.engine.compiled.decorators import array_in, array_out, inlined, kernel
from dither_service.engine.light import WHITE, code_of_light, srgb_to_linear

METRICS = {"srgb": 0, "linear": 1, "oklab": 2, "ciede2000": 3}
Array = TypeVar("Array", bound=NDArray[Any])

_LINEAR_SCALE = 16383
_ROOT_SIZE = 65536
_FIXED = 14

_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
) * (1 << _FIXED)
_M = tuple(int(v) for v in np.rint(_OKLAB).ravel())


class Search(NamedTuple):
    """A palette made ready for searching inside kernels; make it with `prepare`.

    metric: a value of METRICS. code: 8-bit code of each light. axis: coordinate of each code
    value (srgb, linear). lms, root: cone response of each channel's code value, and its cube
    root (oklab). xyz: the like for ciede2000. points: the colours' coordinates. lab: their Lab.
    memo: 1 + the answer for each 24-bit colour asked for before (ciede2000).
    """

    metric: int
    code: NDArray[np.uint8]
    axis: NDArray[np.int32]
    lms: NDArray[np.int32]
    root: NDArray[np.int16]
    xyz: NDArray[np.float64]
    points: NDArray[np.int32]
    lab: NDArray[np.float64]
    memo: NDArray[np.uint16]


SEARCH: Any = types.NamedTuple(
    (
        types.int64,
        array_in(types.uint8, 1),
        array_in(types.int32, 1),
        array_in(types.int32, 3),
        array_in(types.int16, 1),
        array_in(types.float64, 3),
        array_out(types.int32, 2),
        array_out(types.float64, 2),
        array_out(types.uint16, 1),
    ),
    Search,
)


@cache
def _axis(metric: int) -> NDArray[np.int32]:
    code = np.arange(256)
    table = np.rint(srgb_to_linear(code / 255) * _LINEAR_SCALE) if metric else code
    return _frozen(table.astype(np.int32))


@cache
def _oklab_tables() -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    linear = srgb_to_linear(np.arange(256) / 255)
    lms = np.rint(_LMS[:, :, None] * linear * (_ROOT_SIZE - 1)).astype(np.int32)
    root = np.rint(np.cbrt(np.arange(_ROOT_SIZE) / (_ROOT_SIZE - 1)) * (1 << _FIXED))
    return _frozen(lms), _frozen(root.astype(np.int16))


@cache
def _xyz_table() -> NDArray[np.float64]:
    linear = srgb_to_linear(np.arange(256) / 255)
    return _frozen(WHITE_RELATIVE[:, :, None] * linear)


def _frozen(table: Array) -> Array:
    table.setflags(write=False)
    return table


def prepare(colours: NDArray[np.uint8], distance: str, light: str) -> Search:
    """Make ``uint8 (n, 3)`` colours ready: ``distance`` of METRICS, ``light`` of the options."""
    metric = METRICS[distance]
    lms, root = _oklab_tables()
    search = Search(
        metric,
        code_of_light(light),
        _axis(metric),
        lms,
        root,
        _xyz_table(),
        np.zeros((len(colours), 3), np.int32),
        np.zeros((len(colours), 3), np.float64),
        np.zeros(1 << 24 if distance == "ciede2000" else 0, np.uint16),
    )
    place(search, colours)
    return search


@inlined
def coordinates(search, r, g, b):
    """Where an 8-bit colour lies; not for ciede2000."""
    if search.metric < 2:
        return search.axis[r], search.axis[g], search.axis[b]
    lms, root = search.lms, search.root
    last = np.int32(root.shape[0] - 1)
    l = np.int64(root[min(lms[0, 0, r] + lms[0, 1, g] + lms[0, 2, b], last)])
    m = np.int64(root[min(lms[1, 0, r] + lms[1, 1, g] + lms[1, 2, b], last)])
    s = np.int64(root[min(lms[2, 0, r] + lms[2, 1, g] + lms[2, 2, b], last)])
    half = 1 << (_FIXED - 1)
    return (
        np.int32((_M[0] * l + _M[1] * m + _M[2] * s + half) >> _FIXED),
        np.int32((_M[3] * l + _M[4] * m + _M[5] * s + half) >> _FIXED),
        np.int32((_M[6] * l + _M[7] * m + _M[8] * s + half) >> _FIXED),
    )


@kernel(SEARCH, array_in(types.uint8, 2))
def place(search, colours):
    """Fill in the coordinates of the colours."""
    for i in range(colours.shape[0]):
        r, g, b = colours[i, 0], colours[i, 1], colours[i, 2]
        if search.metric == 3:
            x, y, z = lab(search.xyz, r, g, b)
            search.lab[i, 0], search.lab[i, 1], search.lab[i, 2] = x, y, z
        else:
            p, q, s = coordinates(search, r, g, b)
            search.points[i, 0], search.points[i, 1], search.points[i, 2] = p, q, s


@inlined
def distances(search, r, g, b, out):
    """Distance of an 8-bit colour to each colour of the palette: ``out`` is ``int32 (n,)``.

    Squared for srgb, linear and oklab; only good for comparing within one palette.
    """
    if search.metric == 3:
        x, y, z = lab(search.xyz, r, g, b)
        for i in range(search.lab.shape[0]):
            d = ciede2000(x, y, z, search.lab[i, 0], search.lab[i, 1], search.lab[i, 2])
            out[i] = np.int32(d * 65536.0)
        return
    p, q, s = coordinates(search, r, g, b)
    for i in range(search.points.shape[0]):
        dp = search.points[i, 0] - p
        dq = search.points[i, 1] - q
        ds = search.points[i, 2] - s
        out[i] = dp * dp + dq * dq + ds * ds


@inlined
def scan_euclidean(search, r, g, b):
    p, q, s = coordinates(search, r, g, b)
    best = 0
    least = np.int64(1) << 40
    for i in range(search.points.shape[0]):
        dp = np.int64(search.points[i, 0] - p)
        dq = np.int64(search.points[i, 1] - q)
        ds = np.int64(search.points[i, 2] - s)
        d = dp * dp + dq * dq + ds * ds
        if d < least:
            least = d
            best = i
    return best


@inlined
def scan_ciede2000(search, r, g, b):
    x, y, z = lab(search.xyz, r, g, b)
    best = 0
    least = np.int64(1) << 40
    for i in range(search.lab.shape[0]):
        d = ciede2000(x, y, z, search.lab[i, 0], search.lab[i, 1], search.lab[i, 2])
        whole = np.int64(d * 65536.0)
        if whole < least:
            least = whole
            best = i
    return best


@inlined
def nearest_code(search, r, g, b):
    """Position of the colour nearest to an 8-bit colour (r, g, b: 0 to 255)."""
    if search.metric < 3:
        return scan_euclidean(search, r, g, b)
    key = (np.int64(r) << 16) | (np.int64(g) << 8) | np.int64(b)
    if search.memo[key] == 0:
        search.memo[key] = scan_ciede2000(search, r, g, b) + 1
    return np.int64(search.memo[key]) - 1


@inlined
def nearest_light(search, r, g, b):
    """The same for light of any size, clamped to 0…WHITE and rounded to 8-bit code values."""
    code = search.code
    return nearest_code(
        search,
        code[min(max(r, 0), WHITE)],
        code[min(max(g, 0), WHITE)],
        code[min(max(b, 0), WHITE)],
    )
