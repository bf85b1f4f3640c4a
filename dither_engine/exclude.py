"""Parts of a picture that stay undithered: text, codes, line drawings.

There every pixel is the nearest colour, exactly as ``algorithm=none`` chooses it. The rest is
dithered as if nothing were excluded, so no error of a text spreads into the picture around it.

The parts are rectangles (``exclude``), or where the picture's alpha is below one half
(``alpha=exclude``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.search import prepare
from dither_engine.methods import renderer
from dither_engine.work import Palette, Render, Work

Pixels = NDArray[np.uint8]
Rectangles = list[list[int]]
_HALF = 128


@dataclass(frozen=True)
class Excluded:
    """rectangles: x, y, w, h. mask: ``uint8 (H, W)``, excluded below one half; or ``(0, 0)``."""

    rectangles: Rectangles
    mask: Pixels

    def __bool__(self) -> bool:
        return bool(self.rectangles or self.mask.size)

    def leave(self, found: Pixels, work: Work, nearest: Callable[[Work], Pixels]) -> None:
        """Put the nearest colours into ``found``, the result for the piece ``work``.

        No pixel is computed twice, however the rectangles overlap.
        """
        here = self._here(work.top, *found.shape[:2])
        for rows in _runs(np.any(here, axis=1)):
            across = np.flatnonzero(np.any(here[rows], axis=0))
            columns = slice(int(across[0]), int(across[-1]) + 1)
            part, area = nearest(_part(work, rows, columns)), here[rows, columns]
            found[rows, columns][area] = part[area]

    def _here(self, top: int, height: int, width: int) -> NDArray[np.bool_]:
        """What is excluded of the rows from ``top``."""
        here = np.zeros((height, width), bool)
        for x, y, w, h in self.rectangles:
            here[max(y - top, 0) : max(y + h - top, 0), x : x + w] = True
        if self.mask.size:
            here |= self.mask[top : top + height] < _HALF
        return here


def scaled(rectangles: Rectangles, full: tuple[int, int], size: tuple[int, int]) -> Rectangles:
    """Rectangles for a picture that is made smaller than asked for; they cover at least as much."""
    if full == size:
        return rectangles
    found = []
    for x, y, w, h in rectangles:
        left, top = x * size[0] // full[0], y * size[1] // full[1]
        right, bottom = -(-(x + w) * size[0] // full[0]), -(-(y + h) * size[1] // full[1])
        found.append([left, top, right - left, bottom - top])
    return found


def undithered(work: Work) -> Render:
    """The function that finds the nearest colours, for parts of the picture of ``work``."""
    options = work.options.model_copy(update={"algorithm": "none", "strength": 1.0})
    target = work.target
    if isinstance(target, Palette):  # a search belongs to one method
        search = prepare(target.colours, options.distance, options.light)
        target = replace(target, search=search)
    render = renderer(replace(work, target=target, options=options))
    return lambda part: render(replace(part, target=target, options=options))


def _part(work: Work, rows: slice, columns: slice) -> Work:
    pixels = np.ascontiguousarray(work.pixels[rows, columns])
    mask = np.ascontiguousarray(work.mask[rows, columns]) if work.mask.size else work.mask
    return replace(work, pixels=pixels, mask=mask)


def _runs(rows: NDArray[np.bool_]) -> Iterator[slice]:
    """The runs of consecutive true values."""
    edges = np.flatnonzero(np.diff(rows, prepend=False, append=False))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield slice(start, stop)
