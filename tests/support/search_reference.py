"""Direct binary search as in a textbook: try a change, recompute the whole cost, compare.

The cost is that of the docstring of ``methods.binary_search``: the squared error as the eye sees
it, which is a quadratic form of the error with the autocorrelation of the eye's point spread, and
the square of every block's summed error of luminance, which counts as at most two dots. Slow on
purpose.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

LIMIT = 16384
BLOCK = 32
PASSES = 12
NEXT = ((0, 1), (1, -1), (1, 0), (1, 1))
Whole = NDArray[np.int64]


def correlations(spread: Whole, height: int, width: int) -> Whole:
    """What an error at one place adds to what is seen at another: ``(H · W, H · W)``."""
    reach = len(spread) // 2
    places = list(product(range(height), range(width)))
    table = np.zeros((len(places), len(places)), np.int64)
    for i, (y, x) in enumerate(places):
        for j, (v, u) in enumerate(places):
            if abs(v - y) <= reach and abs(u - x) <= reach:
                table[i, j] = spread[reach + v - y, reach + u - x]
    return table


class Search:
    """wanted: ``(H, W, C)``, what is to be seen. points: ``(n, C)``, the colours, same axes.

    spread: the autocorrelation for each axis. visible: ``bool (H, W)``. start: ``(H, W)``.
    band: how many rows are searched at once; blocks begin with it. allowed: ``bool (H, W, n)``,
    which colours each pixel may become; None for all.
    """

    def __init__(
        self,
        wanted: Whole,
        points: Whole,
        spread: Whole,
        visible: NDArray[np.bool_],
        start: NDArray[np.uint8],
        band: int = 256,
        allowed: NDArray[np.bool_] | None = None,
    ) -> None:
        self.height, self.width, self.depth = wanted.shape
        self.wanted, self.points, self.visible, self.band = wanted, points, visible, band
        every = np.ones((self.height, self.width, len(points)), np.bool_)
        self.allowed = every if allowed is None else allowed
        self.state = np.where(visible, start, 0).astype(np.int64)
        self.tables = [correlations(s, self.height, self.width) for s in spread[: self.depth]]
        black_and_white = points[:, 0].min() <= 8 and points[:, 0].max() >= 8192 - 8
        self.weight = int(spread[0].max()) // 2 if black_and_white else 0

    def error(self, state: Whole) -> Whole:
        return np.where(self.visible[..., None], self.points[state] - self.wanted, 0)

    def visible_error(self, state: Whole) -> int:
        flat = self.error(state).reshape(-1, self.depth)
        return sum(int(flat[:, c] @ self.tables[c] @ flat[:, c]) for c in range(self.depth))

    def blocks(self, state: Whole, top: int) -> Whole:
        """The summed error of luminance of each block of a band."""
        bottom = min(top + self.band, self.height)
        error = self.error(state)[top:bottom, :, 0]
        rows = np.add.reduceat(error, range(0, bottom - top, BLOCK), axis=0)
        return np.asarray(np.add.reduceat(rows, range(0, self.width, BLOCK), axis=1))

    def gain(self, other: Whole, top: int) -> int:
        """By what the cost changes from ``self.state`` to another state."""
        before = self.blocks(self.state, top)
        step = self.blocks(other, top) - before
        blocks = int((2 * np.clip(before, -LIMIT, LIMIT) * step + step * step).sum())
        return self.visible_error(other) - self.visible_error(self.state) + self.weight * blocks

    def changes(self, y: int, x: int, top: int) -> list[Whole]:
        """All that is tried at a pixel, in order."""
        tried = []
        for k in np.flatnonzero(self.allowed[y, x]):
            other = self.state.copy()
            other[y, x] = k
            tried.append(other)
        bottom = min(top + self.band, self.height)
        for v, u in ((y + down, x + right) for down, right in NEXT):
            if v < bottom and 0 <= u < self.width and self.visible[v, u]:
                other = self.state.copy()
                other[y, x], other[v, u] = self.state[v, u], self.state[y, x]
                if self.allowed[y, x, other[y, x]] and self.allowed[v, u, other[v, u]]:
                    tried.append(other)
        return tried

    def run(self) -> Whole:
        for top in range(0, self.height, self.band):
            for _ in range(PASSES):
                if not self.improved(top):
                    break
        return self.state

    def improved(self, top: int) -> bool:
        better = False
        for y in range(top, min(top + self.band, self.height)):
            for x in range(self.width):
                if not self.visible[y, x]:
                    continue
                least, best = 0, self.state
                for other in self.changes(y, x, top):
                    gain = self.gain(other, top)
                    if gain < least:
                        least, best = gain, other
                better |= best is not self.state
                self.state = best
        return better
