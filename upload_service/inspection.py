"""Determine a file's type by its content, never by its name or declared type.

The engine checks the file with the same code that reads it for dithering, so that a file accepted
here is not found damaged, too large or too long later.
"""

import threading
from dataclasses import dataclass

from dither_engine.decode import Source, open_bytes
from dither_engine.errors import Damaged, EngineError, TooLarge, UnknownFormat
from shared.problems import Problem, Unavailable

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
ALLOWED = "PNG, JPEG, GIF, WebP, AVIF, HEIC, BMP and TIFF"

# 50 megapixels take 200 MB when decoded, even from a file of 200 KB: decode one at a time.
_decoding = threading.BoundedSemaphore(1)
_DECODE_SECONDS = 2.0  # of the ten seconds that a client, or the gateway, waits for the answer


@dataclass(frozen=True, slots=True)
class Inspected:
    """``width`` and ``height`` are measured after the picture was turned upright."""

    content_type: str
    extension: str
    width: int
    height: int


def inspect(data: bytes, *, max_pixels: int, max_frames: int) -> Inspected:
    """Read the header, then decode once to see that the file is whole. Raises ``Problem``."""
    if not data:
        raise Problem(422, "The file is empty: send an image.")
    try:
        source = open_bytes(data, max_pixels, max_frames)
        width, height = source.size
        _decode(source)
    except EngineError as error:
        raise _problem(error) from None
    return Inspected(*FORMATS[str(source.format)], width, height)


def _decode(source: Source) -> None:
    if not _decoding.acquire(timeout=_DECODE_SECONDS):
        raise Unavailable("Too many images at once; please try again.", retry_after=2)
    try:
        source.check()
    finally:
        _decoding.release()


def _problem(error: EngineError) -> Problem:
    if isinstance(error, UnknownFormat):
        return Problem(415, f"The file is no image of a known type; allowed: {ALLOWED}.")
    if isinstance(error, Damaged):
        return Problem(422, "The image is damaged or cut short: it cannot be decoded.")
    if isinstance(error, TooLarge):
        return Problem(422, f"{error} Make it smaller and send it again.")
    return Problem(422, str(error))
