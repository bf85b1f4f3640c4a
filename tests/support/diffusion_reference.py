"""Error diffusion as in a textbook: one pixel after another, whole numbers, no tricks.

The arithmetic is the one that the docstrings of ``methods.diffusion`` and ``methods.variable``
state. Slow on purpose.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dither_engine.coefficients import OSTROMOUKHOV, ZHOU_FANG, ZHOU_FANG_MODULATION

WHITE = 8192
Taps = tuple[tuple[int, int, Fraction], ...]
Choose = Callable[[list[int], tuple[int, int]], tuple[int, list[int]]]  # see colour_reference


def places(height: int, width: int, serpentine: bool) -> Iterator[tuple[int, int, int]]:
    """(y, x, direction) in the order of the scan."""
    for y in range(height):
        back = serpentine and y % 2 == 1
        for x in reversed(range(width)) if back else range(width):
            yield y, x, -1 if back else 1


def weights(taps: Taps, strength: Fraction) -> tuple[list[int], int]:
    """65536ths of each share and of what is held back; and which takes what the others leave."""
    shares = [weight * strength for _, _, weight in taps]
    shares.append(1 - sum(shares, Fraction(0)))
    heaviest = shares.index(max(shares))
    return [min(int(share * 65536 + Fraction(1, 2)), 32767) for share in shares], heaviest


def diffuse(
    light: NDArray[np.int64],
    taps: Taps,
    strength: Fraction,
    serpentine: bool,
    choose: Choose,
    visible: NDArray[np.bool_],
    limited: bool = False,
) -> NDArray[np.int64]:
    """Fixed weights: ``light`` (H, W, C) → what ``choose`` says for each visible pixel, else 0."""
    height, width, depth = light.shape
    scaled, heaviest = weights(taps, strength)
    given = np.zeros((height, width, depth), np.int64)
    out = np.zeros((height, width), np.int64)
    for y, x, way in places(height, width, serpentine):
        if not visible[y, x]:
            continue
        values = [int(v) for v in light[y, x] + given[y, x]]
        if limited:
            values = [min(max(value, -WHITE), 2 * WHITE) for value in values]
        out[y, x], result = choose(values, (y, x))
        for c in range(depth):
            error = values[c] - result[c]
            parts = [error * weight >> 16 for weight in scaled]
            parts[heaviest] = error - sum(parts) + parts[heaviest]
            for (dx, dy, _), part in zip(taps, parts, strict=False):
                if 0 <= x + way * dx < width and y + dy < height:
                    given[y + dy, x + way * dx, c] += part
    return out


def noise(x: int, y: int, c: int, seed: int) -> int:
    h = (x * 0x9E3779B1 + y * 0x85EBCA77 + c * 0xC2B2AE3D + seed) & 0xFFFFFFFF
    h = (h ^ h >> 16) * 0x7FEB352D & 0xFFFFFFFF
    h = (h ^ h >> 15) * 0x846CA68B & 0xFFFFFFFF
    return (h ^ h >> 16) & 0xFFFF


def diffuse_variable(
    light: NDArray[np.int64],
    algorithm: str,
    strength: int,
    serpentine: bool,
    seed: int,
    gap: Callable[[int], tuple[int, int]],
    choose: Choose,
    limited: bool = False,
    visible: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Weights by tone; ``gap`` says of a light its tone (0–255) and the levels' distance there."""
    table = ZHOU_FANG if algorithm == "zhou-fang" else OSTROMOUKHOV
    height, width, depth = light.shape
    given = np.zeros((height, width, depth), np.int64)
    out = np.zeros((height, width), np.int64)
    for y, x, way in places(height, width, serpentine):
        if visible is not None and not visible[y, x]:
            continue
        values = [int(v) for v in light[y, x] + given[y, x]]
        if limited:
            values = [min(max(value, -WHITE), 2 * WHITE) for value in values]
        tones = [gap(int(v)) for v in light[y, x]]
        seen = list(values)
        spread = 0
        if limited:  # to a palette: all channels by one number, as far as the nearest colour is
            own = [int(v) for v in light[y, x]]
            nearest = choose(own, (y, x))[1]
            spread = min(2 * max(abs(v - w) for v, w in zip(own, nearest, strict=True)), WHITE)
        for c, (tone, distance) in enumerate(tones):
            if algorithm == "zhou-fang":
                percent = ZHOU_FANG_MODULATION[min(tone, 255 - tone)]
                raised = noise(x, y, 0 if limited else c, seed) * round(percent * 65536 / 100) >> 17
                seen[c] -= raised * (spread if limited else distance) >> 16
                if limited:
                    seen[c] = max(seen[c], -WHITE)
        out[y, x], result = choose(seen, (y, x))
        for c, (tone, _) in enumerate(tones):
            row = table[min(tone, 255 - tone)]
            error = (values[c] - result[c]) * strength >> 16
            left = error * round(row[1] / sum(row) * 65536) >> 16
            down = error * round(row[2] / sum(row) * 65536) >> 16
            for dx, dy, part in ((way, 0, error - left - down), (-way, 1, left), (0, 1, down)):
                if 0 <= x + dx < width and y + dy < height:
                    given[y + dy, x + dx, c] += part
    return out
