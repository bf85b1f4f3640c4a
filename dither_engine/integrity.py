"""Checks before any pixel is decoded: whether a file is complete, and how much it contains.

Pillow accepts a truncated TIFF of several pages, and only notices while decoding that a GIF's
frames are larger than its header says. For the other formats the decoder itself reports missing
data. A GIF may end after any complete frame, because its trailer may be missing.

Sources: CompuServe, "Graphics Interchange Format, version 89a", 1990; Aldus, "TIFF revision 6.0",
1992, and its 64-bit form, "BigTIFF", 2007; ITU-T T.81 (JPEG), 1992.
"""

import re
import struct
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dither_engine.errors import Damaged, EngineError

_MAX_SCANS = 50  # of a JPEG: a scan may have only a few bytes, but takes as long as a whole image
_MAX_SEGMENTS = 2000  # of a JPEG; a colour profile and the XMP of a large picture have hundreds
_MAX_EXIF = 16  # of a JPEG: Pillow copies all earlier ones for each
_MAX_PARTS = 250_000  # strips or tiles of a TIFF's page
_MAX_BLOCKS = 1_000_000  # of a GIF, where each has 255 bytes, except the last ones
_MAX_PAGES, _MAX_TAGS = 1000, 1000  # pages of a TIFF that are checked; tags of a page
_GIF_END, _GIF_EXTENSION, _GIF_IMAGE, _GIF_COMMENT, _GIF_LOOP = 0x3B, 0x21, 0x2C, 0xFE, 0xFF
_JPEG_SCAN, _JPEG_END, _JPEG_EXIF = 0xDA, 0xD9, 0xE1
_JPEG_BARE = (0x01, 0xD8, _JPEG_END)  # without a length
_JPEG_BEGIN, _TIFF_BEGINS = b"\xff\xd8", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)  # neither stuffing nor a restart
_STRIPS, _TILES = (273, 279), (324, 325)  # TIFF tags: offsets, numbers of bytes
_TIFF_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_TIFF_NUMBERS = {3: "u2", 4: "u4", 16: "u8"}
_ENDIAN: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


class Extent(NamedTuple):
    """The number of frames, and the size in pixels that contains all of them."""

    frames: int
    width: int
    height: int


def damaged() -> Damaged:
    """The error for a file that cannot be read to its end."""
    return Damaged("The image is damaged or cut short: send the whole file.")


def check_structure(data: bytes) -> None:
    """Raise EngineError for a truncated TIFF, and for a TIFF or JPEG of too many parts.

    This reads only the structure. Pillow reads all parts when it opens a file, without a limit.
    """
    try:
        if data.startswith(_JPEG_BEGIN):
            _count_segments(data)
        elif data.startswith(_TIFF_BEGINS):
            _walk_tiff(data)
    except (struct.error, ValueError, OverflowError) as error:  # a place beyond 63 bits
        raise error if isinstance(error, EngineError) else damaged() from error


def without_scan(data: bytes) -> bytes | None:
    """A JPEG whose only scan is complete, without the bytes of that scan; else None.

    Its decoder reports the same errors as for the whole file, sooner: libjpeg takes wrong bytes in
    a scan for grey pixels and only warns. Errors are wrong tables and parameters, and missing data.
    """
    if not data.startswith(_JPEG_BEGIN):
        return None
    segments = list(_segments(data))
    markers = [marker for marker, _, _ in segments]
    if markers.count(_JPEG_SCAN) != 1 or markers[-2:] != [_JPEG_SCAN, _JPEG_END]:
        return None
    return data[: segments[-2][2]] + bytes((0xFF, _JPEG_END))


def gif_extent(data: bytes, most: int) -> Extent:
    """Extent of a GIF; EngineError if a frame is truncated. Counts at most ``most`` + 1 frames."""
    try:
        return _walk_gif(data, most)
    except (struct.error, IndexError, StopIteration) as error:
        raise damaged() from error


def _walk_gif(data: bytes, most: int) -> Extent:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _colours(flags)
    frames = 0
    budget = iter(range(_MAX_BLOCKS))
    while frames <= most and at < len(data) and data[at] != _GIF_END:
        if data[at] == _GIF_EXTENSION:
            after = _after_extension(data, at + 1, budget)
            if after is None and frames:
                break
            if after is None or _misread(data, at + 1):
                raise damaged()
            at = after
        elif data[at] == _GIF_IMAGE:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, left + across), max(height, top + down)
            at = _after_blocks(data, at + 11 + _colours(flags), budget)
            frames += 1
        else:
            at += 1  # padding
        next(budget)
    return Extent(frames, width, height)


def _misread(data: bytes, at: int) -> bool:
    """Whether Pillow would misjudge where the extension at ``at`` ends, and find other frames."""
    size, body = data[at + 1], at + 2
    if data[at] == _GIF_LOOP and data[body : body + 11] == b"NETSCAPE2.0":
        return data[body + size] == 0
    return data[at] != _GIF_COMMENT and size == 0


def _after_extension(data: bytes, at: int, budget: Iterator[int]) -> int | None:
    """Where the extension at ``at`` ends; None if it is truncated."""
    try:
        return _after_blocks(data, at + 1, budget)
    except IndexError:
        return None


def _colours(flags: int) -> int:
    """Size in bytes of the colour table that follows; 0 if there is none."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int, budget: Iterator[int]) -> int:
    while data[at]:
        at += data[at] + 1
        next(budget)
    return at + 1


def _count_segments(data: bytes) -> None:
    """Bound the parts of a JPEG; the decoder reports missing data."""
    scans = segments = exif = 0
    for marker, begin, end in _segments(data):
        segments += begin < end
        exif += marker == _JPEG_EXIF and data.startswith(b"Exif", begin + 2)
        scans += marker == _JPEG_SCAN
        for count, most, parts in (
            (scans, _MAX_SCANS, "scans"),
            (segments, _MAX_SEGMENTS, "segments"),
            (exif, _MAX_EXIF, "Exif segments"),
        ):
            if count > most:
                raise EngineError(f"The JPEG has too many {parts}: at most {most:,} are allowed.")


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each marker of a JPEG up to the one of its end, and where its segment begins and ends.

    The segment of a scan is its header; the scan's own bytes follow it.
    """
    found = _MARKER.search(data)
    while found:
        marker, at = found[0][1], found.end()
        is_bare = marker in _JPEG_BARE
        size = 0 if is_bare else max(int.from_bytes(data[at : at + 2], "big"), 2)
        yield marker, at, at + size
        if marker == _JPEG_END:
            return
        found = _MARKER.search(data, at + size)


def _walk_tiff(data: bytes) -> None:
    """Check that all pages after the first are complete; the decoder checks the first page.

    A chain of pages that loops ends where it loops.
    """
    order = "<" if data[:2] == b"II" else ">"
    large = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    word, count_of, at = ("Q", "Q", 8) if large else ("I", "H", 4)
    entry = struct.Struct(f"{order}HH{word}{struct.calcsize(word)}s")
    seen: set[int] = set()
    while len(seen) < _MAX_PAGES:
        (page,) = struct.unpack_from(order + word, data, at)
        if page == 0 or page in seen:
            return
        (count,) = struct.unpack_from(order + count_of, data, page)
        if count > _MAX_TAGS:
            raise damaged()
        first = page + struct.calcsize(count_of)
        at = first + count * entry.size
        unpacked = (entry.unpack_from(data, place) for place in range(first, at, entry.size))
        fields = {tag: field for tag, *field in unpacked}
        _check_sizes(data, fields)
        if seen:
            _check_page(data, order, fields)
        seen.add(page)


def _check_sizes(data: bytes, fields: dict[int, list[Any]]) -> None:
    """Pillow reads the values of all tags, and makes an object of each strip or tile."""
    sizes = (count * _TIFF_BYTES.get(kind, 1) for kind, count, _ in fields.values())
    parts = max((fields[tag][1] for tag in (*_STRIPS, *_TILES) if tag in fields), default=0)
    if parts > _MAX_PARTS:
        raise EngineError(f"The TIFF has too many parts: at most {_MAX_PARTS:,} are allowed.")
    if sum(sizes) > 2 * len(data):  # values of several tags in the same place
        raise damaged()


def _check_page(data: bytes, order: str, fields: dict[int, list[Any]]) -> None:
    for begins, lengths in (_STRIPS, _TILES):
        if begins in fields and lengths in fields:
            ends = [_numbers(data, order, *fields[tag]).astype(float) for tag in (begins, lengths)]
            if len(ends[0]) != len(ends[1]) or (ends[0] + ends[1]).max(initial=0) > len(data):
                raise damaged()


def _numbers(data: bytes, order: str, kind: int, count: int, value: bytes) -> NDArray[Any]:
    """A tag's numbers, which are stored in the tag itself if they fit."""
    dtype = np.dtype(order + _TIFF_NUMBERS.get(kind, "u4"))
    if count * dtype.itemsize <= len(value):
        return np.frombuffer(value, dtype, count)
    return np.frombuffer(data, dtype, count, int.from_bytes(value, _ENDIAN[order]))
