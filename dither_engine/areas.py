"""Rectangles as they are written in the options: ``x,y,w,h`` from the top left corner.

No Numba here, so options can be validated without loading a compiler.
"""

import json
import re
from typing import Any

from dither_engine.errors import EngineError

MAX_AREAS = 100
_LARGEST = 1_000_000
_LENGTH = re.compile(r"(\d{1,7})(?:\.0+)?|(\d{1,3}(?:\.\d{1,6})?)%")
_CROP = (
    "crop is x,y,w,h: whole numbers of pixels, or percent of the picture, as 10%,0,80%,100%;"
    " w and h are above 0."
)
_EXCLUDE = (
    f"exclude is at most {MAX_AREAS} rectangles x,y,w,h in whole pixels, as"
    " [[0, 0, 200, 40]]; w and h are above 0."
)


def normal_crop(given: Any) -> str:
    """A text or a list of four lengths → ``x,y,w,h``; raises EngineError, with a sentence."""
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, list) or len(parts) != 4:
        raise EngineError(_CROP)
    texts = [str(part).strip() for part in parts]
    found = [_LENGTH.fullmatch(text) for text in texts]
    if not all(found):
        raise EngineError(_CROP)
    normal = [f"{int(m[1])}" if m[1] else f"{float(m[2]):g}%" for m in found if m]
    if any(float(length.rstrip("%")) > 100 for length in normal if length.endswith("%")):
        raise EngineError("crop: no percentage is above 100.")
    if any(float(length.rstrip("%")) == 0 for length in normal[2:]):
        raise EngineError(_CROP)
    return ",".join(normal)


def crop_box(crop: str, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a crop in a picture of this size, in whole pixels.

    What lies outside the picture is cut off, and at least one pixel remains. Raises EngineError if
    the whole crop lies outside. Source: IIIF Image API 3.0, 4.1 (region), where it is the same.
    """
    x, y, w, h = (
        _pixels(length, side)
        for length, side in zip(crop.split(","), (width, height) * 2, strict=True)
    )
    left, top = _half_up(x), _half_up(y)
    if left >= width or top >= height:
        raise EngineError(
            f"crop begins at {left},{top}, outside the picture of {width}×{height} pixels."
        )
    right = min(max(_half_up(x + w), left + 1), width)
    bottom = min(max(_half_up(y + h), top + 1), height)
    return left, top, right, bottom


def _pixels(length: str, side: int) -> float:
    return float(length[:-1]) / 100 * side if length.endswith("%") else float(length)


def _half_up(value: float) -> int:
    return int(value + 0.5)


def rectangles(given: Any) -> list[list[int]]:
    """Rectangles from a list, or from a text: JSON, or as ``0,0,200,40;0,440,800,40``.

    Raises EngineError, with a sentence.
    """
    if isinstance(given, str):
        given = _of_text(given)
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_AREAS:
        raise EngineError(_EXCLUDE)
    return [_rectangle(each) for each in given]


def _of_text(text: str) -> Any:
    if not text.lstrip().startswith("["):
        return [part.split(",") for part in text.split(";")]
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EngineError(_EXCLUDE) from error


def _rectangle(given: Any) -> list[int]:
    texts = [str(part).strip() for part in given] if isinstance(given, list | tuple) else []
    if len(texts) != 4 or not all(text.isascii() and text.isdigit() for text in texts):
        raise EngineError(_EXCLUDE)
    x, y, w, h = (min(int(text[:9]), _LARGEST) for text in texts)
    if w == 0 or h == 0:
        raise EngineError(_EXCLUDE)
    return [x, y, w, h]
