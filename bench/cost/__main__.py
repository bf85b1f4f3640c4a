"""``python -m bench.cost``: measure all methods, and compare them with ``dither_engine.cost``.

Prints the table of ``cost.SPEEDS`` as it should be, then the methods whose estimate is more than
twice or less than half of the time measured here; both relative to the median, because another
machine is faster or slower in all of them. Ends with status 1 if there are any.
"""

import statistics
import sys
import time

import numpy as np
from numpy.typing import NDArray

from dither_engine import Options, dither
from dither_engine.algorithms import ALGORITHMS, DIFFUSION, PATTERN, SEARCH, VARIABLE
from dither_engine.cost import CANDIDATES, COLOURS, Points, Speed, speed_of

ENOUGH_SECONDS = 0.2
PIXELS = {PATTERN: (30, 40), SEARCH: (100, 100)}  # the slowest ones; height, width
OTHERWISE = (200, 300)
# One method stands for its family; each pattern method has a time of its own.
MEASURED = {
    entry.name if entry.family == PATTERN else entry.family: entry.name
    for entry in reversed(ALGORITHMS.values())
}
TWICE = 2.0


def main() -> int:
    found = {name: _speed(algorithm) for name, algorithm in reversed(MEASURED.items())}
    print("SPEEDS = {")
    for name, speed in found.items():
        print(f"    {name!r}: {_text(speed)},")
    print("}", flush=True)
    ratios = {
        f"{name}, {where}": ratio
        for name, speed in found.items()
        for where, ratio in _ratios(MEASURED[name], speed).items()
    }
    middle = statistics.median(ratios.values())
    wrong = {n: r / middle for n, r in ratios.items() if not 1 / TWICE <= r / middle <= TWICE}
    print(f"{len(ratios)} estimates, median {middle:.2f} of the time measured here")
    for name, ratio in wrong.items():
        print(f"{name}: the estimate is {ratio:.2f} of the time, relative to the median")
    return 1 if wrong else 0


def _speed(algorithm: str) -> Speed:
    by_distance = {
        distance: _points(algorithm, distance) for distance in ("oklab", "srgb", "ciede2000")
    }
    power = 0.0
    if "candidates" in ALGORITHMS[algorithm].controls:
        few, many = (
            seconds(Options(algorithm=algorithm, palette=_palette(64), candidates=count))
            for count in (CANDIDATES, CANDIDATES * 4)
        )
        power = max(0.0, round(float(np.log(many / few) / np.log(4)), 2))
    return Speed(seconds(Options(algorithm=algorithm)), **by_distance, candidates=power)


def _points(algorithm: str, distance: str) -> Points:
    few, some, more, many = (
        seconds(Options.parse(_fields(algorithm, distance, count))) for count in COLOURS
    )
    return few, some, more, many


def _fields(algorithm: str, distance: str, count: int) -> dict[str, object]:
    return {"algorithm": algorithm, "palette": _palette(count), "distance": distance}


def seconds(options: Options) -> float:
    """CPU seconds for a megapixel: the best of a few times."""
    image = _noise(*PIXELS.get(ALGORITHMS[options.algorithm].family, OTHERWISE))
    if options.distance == "ciede2000" and ALGORITHMS[options.algorithm].family in (
        DIFFUSION,
        VARIABLE,
    ):
        image = image[:60, :80]
    dither(image[:8, :8], options)
    best, spent = float("inf"), 0.0
    while spent < ENOUGH_SECONDS:
        begun = time.process_time()
        dither(image, options)
        taken = time.process_time() - begun
        best, spent = min(best, taken), spent + taken
    return best / (image.size / 3) * 1e6


def _ratios(algorithm: str, speed: Speed) -> dict[str, float]:
    ratios = {"levels": speed_of(Options(algorithm=algorithm)) / speed.levels}
    for distance in ("oklab", "srgb", "ciede2000"):
        for count, taken in zip(COLOURS, getattr(speed, distance), strict=True):
            options = Options.parse(_fields(algorithm, distance, count))
            ratios[f"{distance}, {count}"] = speed_of(options) / taken
    return ratios


def _noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _palette(count: int) -> list[str]:
    colours = np.random.default_rng(count).integers(0, 256, (count, 3), dtype=np.uint8)
    return [colour.tobytes().hex() for colour in colours]


def _text(speed: Speed) -> str:
    def short(value: float) -> str:
        return f"{value:.2g}" if value < 100 else f"{value:.0f}"

    points = ", ".join(
        f"({', '.join(short(p) for p in getattr(speed, name))})"
        for name in ("oklab", "srgb", "ciede2000")
    )
    power = f", candidates={speed.candidates}" if speed.candidates else ""
    return f"Speed({short(speed.levels)}, {points}{power})"


if __name__ == "__main__":
    sys.exit(main())
