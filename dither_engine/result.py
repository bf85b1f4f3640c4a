"""The engine's results, and limits of their size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dither_engine.errors import TooLarge

INDEXED_COLOURS = 256
ANIMATION_ALLOWANCE = 8  # all frames together may have this many times the pixels of one image
LONGEST_SIDE = 100_000  # of a file; extremely long, thin pictures need much memory


@dataclass(frozen=True)
class Dithered:
    """A dithered image, or the frames of an animation.

    indices: ``uint8 (H, W)``, positions in ``palette``. If the levels of the three channels make
        more than 256 colours: ``uint8 (H, W, 3)``, for each channel a position in its column.
    palette: ``uint8 (n, 3)`` sRGB, in the requested order.
    alpha: ``uint8 (H, W)`` or None; 0 is transparent.
    frames: every frame in order, each with this palette; empty for a still image. The first
        frame is this object's own picture.
    duration: milliseconds this frame is shown; 0 for a still image.
    loop: how often an animation is played; 0 is for ever.
    chosen: the options that ``auto`` has chosen, and their values.
    """

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    frames: Sequence["Dithered"] = ()
    duration: int = 0
    loop: int = 0
    chosen: Mapping[str, float] = field(default_factory=dict)

    @property
    def indexed(self) -> bool:
        """Whether each pixel has a single index."""
        return self.indices.ndim == 2

    @property
    def width(self) -> int:
        return int(self.indices.shape[1])

    @property
    def height(self) -> int:
        return int(self.indices.shape[0])

    def rgb(self) -> NDArray[np.uint8]:
        """The colours themselves, ``uint8 (H, W, 3)``."""
        if self.indexed:
            return np.take(self.palette, self.indices, axis=0)
        red, green, blue = self.palette.T
        if np.array_equal(red, green) and np.array_equal(red, blue):
            return np.take(red, self.indices)
        channels = (self.palette[:, c][self.indices[..., c]] for c in range(3))
        return np.stack(list(channels), axis=2)

    def to_pillow(self) -> Image.Image:
        """Mode ``P`` when the picture is indexed and opaque, else ``RGB`` or ``RGBA``."""
        if self.indexed and self.alpha is None:
            image = Image.fromarray(self.indices)
            image.putpalette(self.palette.tobytes())
            return image
        image = Image.fromarray(self.rgb())
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


@dataclass(frozen=True)
class Encoded:
    """A finished file: its bytes, their type, and the picture's measures (after enlarging).

    chosen: see `Dithered`.
    """

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    colours: int
    frames: int = 1
    chosen: Mapping[str, float] = field(default_factory=dict)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise EngineError if an image has more than ``max_pixels`` pixels, or a side is too long."""
    if width * height > max_pixels:
        raise TooLarge(
            f"The image has {width:,} × {height:,} pixels: at most {max_pixels:,} pixels are"
            " allowed."
        )
    if max(width, height) > LONGEST_SIDE:
        raise TooLarge(
            f"The image has {width:,} × {height:,} pixels: at most {LONGEST_SIDE:,} a side are"
            " allowed."
        )


def check_frames(count: int, width: int, height: int, max_pixels: int) -> None:
    """Raise EngineError if ``count`` frames of this size have too many pixels together."""
    allowed = max_pixels * ANIMATION_ALLOWANCE
    if width * height * count > allowed:
        raise TooLarge(
            f"The image has {count:,} frames of {width:,} × {height:,} pixels:"
            f" at most {allowed:,} pixels in all frames together are allowed."
        )
