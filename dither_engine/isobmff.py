"""The boxes of HEIF and AVIF files. Source: ISO/IEC 14496-12:2022, 4.2."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

MOST_BOXES = 10_000  # in one box


class Box(NamedTuple):
    """``data[at:end]`` is the box; ``data[start:end]`` its content, without its own header."""

    kind: bytes
    at: int
    start: int
    end: int


def boxes(data: bytes, at: int, end: int) -> Iterator[Box]:
    """The boxes that follow each other from ``at`` to ``end``; fewer than 8 bytes left are no box.

    Raises ValueError for a box that is longer than what contains it, and for more than
    ``MOST_BOXES``; struct.error for a long header that is cut off.
    """
    for _ in range(MOST_BOXES):
        if end - at < 8:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        box_end = end if size == 0 else at + size
        if not start <= box_end <= end:
            raise ValueError("a box is longer than what contains it")
        yield Box(kind, at, start, box_end)
        at = box_end
    raise ValueError("there are too many boxes")
