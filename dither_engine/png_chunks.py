"""Keep only the PNG chunks that the picture needs, before Pillow reads the file.

Pillow refuses a file with a broken metadata chunk, or with one of more than a megabyte, which
generated pictures often have. Here an ancillary chunk that is broken, misplaced or not needed is
skipped, as browsers do. IEND may be missing: the decoder checks whether the pixels are complete.
Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025.
"""

import struct
import zlib
from typing import NamedTuple

from dither_engine.errors import Damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_MAX_PROFILE = 16 << 20
_PICTURE = (b"IHDR", b"IDAT")
_FRAMES = (b"fcTL", b"fdAT")
_LENGTHS = {b"gAMA": (4,), b"cHRM": (32,), b"sRGB": (1,), b"acTL": (8,)}
_KEY_LENGTHS = {0: (2,), 2: (6,), 3: range(1, 257)}  # lengths of tRNS, by colour type
_INDEXED = 3
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))


class Essence(NamedTuple):
    """data: a PNG with the needed chunks only. profile: the ICC profile, decompressed."""

    data: bytes
    profile: bytes | None


class _Chunk(NamedTuple):
    name: bytes
    body: memoryview
    whole: memoryview

    def intact(self) -> bool:
        """Whether the checksum is present and correct."""
        check = zlib.crc32(self.body, zlib.crc32(self.name))
        return self.whole[-4:] == check.to_bytes(4, "big")


def essence(data: bytes) -> Essence:
    """For a file that begins with `SIGNATURE`. Raises ``Damaged`` for too many chunks."""
    profile: bytes | None = None
    kept: list[bytes | memoryview] = [SIGNATURE]
    names: set[bytes] = set()
    for chunk in _chunks(data):
        if chunk.name == b"iCCP" and b"IDAT" not in names and chunk.intact():
            profile = profile or _unpacked(chunk.body)
        elif _counts(chunk, names, _colour_type(data)):
            # EXIF may follow the pixels, but the upright size is needed before them.
            kept.insert(2 if chunk.name == b"eXIf" else len(kept), chunk.whole)
            names.add(chunk.name)
    return Essence(b"".join([*kept, _END]), profile)


def _chunks(data: bytes) -> list[_Chunk]:
    """The chunks up to IEND or to the end of the file; the last one may be truncated."""
    view, at = memoryview(data), len(SIGNATURE)
    found: list[_Chunk] = []
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND":
            break
        if len(found) == _MAX_CHUNKS:
            raise Damaged("The PNG has too many chunks: at most 100,000 are allowed.")
        body, end = view[at + 8 : at + 8 + length], at + 12 + length
        whole = view[at:end]
        if end > len(data):  # otherwise what follows would be read as its content
            whole = memoryview(struct.pack(">I4s", len(body), name) + body + bytes(4))
        found.append(_Chunk(name, body, whole))
        at = end
    return found


def _colour_type(data: bytes) -> int:
    return data[25] if len(data) > 25 else 0


def _counts(chunk: _Chunk, before: set[bytes], colour_type: int) -> bool:
    """Whether the picture needs a chunk; ``before``: names of the chunks kept already."""
    name, length = chunk.name, len(chunk.body)
    if name in _PICTURE:
        return True
    if name == b"PLTE":  # for pictures that are not indexed it is only a suggestion
        return colour_type == _INDEXED
    if name in _FRAMES:
        return b"acTL" in before
    if name in before or not chunk.intact():
        return False
    if name == b"eXIf":
        return True
    lengths = _KEY_LENGTHS.get(colour_type, ()) if name == b"tRNS" else _LENGTHS.get(name, ())
    return length in lengths and b"IDAT" not in before


def _unpacked(body: memoryview) -> bytes | None:
    """The profile of an iCCP chunk: name, zero byte, compression method, compressed bytes."""
    _, _, packed = bytes(body).partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], _MAX_PROFILE)
    except zlib.error:
        return None
    return profile if unpacker.eof else None
