"""WebP: RFC 9649, 2024."""

import struct
from collections.abc import Iterator

from upload_service.metadata.orientation import exif_of

_PICTURE = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_FRAME_HEADER = 16
_HAS_EXIF, _HAS_XMP = 0x08, 0x04


def strip(data: bytes) -> bytes:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the file is cut off")
    exif = exif_of(data)
    body = [b"WEBP"]
    for name, content in _chunks(data[:end], 12):
        if name == b"VP8X":
            flags = content[0] & ~(_HAS_EXIF | _HAS_XMP) | (_HAS_EXIF if exif else 0)
            body.append(_chunk(name, bytes((flags,)) + content[1:]))
        elif name == b"ANMF":
            parts = [_chunk(*c) for c in _chunks(content, _FRAME_HEADER) if c[0] in _PICTURE]
            body.append(_chunk(name, content[:_FRAME_HEADER] + b"".join(parts)))
        elif name in _PICTURE:
            body.append(_chunk(name, content))
    if exif:
        body.append(_chunk(b"EXIF", exif))
    return _chunk(b"RIFF", b"".join(body))


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        begin, at = at + 8, at + 8 + length
        if at > len(data):
            raise ValueError("a chunk is cut off")
        yield name, data[begin:at]
        at += length & 1


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)
