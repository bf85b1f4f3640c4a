"""What a file is, by its content: never by its name or the type it was sent with."""

import io
import struct
import threading
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from shared.problems import Problem, Unavailable

# Pillow's name of a format → the type it is served with, and the extension of its key.
FORMATS = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "MPO": ("image/jpeg", "jpg"),  # a JPEG with more pictures behind the first, as phones make
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
    "AVIF": ("image/avif", "avif"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
}
# The parsers that may run. MPO has none of its own: it comes out of the JPEG one.
_PARSERS = tuple(name for name in FORMATS if name != "MPO")
ALLOWED = "PNG, JPEG, GIF, WebP, AVIF, BMP and TIFF"

# What Pillow and the libraries below it raise about damaged files, each format in its own way.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
)

# The limit is ours, checked from the header; Pillow's own would only warn at another size.
Image.MAX_IMAGE_PIXELS = None
# 50 megapixels are 200 MB decoded, of a file of 200 KB perhaps: one at a time.
_decoding = threading.BoundedSemaphore(1)
_DECODE_SECONDS = 2.0  # of the ten that a client, or the gateway for it, waits for all


@dataclass(frozen=True, slots=True)
class Inspected:
    """``width`` and ``height`` are those stored in the file, before any EXIF orientation."""

    content_type: str
    extension: str
    width: int
    height: int


def inspect(data: bytes, *, max_pixels: int) -> Inspected:
    """Read the header, then decode once to see that the file is whole. Raises ``Problem``."""
    if not data:
        raise Problem(422, "The file is empty: send an image.")
    try:
        # Of these formats only; others would run parsers that nobody asked for.
        image = Image.open(io.BytesIO(data), formats=_PARSERS)
    except UnidentifiedImageError:
        raise Problem(415, f"The file is no image of a known type; allowed: {ALLOWED}.") from None
    except _DAMAGE:
        raise _damaged() from None
    with image:
        width, height = image.size
        _check_size(width, height, max_pixels)
        content_type, extension = FORMATS[str(image.format)]
        _decode(image)
    return Inspected(content_type, extension, width, height)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise _damaged()
    if width * height > max_pixels:
        raise Problem(
            422,
            f"The image has {width:,} × {height:,} pixels: at most {max_pixels:,} pixels are "
            "allowed. Make it smaller and send it again.",
        )


def _decode(image: Image.Image) -> None:
    if not _decoding.acquire(timeout=_DECODE_SECONDS):
        raise Unavailable("Too many images at once; please try again.", retry_after=2)
    width, height = image.size
    try:
        # A JPEG need not be decoded at full size to be read to its end.
        image.draft(None, (max(1, width // 8), max(1, height // 8)))
        image.load()
    except _DAMAGE:
        raise _damaged() from None
    finally:
        _decoding.release()


def _damaged() -> Problem:
    return Problem(422, "The image is damaged or cut short: it cannot be decoded.")
