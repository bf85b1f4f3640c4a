"""Remove from a file what is not the picture: place, time, camera, owner, comments, small previews.

The pixels are not encoded anew. What stays is what a decoder needs, the colour profile, and which
way up the picture is. Each format is a list of what is kept: whatever is not in it, known or not,
goes, and so does what stands behind the end of the picture.
"""

import re
import struct
from collections.abc import Callable

from upload_service.metadata import gif, isobmff, jpeg, png, tiff, webp

_Strip = Callable[[bytes], bytes]
# By what a file begins with, as Pillow tells them apart.
_FORMATS: tuple[tuple[re.Pattern[bytes], _Strip], ...] = (
    (re.compile(rb"\xff\xd8\xff"), jpeg.strip),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), png.strip),
    (re.compile(rb"GIF8[79]a"), gif.strip),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), webp.strip),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), tiff.strip),
    (re.compile(rb".{4}ftyp", re.DOTALL), isobmff.strip),
)


class CannotStripError(ValueError):
    """The file is damaged, or built in a way that is not understood here."""


def strip(data: bytes) -> bytes:
    """The file without metadata; a file of another format (a BMP has none) stays as it is.

    Raises ``CannotStripError``. Whether the picture is whole, its decoder must say.
    """
    for beginning, strip_it in _FORMATS:
        if beginning.match(data):
            try:
                return strip_it(data)
            except (struct.error, LookupError, ValueError, OverflowError, OSError) as error:
                raise CannotStripError("metadata cannot be told from the picture") from error
    return data
