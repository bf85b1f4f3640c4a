"""Direct binary search as in a textbook: try a change, recompute the whole cost, compare.

The cost is that of the docstring of ``methods.binary_search``: the squared error as the eye sees
it, which is a quadratic form of the error with the autocorrelation of the eye's point spread, and
what every block's summed error of luminance costs. Slow on purpose.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

LIMIT = 16384
BLOCK = 32
PASSES = 12
TRIED = 15
NEAR = 4
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
    band: how many rows are searched at once; blocks begin with it.
    """

    def __init__(
        self,
        wanted: Whole,
        points: Whole,
        spread: Whole,
        visible: NDArray[np.bool_],
        start: NDArray[np.uint8],
        band: int = 256,
    ) -> None:
        self.height, self.width, self.depth = wanted.shape
        self.wanted, self.points, self.visible, self.band = wanted, points, visible, band
        self.state = np.where(visible, start, 0).astype(np.int64)
        self.tables = [correlations(s, self.height, self.width) for s in spread[: self.depth]]
        black_and_white = points[:, 0].min() <= 8 and points[:, 0].max() >= 8192 - 8
        self.weight = int(spread[0].max()) // 2 if black_and_white else 0
        apart = ((points[:, None] - points[None]) ** 2).sum(axis=2)
        self.rivals = []
        for here, row in enumerate(apart):
            others = [k for k in range(len(points)) if k != here]
            self.rivals.append(sorted(others, key=lambda k: (row[k], k))[:TRIED])

    def cost(self, state: Whole, top: int) -> int:
        """What the eye sees of the whole picture, and what the blocks of a band cost."""
        error = np.where(self.visible[..., None], self.points[state] - self.wanted, 0)
        flat = error.reshape(-1, self.depth)
        total = sum(int(flat[:, c] @ self.tables[c] @ flat[:, c]) for c in range(self.depth))
        bottom = min(top + self.band, self.height)
        for y, x in product(range(top, bottom, BLOCK), range(0, self.width, BLOCK)):
            total_error = abs(int(error[y : min(y + BLOCK, bottom), x : x + BLOCK, 0].sum()))
            block_cost = (
                total_error**2 if total_error <= LIMIT else 2 * LIMIT * total_error - LIMIT**2
            )
            total += self.weight * block_cost
        return total

    def changes(self, y: int, x: int, top: int) -> list[Whole]:
        """All that is tried at a pixel, in order."""
        tried = []
        for k in self.rivals[self.state[y, x]]:
            other = self.state.copy()
            other[y, x] = k
            tried.append(other)
        bottom = min(top + self.band, self.height)
        for v, u in product(range(y - 1, y + 2), range(x - 1, x + 2)):
            if top <= v < bottom and 0 <= u < self.width and self.visible[v, u]:
                other = self.state.copy()
                other[y, x], other[v, u] = self.state[v, u], self.state[y, x]
                tried.append(other)
        return tried

    def run(self) -> Whole:
        for top in range(0, self.height, self.band):
            self.quiet = np.zeros(self.state.shape, np.bool_)
            for _ in range(PASSES):
                if not self.improved(top):
                    break
        return self.state

    def improved(self, top: int) -> bool:
        better = False
        for y in range(top, min(top + self.band, self.height)):
            for x in range(self.width):
                if self.quiet[y, x] or not self.visible[y, x]:
                    continue
                least = self.cost(self.state, top)
                best = self.state
                for other in self.changes(y, x, top):
                    cost = self.cost(other, top)
                    if cost < least:
                        least, best = cost, other
                better |= best is not self.state
                self.quiet[y, x] = best is self.state
                self.wake(best, top)
                self.state = best
        return better

    def wake(self, after: Whole, top: int) -> None:
        """Pixels near a change, and in or beside a block whose sum changed, are tried again."""
        step = self.points[after][..., 0] - self.points[self.state][..., 0]
        for y, x in zip(*np.nonzero(after != self.state), strict=True):
            self.wake_area(y - NEAR, y + NEAR + 1, x - NEAR, x + NEAR + 1)
            block_y, block_x = top + (y - top) // BLOCK * BLOCK, x // BLOCK * BLOCK
            block = step[block_y : min(block_y + BLOCK, top + self.band), block_x : block_x + BLOCK]
            if self.weight and block.sum() != 0:
                self.wake_area(block_y - 1, block_y + BLOCK + 1, block_x - 1, block_x + BLOCK + 1)

    def wake_area(self, top: int, bottom: int, left: int, right: int) -> None:
        self.quiet[max(top, 0) : bottom, max(left, 0) : right] = False
