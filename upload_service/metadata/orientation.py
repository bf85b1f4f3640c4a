"""Which way up a picture is: the one thing of Exif that is kept."""

import io
import struct

from PIL import Image

_TAG, _SHORT = 0x0112, 3
_UPRIGHT = 1
# What Pillow raises for damaged files and damaged Exif; for the engine such a picture is upright.
_DAMAGES = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    ArithmeticError,
    AttributeError,
    struct.error,
)


def exif_of(data: bytes) -> bytes:
    """Exif with the orientation alone, as a TIFF block; empty if the picture is upright.

    Pillow reads it, as the engine does, so both find the same in an unusual file.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _block(image.getexif())
    except _DAMAGES:
        return b""


def exif_of_block(block: bytes) -> bytes:
    """As ``exif_of``, from the Exif of a file."""
    exif = Image.Exif()
    try:
        exif.load(block)
        return _block(exif)
    except _DAMAGES:
        return b""


def _block(exif: Image.Exif) -> bytes:
    turn = exif.get(_TAG, _UPRIGHT)
    if not isinstance(turn, int) or not _UPRIGHT < turn <= 8:
        return b""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _TAG, _SHORT, 1, turn, 0, 0)
