"""TIFF: Aldus, "TIFF revision 6.0", 1992, and its 64-bit form, "BigTIFF", 2007.

Its parts refer to each other by their place in the file. So a new file is filled with zeros, and
what is kept is copied to the place where it was.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_PAGES, _MAX_TAGS = 1000, 1000
# Size, coding, place and colours of the pixels: neither texts nor other directories.
_KEPT = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281),
        *(282, 283, 284, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322),
        *(323, 324, 325, 332, 334, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518),
        *(519, 520, 521, 529, 530, 531, 532, 34675),
    }
)
_PIXELS = ((273, 279), (324, 325), (513, 514))  # tags: where they are, and how many bytes
_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class _Tag:
    """``whole``: its entry in the directory; ``at``, ``size``: where its values are."""

    number: int
    kind: int
    count: int
    whole: bytes
    at: int
    size: int


def strip(data: bytes) -> bytes:
    copy = _Copy(data)
    place = new_place = copy.first
    copy.keep(0, place)
    seen: set[int] = set()
    while len(seen) < _MAX_PAGES:
        page = copy.read(copy.word, place)[0]
        if page == 0 or page in seen:  # a chain that loops ends where it loops
            break
        copy.write(copy.word, new_place, page)
        seen.add(page)
        tags, place = copy.tags(page)
        new_place = copy.keep_page(page, tags)
    return copy.made()


class _Copy:
    """``first``: where the place of the first page stands; ``word``: the form of a place."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        is_large = self.read("H", 2)[0] == 43
        self.word, self._count, self.first = ("Q", "Q", 8) if is_large else ("I", "H", 4)
        self._tag = struct.Struct(f"{self._order}HH{self.word}{struct.calcsize(self.word)}s")
        self._made = bytearray(len(data) + struct.calcsize(self.word))
        self._end = 0
        # Tags and strips of many pages may be the same bytes: they are not copied again and again.
        self._budget = 8 * len(data)

    def read(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + form, self._data, at)

    def write(self, form: str, at: int, number: int) -> None:
        struct.pack_into(self._order + form, self._made, at, number)
        self._end = max(self._end, at + struct.calcsize(form))

    def keep(self, at: int, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise ValueError("more is told than the file has")
        end = min(at + size, len(self._data))
        self._made[at:end] = self._data[at:end]
        self._end = max(self._end, end)

    def made(self) -> bytes:
        return bytes(self._made[: self._end])

    def tags(self, page: int) -> tuple[list[_Tag], int]:
        """The tags of a page, and where the place of the next page stands."""
        count = self.read(self._count, page)[0]
        self._budget -= count * self._tag.size
        if count > _MAX_TAGS:
            raise ValueError("too many tags")
        begin = page + struct.calcsize(self._count)
        end = begin + count * self._tag.size
        return [self._read_tag(at) for at in range(begin, end, self._tag.size)], end

    def _read_tag(self, place: int) -> _Tag:
        number, kind, count, value = self._tag.unpack_from(self._data, place)
        size = count * _SIZES.get(kind, 1)
        at = place + self._tag.size - len(value)
        if size > len(value):
            at = self.read(self.word, at)[0]
        whole = self._data[place : place + self._tag.size]
        return _Tag(number, kind, count, whole, at, size)

    def keep_page(self, page: int, tags: Sequence[_Tag]) -> int:
        """Copy a page; returns where the place of the next page stands in the copy."""
        kept = {tag.number: tag for tag in tags if tag.number in _KEPT}
        self.write(self._count, page, len(kept))
        at = page + struct.calcsize(self._count)
        for tag in kept.values():
            self._made[at : at + len(tag.whole)] = tag.whole
            at += len(tag.whole)
            if tag.size > struct.calcsize(self.word):
                self.keep(tag.at, tag.size)
        self.write(self.word, at, 0)
        for places, sizes in _PIXELS:
            if places in kept:  # KeyError without sizes: then nobody knows what is a pixel
                both = zip(self._numbers(kept[places]), self._numbers(kept[sizes]), strict=True)
                for where, size in both:
                    self.keep(where, size)
        return at

    def _numbers(self, tag: _Tag) -> tuple[int, ...]:
        return self.read(f"{tag.count}{_NUMBERS[tag.kind]}", tag.at)
