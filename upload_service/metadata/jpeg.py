"""JPEG: ITU-T T.81, 1992; JFIF 1.02, 1992; the ICC profile as in ICC.1:2022, annex B.4."""

import re
import struct

from upload_service.metadata.orientation import exif_of

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)  # neither stuffing nor a restart
_START, _END, _SCAN, _BARE = 0xD8, 0xD9, 0xDA, (0x01, 0xD8)
_JFIF, _EXIF, _ICC, _ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
# Frames and tables; between them stand the applications' segments and the comments.
_PICTURE = frozenset({*range(0xC0, 0xD0), *range(0xDB, 0xE0)})
_MAX_SEGMENTS = 5000  # a profile has up to 255, a progressive picture some dozens of scans
_JFIF_BYTES = 14  # without its thumbnail


def strip(data: bytes) -> bytes:
    """Up to the end of the first picture: phones write further ones behind it.

    A file without its end is not given one, for its decoder to notice.
    """
    head: list[bytes] = []
    body: list[bytes] = []
    segments = 0
    found = _MARKER.search(data)
    while found and found[0][1] != _END:
        segments += 1
        if segments > _MAX_SEGMENTS:
            raise ValueError("too many segments")
        marker, at = found[0][1], found.end()
        if marker not in _BARE:
            length = max(struct.unpack_from(">H", data, at)[0], 2)
            content = data[at + 2 : at + length]
            at += length
            if marker == _JFIF and content.startswith(b"JFIF\0"):
                head.insert(0, _segment(marker, content[: _JFIF_BYTES - 2] + b"\0\0"))
            elif _is_kept(marker, content):
                body.append(_segment(marker, content))
        found = _MARKER.search(data, at)
        if marker == _SCAN:
            body.append(data[at : found.start() if found else len(data)])
    if exif := exif_of(data):  # not before the segments are counted: Pillow joins all of Exif's
        head.append(_segment(_EXIF, b"Exif\0\0" + exif))
    end = bytes((0xFF, _END)) if found else b""
    return b"".join([bytes((0xFF, _START)), *head, *body, end])


def _is_kept(marker: int, content: bytes) -> bool:
    return (
        marker in _PICTURE
        or marker == _SCAN
        or (marker == _ICC and content.startswith(b"ICC_PROFILE\0"))
        or (marker == _ADOBE and content.startswith(b"Adobe"))  # how the colours are coded
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
