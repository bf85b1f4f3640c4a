"""A small picture of a dither, to be attached to its mail."""

import io
from typing import Any

import numpy as np
from PIL import Image

SIDE = 320  # most pixels of the thumbnail's longer side
MAX_PIXELS = 50_000_000  # of the picture; 200 MB when decoded as RGBA
FORMATS = ("PNG", "GIF", "WEBP", "BMP")
_CODES = np.arange(256) / 255
_TO_LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)


def thumbnail(data: bytes) -> bytes | None:
    """A JPEG of at most ``SIDE`` pixels a side; None where the file is no picture for a mail.

    Each pixel has the mean light of those that it covers: the mean of their codes would be too
    dark, since a dither is made of few, very different colours.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            small = _reduced(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    written = io.BytesIO()
    small.save(written, "JPEG", quality=85)
    return written.getvalue()


def _reduced(picture: Image.Image) -> Image.Image:
    """Reduced by a whole factor, row by row of the result, so that little memory is needed."""
    factor = -(-max(picture.size) // SIDE)
    rows = [
        _row(picture, top, min(factor, picture.height - top), factor)
        for top in range(0, picture.height, factor)
    ]
    return Image.fromarray(np.stack(rows))


def _row(picture: Image.Image, top: int, height: int, factor: int) -> "np.ndarray[Any, Any]":
    band = picture.crop((0, top, picture.width, top + height)).convert("RGBA")
    white = Image.new("RGBA", band.size, "white")
    codes = np.asarray(Image.alpha_composite(white, band).convert("RGB"))
    starts = np.arange(0, picture.width, factor)
    columns = np.diff([*starts, picture.width])
    light = np.add.reduceat(_TO_LIGHT[codes].sum(axis=0), starts) / (height * columns)[:, None]
    return np.asarray(np.searchsorted(_TO_LIGHT, light).clip(0, 255), np.uint8)
