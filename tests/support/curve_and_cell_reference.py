"""Riemersma's and Knuth's error diffusion as in a textbook, pixel by pixel. Slow on purpose.

Both take light, ``(H, W, C)``, and return the choice of ``choose`` for each visible pixel, else 0.
"""

import numpy as np
from numpy.typing import NDArray

from dither_engine.methods.dot_diffusion import CLASSES
from dither_engine.methods.riemersma import BAND, weights
from tests.support.colour_reference import WHITE, Choose

Place = tuple[int, int]
Light = NDArray[np.int64]


def sign(value: int) -> int:
    return (value > 0) - (value < 0)


def curve(x: int, y: int, ax: int, ay: int, bx: int, by: int) -> list[Place]:
    """Červený's recursion: the places (x, y) of a rectangle along a generalised Hilbert curve."""
    w, h = abs(ax + ay), abs(bx + by)
    dax, day, dbx, dby = sign(ax), sign(ay), sign(bx), sign(by)
    if h == 1:
        return [(x + i * dax, y + i * day) for i in range(w)]
    if w == 1:
        return [(x + i * dbx, y + i * dby) for i in range(h)]
    ax2, ay2, bx2, by2 = ax // 2, ay // 2, bx // 2, by // 2
    if 2 * w > 3 * h:
        if abs(ax2 + ay2) % 2 and w > 2:
            ax2, ay2 = ax2 + dax, ay2 + day
        return [
            *curve(x, y, ax2, ay2, bx, by),
            *curve(x + ax2, y + ay2, ax - ax2, ay - ay2, bx, by),
        ]
    if abs(bx2 + by2) % 2 and h > 2:
        bx2, by2 = bx2 + dbx, by2 + dby
    return [
        *curve(x, y, bx2, by2, ax2, ay2),
        *curve(x + bx2, y + by2, ax, ay, bx - bx2, by - by2),
        *curve(x + ax - dax + bx2 - dbx, y + ay - day + by2 - dby, -bx2, -by2, ax2 - ax, ay2 - ay),
    ]


def whole_curve(height: int, width: int) -> list[Place]:
    bands = range(0, height, BAND)
    return [place for top in bands for place in curve(0, top, 0, min(BAND, height - top), width, 0)]


def held(values: list[int], limited: bool) -> list[int]:
    """With a palette: at most one white beyond black and white."""
    return [min(max(value, -WHITE), 2 * WHITE) for value in values] if limited else values


def riemersma(
    light: Light, strength: int, choose: Choose, visible: NDArray[np.bool_], limited: bool
) -> Light:
    height, width, depth = light.shape
    out = np.zeros((height, width), np.int64)
    errors = [[0] * depth for _ in range(16)]  # the newest first
    for x, y in whole_curve(height, width):
        if not visible[y, x]:
            continue
        values = []
        for c in range(depth):
            carried = sum(int(w) * error[c] for w, error in zip(weights(), errors, strict=True))
            values.append(int(light[y, x, c]) + (carried + 32768 >> 16))
        values = held(values, limited)
        out[y, x], result = choose(values, (y, x))
        missed = [(value - r) * strength >> 16 for value, r in zip(values, result, strict=True)]
        errors = [missed, *errors[:15]]
    return out


def knuth(
    light: Light, strength: int, choose: Choose, visible: NDArray[np.bool_], limited: bool
) -> Light:
    height, width, depth = light.shape
    given = light.copy()
    out = np.zeros((height, width), np.int64)

    def turn(place: Place) -> tuple[int, Place]:
        return int(CLASSES[place[0] % 8, place[1] % 8]), place

    for y, x in sorted(np.ndindex(height, width), key=turn):
        if not visible[y, x]:
            continue
        values = held([int(value) for value in given[y, x]], limited)
        out[y, x], result = choose(values, (y, x))
        parts = {
            (v, u): 2 if v == y or u == x else 1
            for v in range(max(y - 1, 0), min(y + 2, height))
            for u in range(max(x - 1, 0), min(x + 2, width))
            if turn((v, u))[0] > turn((y, x))[0] and visible[v, u]
        }
        if not parts:
            continue
        first = max(parts, key=lambda place: parts[place])
        for c in range(depth):
            error = (values[c] - result[c]) * strength >> 16
            shares = {p: error * part // sum(parts.values()) for p, part in parts.items()}
            shares[first] += error - sum(shares.values())
            for place, share in shares.items():
                given[(*place, c)] += share
    return out
