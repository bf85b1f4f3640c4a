"""The nearest colour as in a textbook: one colour after another, by each of the four distances.

Distances are the whole numbers that the docstring of ``compiled.nearest`` defines; CIEDE2000 is
written from Sharma, Wu and Dalal (2005) with sines, arctangents and powers. Slow on purpose.
"""

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dither_engine.gamut import gamut_of
from dither_engine.greys import greys_of
from dither_engine.light import code_of_light, light_of_code

WHITE = 8192
Colour = tuple[int, int, int]
Place = tuple[int, int]
# Values, and the place of the pixel → position and light of the result.
Choose = Callable[[list[int], Place], tuple[int, list[int]]]

# By what becomes of errors, for linear light: a power, the light below which the curve is a line,
# and how many units lightness 1 has.
CURVES = {
    "kept": (0.7, 0.0, 2850),
    "weakened": (0.4, 0.02, 2350),
    "dropped": (0.4, 0.0, 2350),
    "listed": (0.8, 0.0, 2700),
}
CODES_CURVE = (1.0, 0.0, 2550)

_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


@cache
def linear(code: int) -> float:
    part = code / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


@cache
def oklab(colour: Colour) -> list[int]:
    """In 16384ths, a and b double; cone responses in 65535ths, each part rounded."""
    cones = [
        min(sum(round(w * linear(v) * 65535) for w, v in zip(row, colour, strict=True)), 65535)
        for row in _LMS
    ]
    roots = [round(float(np.cbrt(cone / 65535)) * 16384) for cone in cones]
    scales = (16384, 2 * 16384, 2 * 16384)
    rows = [[round(w * scale) for w in row] for row, scale in zip(_OKLAB, scales, strict=True)]
    return [
        (sum(w * root for w, root in zip(row, roots, strict=True)) + 8192) >> 14 for row in rows
    ]


@cache
def lab(colour: Colour) -> tuple[float, float, float]:
    def curve(t: float) -> float:
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    x, y, z = (
        curve(sum(w * linear(v) for w, v in zip(row, colour, strict=True)) / sum(row))
        for row in _XYZ
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """With kL = kC = kH = 1; the steps are numbered as in the paper."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    c7 = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - math.sqrt(c7 / (c7 + 25**7)))  # (4)
    a1, a2 = a1 * (1 + g), a2 * (1 + g)  # (5)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)  # (6)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360  # (7)
    turn = h2 - h1 if c1 * c2 else 0.0  # (10)
    turn -= 360 * round(turn / 360)
    hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))  # (11)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2  # (12), (13)
    mean_h = h1 + h2  # (14)
    if c1 * c2:
        mean_h = (
            mean_h / 2 if abs(h1 - h2) <= 180 else (mean_h + math.copysign(360, 359.9 - mean_h)) / 2
        )
    cos = [math.cos(math.radians(k * mean_h + s)) for k, s in ((1, -30), (2, 0), (3, 6), (4, -63))]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]  # (15)
    away = 30 * math.exp(-(((mean_h - 275) / 25) ** 2))  # (16)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)  # (18)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t  # (19), (20)
    r_t = -2 * math.sqrt(mean_c**7 / (mean_c**7 + 25**7)) * math.sin(math.radians(2 * away))
    light, chroma, hue = (l2 - l1) / s_l, (c2 - c1) / s_c, hue / s_h
    return math.sqrt(max(light**2 + chroma**2 + hue**2 + r_t * chroma * hue, 0))  # (22)


def distances(colours: NDArray[np.uint8], wanted: Colour, distance: str) -> list[int]:
    """From one 8-bit colour to each of ``uint8 (n, 3)``."""
    every: list[Colour] = [(int(r), int(g), int(b)) for r, g, b in colours]
    if distance == "ciede2000":
        return [int(65536 * ciede2000(lab(wanted), lab(colour))) for colour in every]
    places: dict[str, Callable[[Colour], list[int]]] = {
        "srgb": lambda colour: [*colour],
        "linear": lambda colour: [round(16383 * linear(code)) for code in colour],
        "oklab": oklab,
    }
    place = places[distance]
    here = place(wanted)
    return [sum((p - q) ** 2 for p, q in zip(here, place(c), strict=True)) for c in every]


def mixing(values: list[int], light: str, errors: str) -> list[int]:
    """Lightness, a, b as ``compiled.mixing`` says."""
    power, toe, unit = CURVES[errors] if light == "linear" else CODES_CURVE
    bent = []
    for row in ((6754, 8787, 843), (3472, 11152, 1760), (1447, 4616, 10321)):
        cone = (sum(w * v for w, v in zip(row, values, strict=True)) + 8192) >> 14
        part = abs(cone) / WHITE
        part = part * toe ** (power - 1) if part < toe else part**power
        bent.append(round(math.copysign(unit * part, cone)))
    rows = ((862, 3251, -17), (16204, -19895, 3691), (212, 6413, -6625))
    axes = [(sum(w * v for w, v in zip(row, bent, strict=True)) + 2048) >> 12 for row in rows]
    return [axes[0], *(min(max((v + 8) // 16 * 16, -3632), 3632) for v in axes[1:])]


def mixing_of(
    colours: NDArray[np.uint8], light: str, pixels: NDArray[np.uint8], errors: str
) -> Choose:
    """The colour that comes next where errors are passed on, by the default distance."""
    table = light_of_code(light).astype(int)[colours]
    points = [mixing([int(v) for v in row], light, errors) for row in table]

    def choose(values: list[int], place: Place) -> tuple[int, list[int]]:
        own = [int(v) for v in pixels[place]]
        weight = max(9 - (5 * (max(own) - min(own)) // 8), 1)
        x, y, z = mixing(values, light, errors)
        away = [(x - p) ** 2 + weight * ((y - q) ** 2 + (z - s) ** 2) for p, q, s in points]
        k = away.index(min(away))
        return k, [int(value) for value in table[k]]

    return choose


def within_reach(
    pixels: NDArray[np.uint8], colours: NDArray[np.uint8], light: str, distance: str
) -> NDArray[np.uint8]:
    """What a palette's method is given by the default distance; see ``gamut``."""
    gamut = gamut_of(colours, light) if distance == "oklab" else None
    return pixels if gamut is None else gamut.fit(pixels)


def colour_of(
    colours: NDArray[np.uint8],
    light: str,
    distance: str,
    pixels: NDArray[np.uint8],
    errors: str = "kept",
) -> Choose:
    """The colour that comes next: by the default distance as `mixing_of`, else the nearest.

    errors: what becomes of them, see ``compiled.mixing``.
    """
    if distance == "oklab":
        return mixing_of(colours, light, pixels, errors)
    return nearest_of(colours, light, distance, pixels)


def nearest_of(
    colours: NDArray[np.uint8], light: str, distance: str, pixels: NDArray[np.uint8]
) -> Choose:
    """The nearest colour of three values of light, limited to what light there is.

    A grey pixel becomes one of the palette's greys, if its darkest and lightest colour are greys.
    """
    greys = [int(place) for place in greys_of(colours)]
    code, table = code_of_light(light).astype(int), light_of_code(light).astype(int)[colours]
    known: dict[tuple[Colour, bool], int] = {}

    def choose(values: list[int], place: Place) -> tuple[int, list[int]]:
        r, g, b = (int(code[min(max(value, 0), WHITE)]) for value in values)
        grey = bool(greys) and len(set(pixels[place].tolist())) == 1
        key = ((r, g, b), grey)
        if key not in known:
            away = distances(colours, (r, g, b), distance)
            known[key] = min(greys if grey else range(len(away)), key=away.__getitem__)
        k = known[key]
        return k, [int(value) for value in table[k]]

    return choose


def codes_of(count: int) -> list[int]:
    """``count`` levels."""
    return [int(code * 255 / (count - 1) + 0.5) for code in range(count)]


def level_of(count: int, light: str) -> Choose:
    """The nearest of ``count`` levels of one value, the midpoint upwards."""
    ladder = [int(light_of_code(light)[code]) for code in codes_of(count)]

    def choose(values: list[int], _: Place) -> tuple[int, list[int]]:
        k = sum(2 * values[0] >= below + above for below, above in pairwise(ladder))
        return k, [ladder[k]]

    return choose
