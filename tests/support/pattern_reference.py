"""The palette patterns as their authors describe them, one colour at a time. Slow on purpose.

A plan is a list of palette positions, in any order; see the docstring of ``methods.patterns``.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, product
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from dither_engine.light import code_of_light, light_of_code
from dither_engine.masks.bayer import bayer_ranks
from tests.support.colour_reference import Choose, colour_of, distances

WHITE = 8192
CHANNELS = range(3)
Light = list[int]


@dataclass(frozen=True)
class Paint:
    """The palette, ``uint8 (n, 3)``, and the options that matter."""

    colours: NDArray[np.uint8]
    light: str
    distance: str
    size: int
    strength: float = 1.0

    def choose(self, goal: Light) -> Choose:
        """The function that chooses the colour for a pixel of the colour ``goal``."""
        own = np.array([[self.codes(goal)]], np.uint8)
        return colour_of(self.colours, self.light, self.distance, own, "listed")

    def lights(self, k: int) -> Light:
        return [int(v) for v in light_of_code(self.light)[self.colours[k]]]

    def codes(self, light: Light) -> Light:
        return [int(v) for v in code_of_light(self.light)[light]]

    def nearest(self, light: Light, count: int) -> list[int]:
        r, g, b = self.codes(light)
        away = distances(self.colours, (r, g, b), self.distance)
        return sorted(range(len(away)), key=lambda k: (away[k], k))[:count]

    def luminance(self, k: int) -> int:
        return sum(w * v for w, v in zip((2126, 7152, 722), self.lights(k), strict=True))

    def difference(self, one: Light, other: Light) -> int:
        """Yliluoma's ColorCompare, of light, in millionths of a squared code value."""
        away = [p - q for p, q in zip(self.codes(one), self.codes(other), strict=True)]
        weighed = sum(w * d * d for w, d in zip((299, 587, 114), away, strict=True))
        return 750 * weighed + luma(away) ** 2


def luma(codes: Light) -> int:
    return sum(w * v for w, v in zip((299, 587, 114), codes, strict=True))


def knoll(paint: Paint, goal: Light) -> list[int]:
    strength = int(Fraction(paint.strength) * 65536 + Fraction(1, 2))
    choose = paint.choose(goal)
    error = [0, 0, 0]
    plan = []
    for _ in range(paint.size):
        aim = [goal[c] + (error[c] * strength >> 16) for c in CHANNELS]
        aim = [min(max(value, -WHITE), 2 * WHITE) for value in aim]
        k, light = choose(aim, (0, 0))
        plan.append(k)
        error = [error[c] + goal[c] - light[c] for c in CHANNELS]
    return plan


def yliluoma_1(paint: Paint, goal: Light) -> list[int]:
    pool = paint.nearest(goal, 32)
    tried = []
    for i, a in enumerate(pool):
        for b in pool[i:]:
            first, second = paint.lights(a), paint.lights(b)
            ratio = _ratio(first, second, goal, paint.size)
            mixed = [first[c] + (second[c] - first[c]) * ratio // paint.size for c in CHANNELS]
            # A tenth of the difference of the two, less the more evenly they are mixed.
            evenness = abs(Fraction(ratio, paint.size) - Fraction(1, 2)) + Fraction(1, 2)
            penalty = paint.difference(first, second) * evenness / 10
            tried.append((paint.difference(goal, mixed) + int(penalty), a, b, ratio))
    _, a, b, ratio = min(tried, key=lambda found: found[0])
    return [b] * ratio + [a] * (paint.size - ratio)


def _ratio(first: Light, second: Light, goal: Light, size: int) -> int:
    """How many of ``size`` parts are the second: solved for each channel, weighed like luma."""
    weights = [w * (first[c] != second[c]) for c, w in enumerate((299, 587, 114))]
    if not any(weights):
        return 0
    parts = sum(
        weights[c] * size * (goal[c] - first[c]) // (second[c] - first[c])
        for c in CHANNELS
        if weights[c]
    )
    return min(max(parts // sum(weights), 0), size - 1)


def yliluoma_2(paint: Paint, goal: Light) -> list[int]:
    plan: list[int] = []
    while len(plan) < paint.size:
        amounts = [2**i for i in range(7) if 2**i <= max(len(plan), 1)]
        tried = []
        for k, amount in product(range(len(paint.colours)), amounts):
            if len(plan) + amount <= paint.size:
                more = plan + [k] * amount
                tried.append((paint.difference(goal, _mean(paint, more)), amount, more))
        least, _, best = min(tried, key=lambda found: found[0])
        plan = best * paint.size if not plan and least == 0 else best
    return plan


def _mean(paint: Paint, plan: list[int]) -> Light:
    lights = [paint.lights(k) for k in plan]
    return [sum(light[c] for light in lights) // len(lights) for c in CHANNELS]


def yliluoma_3(paint: Paint, goal: Light) -> list[int]:
    gaps = np.diff(np.sort([luma([int(v) for v in colour]) for colour in paint.colours]))
    limit = max(80_000, int(gaps.max()))
    pool = paint.nearest(goal, 16)
    shares: Counter[int] = Counter({pool[0]: paint.size})
    while True:
        best = shares
        least = paint.difference(goal, _mean(paint, list(shares.elements())))
        for split in sorted(shares):
            half, rest = shares[split] // 2, shares[split] - shares[split] // 2
            if half == 0:
                continue
            for i, j in product(range(len(pool)), repeat=2):
                a, b = pool[i], pool[j]
                far = abs(luma(paint.codes(paint.lights(a))) - luma(paint.codes(paint.lights(b))))
                if i == j or (half == rest and j < i) or far > limit:
                    continue
                other = Counter(shares)
                del other[split]
                other.update({a: half})
                other.update({b: rest})
                cost = paint.difference(goal, _mean(paint, list(other.elements())))
                if cost < least:
                    least, best = cost, other
        if best is shares:
            return list(shares.elements())
        shares = best


def n_closest(paint: Paint, goal: Light) -> list[int]:
    pool = paint.nearest(goal, 4)
    shares = []
    for k in pool:
        light = paint.lights(k)
        squares = [w * (goal[c] - light[c]) ** 2 for c, w in enumerate((2126, 7152, 722))]
        shares.append(2**32 // max(isqrt(sum(squares)), 1))
    ends = list(accumulate(shares))
    middles = [Fraction(2 * place + 1, 2 * paint.size) for place in range(paint.size)]
    return [
        next(k for k, end in zip(pool, ends, strict=True) if middle < Fraction(end, ends[-1]))
        for middle in middles
    ]


METHODS = {
    "knoll": knoll,
    "yliluoma-1": yliluoma_1,
    "yliluoma-2": yliluoma_2,
    "yliluoma-3": yliluoma_3,
    "n-closest": n_closest,
}


def dithered(algorithm: str, paint: Paint, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``uint8 (H, W, 3)`` → positions: each pixel takes a place in its plan, dark first."""
    out = np.empty(pixels.shape[:2], np.uint8)
    ranks = bayer_ranks(8)
    for y, x in np.ndindex(out.shape):
        goal = [int(v) for v in light_of_code(paint.light)[pixels[y, x]]]
        plan = METHODS[algorithm](paint, goal)
        plan.sort(key=lambda k: (paint.luminance(k), k))
        out[y, x] = plan[int(ranks[y % 8, x % 8]) * paint.size // 64]
    return out
