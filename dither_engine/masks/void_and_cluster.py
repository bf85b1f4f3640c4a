"""The blue-noise mask: made by void-and-cluster and shipped as data; this script makes it.

``python -m dither_engine.masks.void_and_cluster`` writes the file again in some seconds.
The filter's weights are integers, so energies are exact, ties are broken by position, and the
mask is the same on every machine.

Ulichney's filter is one Gaussian of σ = 1.5 pixels. Here σ is 1.2, which gives slightly less
visible noise on photographs (`bench.quality`). Dots that are many σ apart do not influence each
other, so the sparsest patterns (the darkest and lightest tones) would be uneven. Wider Gaussians
are added for them, too weak to matter where the first one acts (each 2⁻¹⁰ of the one before).

Source: R. Ulichney, "The void-and-cluster method for dither array generation", Proc. SPIE 1913,
1993.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from dither_engine.masks.noise import BLUE_NOISE, white_noise

SIZE = 128
SEED = 1993
SIGMAS = (1.2, 3.0, 6.0, 12.0)

Grid = NDArray[np.int64]


def _bell(squared: int) -> int:
    """The filter at a squared distance, times 2⁴⁵; in decimal arithmetic, exact on any machine."""
    bells = (
        (Decimal(-squared) / Decimal(2 * sigma * sigma)).exp() / 2 ** (10 * wider)
        for wider, sigma in enumerate(SIGMAS)
    )
    return int(sum(bells, Decimal(0)) * 2**45)


class _Pattern:
    """Dots on a torus, and the energy at every position (the filtered sum of all dots)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.dots = np.zeros((size, size), np.bool_)
        self.energy = np.zeros((size, size), np.int64)
        offset = np.minimum(np.arange(size), size - np.arange(size))
        squared, where = np.unique(offset[:, None] ** 2 + offset[None, :] ** 2, return_inverse=True)
        bell = np.array([_bell(int(d)) for d in squared], np.int64)[where]
        # Twice as large as needed: the filter around any position is a window of it.
        self.bell = np.tile(bell.reshape(size, size), (2, 2))

    def flip(self, place: int) -> None:
        y, x = divmod(place, self.size)
        size = self.size
        bell = self.bell[size - y : 2 * size - y, size - x : 2 * size - x]
        self.energy += -bell if self.dots[y, x] else bell
        self.dots[y, x] ^= True

    def cluster(self) -> int:
        """The dot with the most energy (tightest cluster); the first of equals."""
        return int(np.where(self.dots, self.energy, -1).argmax())

    def void(self) -> int:
        """The empty position with the least energy (largest void); the first of equals."""
        return int(np.where(self.dots, np.iinfo(np.int64).max, self.energy).argmin())


def _prototype(size: int, seed: int) -> _Pattern:
    """The initial pattern: a tenth of the positions set, made even by moving one dot at a time."""
    pattern = _Pattern(size)
    places = np.argsort(white_noise(0, size, size, seed).ravel(), kind="stable")
    for place in places[: max(1, size * size // 10)]:
        pattern.flip(int(place))
    while True:
        cluster = pattern.cluster()
        pattern.flip(cluster)
        void = pattern.void()
        pattern.flip(void)
        if void == cluster:
            return pattern


def void_and_cluster(size: int, seed: int) -> NDArray[np.uint16]:
    """A mask ``uint16 (size, size)`` in which every rank 0 … size²−1 occurs once; size ≤ 256."""
    ranks = np.zeros(size * size, np.uint16)
    pattern = _prototype(size, seed)
    prototype = np.flatnonzero(pattern.dots)
    for rank in range(prototype.size - 1, -1, -1):
        cluster = pattern.cluster()
        pattern.flip(cluster)
        ranks[cluster] = rank
    for place in prototype:
        pattern.flip(int(place))
    # Above one half the empty positions are the minority. On a torus their tightest cluster is the
    # position where the dots have the least energy, so one search serves both halves.
    for rank in range(prototype.size, size * size):
        void = pattern.void()
        pattern.flip(void)
        ranks[void] = rank
    return ranks.reshape(size, size)


def main() -> None:
    np.save(BLUE_NOISE, void_and_cluster(SIZE, SEED))


if __name__ == "__main__":
    main()
