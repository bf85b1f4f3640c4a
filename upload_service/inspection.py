"""Determine a file's type by its content, never by its name or declared type.

The engine checks the file with the same code that reads it for dithering, so that a file accepted
here is not found damaged, too large or too long later.
"""

from dataclasses import dataclass

from dither_engine.decode import open_bytes
from dither_engine.errors import EngineError
from dither_engine.footprint import bytes_to_check, check_bytes

# Pillow's name of a format → its media type, and the extension of its key.
FORMATS = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # a JPEG followed by further pictures, as some phones write it
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "HEIF": ("image/heic", "heic"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
}


@dataclass(frozen=True, slots=True)
class Inspected:
    """``width`` and ``height`` are measured after the picture was turned upright."""

    content_type: str
    extension: str
    width: int
    height: int
    frames: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """pixels, frames, bytes: the most that is allowed; bytes of memory for decoding."""

    pixels: int
    frames: int
    bytes: int


class NeedsMore(EngineError):
    """The check needs more memory than ``inspect`` was given; nothing was decoded."""


def inspect(data: bytes, bounds: Bounds, at_most: int | None = None) -> Inspected:
    """Read the header, then decode once to see that the file is whole.

    at_most: bytes of memory that may be taken now. Raises EngineError, ``NeedsMore`` for that.
    """
    source = open_bytes(data, bounds.pixels, bounds.frames)
    width, height = source.size
    needed = bytes_to_check(source)
    check_bytes(needed, bounds.bytes)
    if at_most is not None and needed > at_most:
        raise NeedsMore
    source.check(data)
    return Inspected(*FORMATS[str(source.format)], width, height, source.count)
