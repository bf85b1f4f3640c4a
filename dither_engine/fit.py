"""Where the picture goes: crop, rotation, and the fit into a width and a height.

The upright picture (EXIF is applied when it is decoded) is cropped, then rotated clockwise, then
resized. With both a width and a height, ``fit`` says what happens to the shape, as ``object-fit``
of CSS does:

- ``stretch``: exactly that size; the shape changes.
- ``contain``: as large as possible within it; the result may be narrower or lower.
- ``cover``: exactly that size; what does not fit is cut off at the sides away from ``gravity``.
- ``pad``: like contain, then filled up with ``background``; ``gravity`` says where the picture is.

``rotate=auto`` turns a picture by 90° where only one of picture and frame is upright.
"""

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from dither_engine.areas import crop_box
from dither_engine.decode import DeepFrame, Frame
from dither_engine.errors import EngineError
from dither_engine.options import Options
from dither_engine.palettes import from_hex
from dither_engine.resize import nearest, resized, resized_deep
from dither_engine.work import NO_MASK

MAX_SIDE = 20_000
Decoded = TypeVar("Decoded", Frame, DeepFrame)

# The options that `fitted` applies, as they are afterwards.
DONE = {"width": None, "height": None, "fit": "stretch", "crop": None, "rotate": "0"}

# The options that `fitted` reads beside a `Fit`.
READ = ("light", "resample", "background", "alpha")


@dataclass(frozen=True)
class Fit:
    """size: width and height of the frame to dither.

    crop: left, top, right, bottom in the upright picture. turns: quarter turns clockwise, after the
    crop. region: the part that is shown of what the first two leave: left, top, width, height, in
    parts of pixels. place: left, top, width, height of the picture in the frame.
    """

    size: tuple[int, int]
    crop: tuple[int, int, int, int]
    turns: int
    region: tuple[float, float, float, float]
    place: tuple[int, int, int, int]


def fit_of(width: int, height: int, options: Options, max_size: int | None = None) -> Fit:
    """The fit of an upright picture of this size; no side of the result is above ``max_size``.

    Raises EngineError for a crop outside the picture and for sides above 20000.
    """
    crop = (0, 0, width, height)
    if options.crop is not None:
        crop = crop_box(options.crop, width, height)
    shape = (crop[2] - crop[0], crop[3] - crop[1])
    turns = _turns(*shape, options)
    if turns % 2:
        shape = shape[::-1]
    size = _limited(_size(*shape, options), max_size)
    if max(size) > MAX_SIDE and (options.width or options.height):
        raise EngineError(f"{size[0]}×{size[1]} pixels: at most {MAX_SIDE} a side are allowed.")
    whole = bool(options.width and options.height)
    covers, pads = whole and options.fit == "cover", whole and options.fit == "pad"
    right, down = _gravity(options.gravity)
    region, place = (0.0, 0.0, float(shape[0]), float(shape[1])), (0, 0, *size)
    if covers:
        scale = max(size[0] / shape[0], size[1] / shape[1])
        wide, high = min(size[0] / scale, shape[0]), min(size[1] / scale, shape[1])
        region = ((shape[0] - wide) * right, (shape[1] - high) * down, wide, high)
    elif pads:
        wide, high = _inside(*shape, *size)
        left, top = math.floor((size[0] - wide) * right), math.floor((size[1] - high) * down)
        place = (left, top, wide, high)
    return Fit(size, crop, turns, region, place)


def _turns(width: int, height: int, options: Options) -> int:
    if options.rotate != "auto":
        return int(options.rotate) // 90
    across, down = options.width, options.height
    if not across or not down:
        return 0
    return int((width > height and across < down) or (width < height and across > down))


def _size(width: int, height: int, options: Options) -> tuple[int, int]:
    """The size that the options ask for. A width or height alone keeps the shape."""
    if options.width and options.height:
        box = options.width, options.height
        return _inside(width, height, *box) if options.fit == "contain" else box
    if options.width:
        return options.width, max(1, round(height * options.width / width))
    if options.height:
        return max(1, round(width * options.height / height)), options.height
    return width, height


def _limited(size: tuple[int, int], max_size: int | None) -> tuple[int, int]:
    if max_size is None or max(size) <= max_size:
        return size
    part = max_size / max(size)
    return max(1, math.floor(size[0] * part)), max(1, math.floor(size[1] * part))


def _inside(width: int, height: int, across: int, down: int) -> tuple[int, int]:
    """The largest size of this shape within ``across`` × ``down``."""
    scale = min(across / width, down / height)
    return (
        min(max(1, round(width * scale)), across),
        min(max(1, round(height * scale)), down),
    )


def _gravity(name: str) -> tuple[float, float]:
    """Where what is kept lies, across and down: 0 is left or top, 1 right or bottom."""
    right = 0.0 if "west" in name else 1.0 if "east" in name else 0.5
    down = 0.0 if "north" in name else 1.0 if "south" in name else 0.5
    return right, down


def fitted(frame: Frame | DeepFrame, options: Options, fit: Fit) -> Frame | DeepFrame:
    """The frame cropped, rotated, resized and padded; the frame itself if nothing is to be done.

    With ``alpha=exclude`` colours do not depend on alpha, which is fitted like a picture of its
    own.
    """
    if frame.mask.size and options.alpha == "exclude":
        white = options.model_copy(update={"background": "#ffffff"})
        alpha = _placed(Frame(frame.mask[..., None]), white, fit).pixels[..., 0]
        frame = fitted(replace(frame, mask=NO_MASK), options, fit)
        return replace(frame, mask=np.ascontiguousarray(alpha))
    if isinstance(frame, Frame):
        return _placed(frame, options, fit)
    return _placed(frame, options, fit)


def _placed(frame: Decoded, options: Options, fit: Fit) -> Decoded:
    left, top, right, bottom = fit.crop
    mask = frame.mask
    if (right - left, bottom - top) != frame.pixels.shape[1::-1] or fit.turns:
        pixels = np.rot90(frame.pixels[top:bottom, left:right], -fit.turns)
        if mask.size:
            mask = np.ascontiguousarray(np.rot90(mask[top:bottom, left:right], -fit.turns))
        frame = replace(frame, pixels=np.ascontiguousarray(pixels), mask=mask)
    frame = _resized(frame, options, fit)
    return frame if fit.place[2:] == fit.size else _padded(frame, options, fit)


def _resized(frame: Decoded, options: Options, fit: Fit) -> Decoded:
    height, width = frame.pixels.shape[:2]
    size = fit.place[2:]
    if (width, height) == size and fit.region == (0.0, 0.0, width, height):
        return frame
    if options.resample == "nearest":
        return nearest(frame, *size, fit.region)
    if isinstance(frame, Frame):
        return resized(frame, *size, options.light, fit.region)
    return resized_deep(frame, *size, options.light, fit.region)


def _padded(frame: Decoded, options: Options, fit: Fit) -> Decoded:
    """On the background, which is opaque. A grey picture on a colour becomes a colour picture."""
    (width, height), (left, top, wide, high) = fit.size, fit.place
    red, green, blue = from_hex((options.background,))[0].tolist()
    grey = frame.pixels.shape[2] == 1 and red == green == blue
    unit = np.iinfo(frame.pixels.dtype).max // 255
    colour = np.array([red] if grey else [red, green, blue]) * unit
    pixels = np.empty((height, width, len(colour)), frame.pixels.dtype)
    pixels[...] = colour
    pixels[top : top + high, left : left + wide] = frame.pixels
    mask = NO_MASK
    if frame.mask.size:
        mask = np.full((height, width), 255, np.uint8)
        mask[top : top + high, left : left + wide] = frame.mask
    return replace(frame, pixels=pixels, mask=mask, place=fit.place)
