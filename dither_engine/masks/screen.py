"""Halftone screens: clustered dots, diamonds or lines at any angle and cell size.

The screen repeats over a square tile, a supercell. Its side is chosen so that angle and cell size
are as close as possible to the requested ones. Every pixel of the tile has a rank of its own, so a
screen has as many tones as its tile has pixels and keeps the mean tone. All arithmetic is integer.

Source: spot functions of Adobe Systems, "PostScript Language Reference", 3rd ed., 1999, 7.4;
supercells: H. R. Kang, "Digital Color Halftoning", SPIE 1999, ch. 8.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.masks import Mask, from_ranks
from dither_engine.masks.bayer import bayer_ranks

_SIDES = range(96, 225)
Grid = NDArray[np.int64]
Spot = Callable[[Grid, Grid, int], Grid]


def _dot(u: Grid, v: Grid, half: int) -> Grid:
    """Euclidean: black dots that grow, meet at the middle tone, and leave white dots."""
    dark = np.abs(u) + np.abs(v) > half
    inner = u * u + v * v
    outer = 2 * half * half - (half - np.abs(u)) ** 2 - (half - np.abs(v)) ** 2
    return np.where(dark, outer, inner)


def _diamond(u: Grid, v: Grid, _half: int) -> Grid:
    """Dots of diamond shape; corners meet first along one direction, then the other."""
    value: Grid = 5 * np.abs(u) + 4 * np.abs(v)
    return value


def _line(_u: Grid, v: Grid, _half: int) -> Grid:
    """Lines that grow in width."""
    return np.abs(v)


SPOTS: dict[str, Spot] = {"halftone": _dot, "halftone-diamond": _diamond, "halftone-line": _line}


def supercell(angle: float, cell: float) -> tuple[int, int, int]:
    """Side s of the tile, and cells (a, b) that x crosses over it: (a, b)/s ≈ (cos, sin)/cell."""
    across = math.cos(math.radians(angle)) / cell
    down = math.sin(math.radians(angle)) / cell

    def miss(side: int) -> float:
        a, b = _nearest(side * across), _nearest(side * down)
        return round(math.hypot(a - side * across, b - side * down) / side, 9)

    side = min(_SIDES, key=miss)
    return side, _nearest(side * across), _nearest(side * down)


def _nearest(value: float) -> int:
    return math.floor(value + 0.5)


@lru_cache(maxsize=32)
def screen(spot: str, angle: float, cell: float) -> Mask:
    """The tile: ``spot`` of SPOTS, ``cell`` 2 to 64 pixels.

    ``angle`` is in degrees, counter-clockwise from the horizontal, as in PostScript.
    """
    side, a, b = supercell(angle, cell)
    y, x = np.mgrid[0:side, 0:side].astype(np.int64)
    # Positions in a cell, from −side to side; a shift of half a pixel keeps the dots symmetrical.
    # Rows count downwards, so this turns counter-clockwise.
    u = (a * (2 * x + 1) - b * (2 * y + 1)) % (2 * side) - side
    v = (a * (2 * y + 1) + b * (2 * x + 1)) % (2 * side) - side
    value = SPOTS[spot](u, v, side)
    # Equal values are ordered by Bayer's mask, so that cells fill evenly.
    turns = bayer_ranks(256)[:side, :side]
    order = np.lexsort((turns.ravel(), value.ravel()))
    ranks = np.empty(side * side, np.int64)
    # White grows from the positions with the smallest value.
    ranks[order] = np.arange(side * side)
    return from_ranks(ranks.reshape(side, side))
