"""AVIF and HEIC: ISO/IEC 14496-12 (boxes) and 23008-12 (items).

Items are found by their place in the file, so nothing is moved: what goes is filled with zeros, and
its type becomes one that no reader knows. How a picture is turned is a property, and stays.
"""

import struct
from collections.abc import Iterator

from dither_engine.isobmff import Box, boxes

_KEPT = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free"})
_METADATA = frozenset({b"Exif", b"mime", b"uri "})
_BEFORE_CHILDREN = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0}
_UNKNOWN = b"skip"
_MAX_EXTENTS = 100_000  # they may have no bytes each


def strip(data: bytes) -> bytes:
    made = bytearray(data)
    found = list(boxes(data, 0, len(data)))
    for box in found:
        if box.kind not in _KEPT:
            _erase(made, box)
        elif box.kind == b"meta":
            _erase_items(made, data, box)
        elif box.kind == b"moov":
            _erase_user_data(made, data, box)
    return bytes(made[: found[-1].end])


def _children(data: bytes, box: Box) -> dict[bytes, Box]:
    inner = box.start + _BEFORE_CHILDREN[box.kind]
    return {child.kind: child for child in boxes(data, inner, box.end)}


def _erase(made: bytearray, box: Box) -> None:
    made[box.at + 4 : box.at + 8] = b"free"
    made[box.start : box.end] = bytes(box.end - box.start)


def _erase_user_data(made: bytearray, data: bytes, box: Box) -> None:
    for child in boxes(data, box.start + _BEFORE_CHILDREN[box.kind], box.end):
        if child.kind in (b"udta", b"meta", b"uuid"):
            _erase(made, child)
        elif child.kind in _BEFORE_CHILDREN:
            _erase_user_data(made, data, child)


def _erase_items(made: bytearray, data: bytes, meta: Box) -> None:
    children = _children(data, meta)
    gone = set()
    for item, kind_at in _items(data, children[b"iinf"]):
        if data[kind_at : kind_at + 4] in _METADATA:
            made[kind_at : kind_at + 4] = _UNKNOWN
            gone.add(item)
    inside = children[b"idat"].start if b"idat" in children else 0
    for item, method, at, size in _extents(data, children[b"iloc"]):
        if item in gone and method in (0, 1):
            begin = at + (inside if method == 1 else 0)
            end = min(begin + size, len(data)) if size else len(data)
            made[begin:end] = bytes(end - begin)
    for child in boxes(data, meta.start + 4, meta.end):
        if child.kind in (b"uuid", b"udta"):
            _erase(made, child)


def _items(data: bytes, box: Box) -> Iterator[tuple[int, int]]:
    """Each item's number, and where its type stands."""
    first = box.start + (6 if data[box.start] == 0 else 8)
    for entry in boxes(data, first, box.end):
        version = data[entry.start]
        form = ">H" if version == 2 else ">I"
        (number,) = struct.unpack_from(form, data, entry.start + 4)
        yield number, entry.start + 4 + struct.calcsize(form) + 2


def _extents(data: bytes, box: Box) -> Iterator[tuple[int, int, int, int]]:
    """Each extent: the item's number, how its place is counted, its place and its size."""
    version, at = data[box.start], box.start + 6
    offset_size, length_size = data[at - 2] >> 4, data[at - 2] & 15
    base_size, index_size = data[at - 1] >> 4, data[at - 1] & 15 if version else 0
    number_size = 4 if version == 2 else 2

    extents = 0

    def read(size: int) -> int:
        nonlocal at
        at += size
        if at > box.end:
            raise ValueError("the list of places is cut off")
        return int.from_bytes(data[at - size : at], "big")

    for _ in range(read(number_size)):
        item = read(number_size)
        method = read(2) & 15 if version else 0
        read(2)  # the file that it is in: 0, this one
        base = read(base_size)
        for _ in range(read(2)):
            extents += 1
            if extents > _MAX_EXTENTS:
                raise ValueError("too many places")
            read(index_size)
            begin = base + read(offset_size)
            yield item, method, begin, read(length_size)
