"""The input of a family of methods: a prepared image, and its target (levels or palette).

The pipeline decodes, resizes and adjusts; a method only chooses, for each pixel, a level or a
colour. Each family is one module in ``methods`` with one function::

    def render(work: Work) -> NDArray[np.uint8]

which returns, for a `Levels` target, either the level of each channel, ``uint8 (H, W, C)``, or one
number made of them, ``uint8 (H, W)``, where they make at most 256 (`Levels.combines`): red is the
most significant digit, base n. For a `Palette` target it returns the colour's position,
``uint8 (H, W)``. The result at a transparent pixel is ignored.

It is deterministic: the same work gives the same result. Frames of an animation are rendered one by
one with the same options, so a mask or noise that depends only on x, y and the seed does not move.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dither_engine.options import Options

if TYPE_CHECKING:
    from dither_engine.compiled.search import Search

NO_MASK: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)


@dataclass(frozen=True)
class Levels:
    """Every channel is one of the same levels, black to white; or dark to light, see ``tones``.

    codes: their sRGB code values, ``uint8 (n,)``, ascending, 0 to 255.
    lights: their light, ``int16 (n,)``, 0 to WHITE.
    choice: the nearest level of each light, ``uint8 (WHITE + 1,)``; the midpoint rounds up.
    """

    codes: NDArray[np.uint8]
    lights: NDArray[np.int16]
    choice: NDArray[np.uint8]

    @property
    def count(self) -> int:
        return len(self.codes)

    def combines(self, depth: int) -> bool:
        """Whether the levels of ``depth`` channels make a palette of at most 256 colours."""
        return bool(self.count**depth <= 256)


@dataclass(frozen=True)
class Palette:
    """Every pixel is one of the colours.

    colours: sRGB, ``uint8 (n, 3)``, used for mixing.
    shown: the same colours as written to the file; not always equal, see ``published``.
    lights: the colours' light, ``int16 (n, 3)``, 0 to WHITE.
    search: finds the nearest colour inside kernels; each job has its own, because it is a cache.
    """

    colours: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    lights: NDArray[np.int16]
    search: "Search"


@dataclass(frozen=True)
class Work:
    """One image to dither.

    pixels: sRGB code values, ``uint8 (H, W, C)``, H and W at least 1; C-contiguous, unless the
        method reads them in place (`methods.in_place`). C is 1 or 3 for `Levels`, always 3 for a
        `Palette`.
    mask: ``uint8 (H, W)``, 0 where a pixel is transparent and neither receives nor passes on error;
        ``(0, 0)`` if there is no mask.
    light: light of each code value after the tone controls, ``int16 (256,)``, 0 to WHITE.
    options: the method applies ``strength``, ``serpentine``, ``seed`` and its own fields; all other
        fields have been applied already.
    top: the row of the whole picture at which ``pixels`` begin; above 0 only for the later pieces
        of a picture that is dithered in pieces, see ``methods``.
    channel: which channel of a colour picture this is, if each is dithered by itself.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    light: NDArray[np.int16]
    target: Levels | Palette
    options: Options
    top: int = 0
    channel: int | None = None


Render = Callable[[Work], NDArray[np.uint8]]
