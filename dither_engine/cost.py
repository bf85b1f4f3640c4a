"""How long a dither takes, estimated before anything is decoded.

The estimate is what the options and the size alone tell, for a picture whose pixels all differ: a
photograph takes less, because methods remember the answer for a colour that they saw before. The
numbers are CPU seconds for a megapixel on one core of an AMD EPYC virtual machine;
``python -m bench.cost`` measures them and prints this table.
"""

from dataclasses import dataclass, replace
from math import log

from dither_engine.algorithms import ALGORITHMS, CUSTOM, CUSTOM_MATRIX, DIFFUSION, ORDERED
from dither_engine.areas import crop_box
from dither_engine.errors import EngineError
from dither_engine.options import Options
from dither_engine.palettes import NAMED

Points = tuple[float, float, float, float]
COLOURS = (4, 16, 64, 256)  # sizes of the palettes that were measured
CANDIDATES = 16  # of the pattern methods, when they were measured
MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Speed:
    """levels: for a palette of levels. oklab, srgb, ciede2000: for `COLOURS`, by distance.

    candidates: the power with which the time grows with the number of candidates.
    """

    levels: float
    oklab: Points
    srgb: Points
    ciede2000: Points
    candidates: float = 0.0


# By the name of a method or, for all others of a family, by the family's.
SPEEDS: dict[str, Speed] = {
    "error-diffusion": Speed(
        0.0066, (0.021, 0.026, 0.044, 0.22), (0.012, 0.013, 0.023, 0.17), (1.8, 5.3, 15, 56)
    ),
    "variable-diffusion": Speed(
        0.027, (0.095, 0.12, 0.22, 0.72), (0.12, 0.19, 0.36, 1.5), (3.1, 8.7, 28, 107)
    ),
    "ordered": Speed(0.004, (0.25, 1.5, 4.3, 16), (0.34, 1.2, 4, 15), (0.46, 1.3, 4.1, 15)),
    "noise": Speed(0.006, (0.23, 1.5, 4.3, 16), (0.32, 1.2, 4, 15), (0.47, 1.4, 4.1, 17)),
    "halftone-screen": Speed(
        0.0099, (0.25, 1.5, 4.3, 16), (0.34, 1.2, 4, 15), (0.47, 1.4, 4.1, 15)
    ),
    "threshold-map": Speed(
        0.0038, (0.24, 1.5, 4.3, 16), (0.32, 1.2, 4.1, 16), (0.46, 1.4, 4.2, 16)
    ),
    "knoll": Speed(1.9, (1, 1.3, 2.4, 13), (1.1, 2, 5.2, 32), (13, 41, 174, 768), candidates=0.85),
    "yliluoma-1": Speed(
        1, (0.75, 2.6, 8.9, 20), (0.62, 2.8, 8.8, 20), (8.3, 13, 29, 81), candidates=0.03
    ),
    "yliluoma-2": Speed(3, (2, 6, 22, 94), (2, 6, 22, 95), (2, 6, 23, 93), candidates=1.31),
    "yliluoma-3": Speed(
        4, (1.2, 18, 18, 29), (0.95, 16, 18, 29), (9.1, 26, 37, 88), candidates=0.11
    ),
    "n-closest": Speed(
        0.49, (0.64, 0.78, 1.3, 10), (0.48, 0.59, 1, 9.6), (8.5, 11, 21, 70), candidates=0.48
    ),
    "curve": Speed(
        0.044, (0.082, 0.096, 0.16, 0.47), (0.084, 0.15, 0.29, 1.2), (0.21, 3.4, 13, 53)
    ),
    "cell": Speed(0.14, (0.17, 0.19, 0.24, 0.53), (0.17, 0.24, 0.37, 1.3), (0.89, 3.4, 13, 53)),
    "search": Speed(0.78, (1.1, 2.7, 6.4, 23), (1.4, 2.8, 6.1, 20), (2.3, 3.3, 6.7, 21)),
    "nearest": Speed(
        0.0077, (0.035, 0.055, 0.11, 0.35), (0.058, 0.097, 0.24, 1.2), (1.2, 3.7, 13, 53)
    ),
}
DECODE, ADAPTIVE, RESIZE = 0.012, 0.7, 0.03
SATURATION, SHARPEN, GAMUT, GAMUT_START = 0.006, 0.02, 0.015, 0.3
ENCODE = {"png": 0.005, "gif": 0.01, "webp": 0.2}
START = 0.001  # seconds that any job takes


class TooExpensive(EngineError):
    """The work is above the limit."""


@dataclass(frozen=True)
class Size:
    """Of a picture: pixels of a frame, and frames."""

    width: int
    height: int
    frames: int = 1

    @property
    def megapixels(self) -> float:
        return self.width * self.height * self.frames / MEGAPIXEL


def seconds_of(source: Size, options: Options, max_size: int | None = None) -> float:
    """CPU seconds to decode, dither and write a picture; see the module's docstring."""
    drawn = drawn_size(source, options, max_size)
    total = START + source.megapixels * DECODE + drawn.megapixels * speed_of(options)
    total += drawn.megapixels * options.scale**2 * ENCODE.get(options.format, ENCODE["png"])
    if drawn != source:
        total += (source.megapixels + drawn.megapixels) * RESIZE
    if isinstance(options.palette, str) and options.palette.startswith("adaptive:"):
        total += drawn.megapixels * ADAPTIVE
    return total + _toning(source, drawn, options)


def _toning(source: Size, drawn: Size, options: Options) -> float:
    """Seconds for the looks, for what they choose, and for what stays undithered."""
    looks = options.auto != "off"
    parts = SATURATION * (looks or options.saturation != 1) + SHARPEN * (
        looks or options.sharpen > 0
    )
    total = 0.0
    if looks or options.gamut:
        parts += GAMUT
        total += GAMUT_START
    if source.frames > 1 and (looks or options.gamut or options.tone):
        total += source.megapixels * (DECODE + RESIZE)  # all frames are looked at first
    if options.exclude or options.alpha == "exclude":
        parts += speed_of(options.model_copy(update={"algorithm": "none"}))
    return total + drawn.megapixels * parts


def check_cost(
    source: Size, options: Options, max_seconds: float, max_size: int | None = None
) -> float:
    """`seconds_of`; raises TooExpensive above ``max_seconds``."""
    seconds = seconds_of(source, options, max_size)
    if seconds > max_seconds:
        raise TooExpensive(
            f"This would take about {seconds:,.0f} seconds of computing; at most {max_seconds:,.0f}"
            " are allowed. Choose a smaller width, fewer colours or candidates, or another"
            " algorithm or distance."
        )
    return seconds


def speed_of(options: Options) -> float:
    """Seconds for a megapixel to dither."""
    speed = _speed(options.algorithm)
    colours = _colours(options)
    if colours is None:
        seconds = speed.levels
    else:
        by_distance = {"oklab": speed.oklab, "ciede2000": speed.ciede2000}
        seconds = _between(by_distance.get(options.distance, speed.srgb), colours)
    return float(seconds * (options.candidates / CANDIDATES) ** speed.candidates)


def _speed(algorithm: str) -> Speed:
    if algorithm in SPEEDS:
        return SPEEDS[algorithm]
    own = {CUSTOM: DIFFUSION, CUSTOM_MATRIX: ORDERED}
    return SPEEDS[own.get(algorithm) or ALGORITHMS[algorithm].family]


def _colours(options: Options) -> int | None:
    """Colours of the palette; None for levels."""
    palette = options.palette
    if isinstance(palette, list):
        return len(palette)
    if palette.startswith("adaptive:"):
        return int(palette.removeprefix("adaptive:"))
    return len(NAMED[palette].colours) if palette in NAMED else None


def _between(points: Points, colours: int) -> float:
    """Interpolated on logarithmic axes; constant outside of `COLOURS`."""
    if colours <= COLOURS[0]:
        return points[0]
    for place in range(1, len(COLOURS)):
        if colours <= COLOURS[place]:
            part = log(colours / COLOURS[place - 1], COLOURS[place] / COLOURS[place - 1])
            return float(points[place - 1] ** (1 - part) * points[place] ** part)
    return points[-1]


def drawn_size(source: Size, options: Options, max_size: int | None) -> Size:
    """The size to dither at, as ``fit.fit_of`` has it; ``contain`` counts as the whole box."""
    width, height = source.width, source.height
    if options.crop is not None:
        left, top, right, bottom = crop_box(options.crop, width, height)
        width, height = right - left, bottom - top
    if options.rotate in ("90", "270"):
        width, height = height, width
    if options.width and options.height:
        width, height = options.width, options.height
    elif options.width:
        width, height = options.width, max(1, round(height * options.width / width))
    elif options.height:
        width, height = max(1, round(width * options.height / height)), options.height
    if max_size is not None and max(width, height) > max_size:
        part = max_size / max(width, height)
        width, height = max(1, int(width * part)), max(1, int(height * part))
    return replace(source, width=width, height=height)
