"""PNG: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025."""

import struct
import zlib

from upload_service.metadata.orientation import exif_of_block

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"acTL", b"fcTL", b"fdAT"})
_MAX_CHUNKS = 100_000
_COLOURS = frozenset(
    {b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"pHYs"}
)


def strip(data: bytes) -> bytes:
    kept = [_SIGNATURE]
    at = len(_SIGNATURE)
    oriented = False
    chunks = 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunks += 1
        if name == b"IEND":
            break
        if chunks > _MAX_CHUNKS:
            raise ValueError("too many chunks")
        whole, body = data[at : at + 12 + length], data[at + 8 : at + 8 + length]
        if name in _PICTURE | _COLOURS:
            # The last chunk of a file that is cut off becomes whole; its decoder misses pixels.
            kept.append(whole if len(whole) == 12 + length else _chunk(name, body))
        elif name == b"eXIf" and not oriented and whole == _chunk(name, body):
            oriented = True
            if exif := exif_of_block(body):
                kept.append(_chunk(name, exif))
        at += len(whole)
    return b"".join([*kept, _chunk(b"IEND", b"")])


def _chunk(name: bytes, body: bytes) -> bytes:
    check = zlib.crc32(body, zlib.crc32(name))
    return struct.pack(">I4s", len(body), name) + body + struct.pack(">I", check)
