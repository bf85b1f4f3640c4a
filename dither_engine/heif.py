"""HEIF files, as iPhones write them (.heic), opened by libheif, if pillow-heif is installed.

libheif reads the metadata of every picture in the file as soon as the file is opened. So the boxes
that say how many bytes belong to which item are checked before. libheif itself refuses to decode a
picture that is larger than its header says.

Source: ISO/IEC 23008-12:2022 (HEIF), and ISO/IEC 14496-12:2022, 8.11 (boxes iloc and iref).
"""

import io
import struct
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec

from PIL import ImageFile

from dither_engine.integrity import damaged
from dither_engine.isobmff import Box, boxes

READABLE = find_spec("pillow_heif") is not None
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY_CODEC, _AVIF = frozenset({b"mif1", b"msf1"}), frozenset({b"avif", b"avis"})
# Items of a file, and pieces of all items. libheif takes 1000 items.
_MOST = 10_000
# A file may use its bytes for more than one item, but not for many.
_MAX_USES = 2


def is_heif(data: bytes) -> bool:
    """Whether the file's brands are those of HEIF with HEVC pictures; those of AVIF are not."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    compatible = {data[at : at + 4] for at in range(16, end, 4)}
    brand = data[8:12]
    return brand in _BRANDS or (brand in _ANY_CODEC and not compatible & _AVIF)


def open_heif(data: bytes) -> ImageFile.ImageFile:
    """The file's primary picture, not decoded yet; libheif turns it upright.

    ``READABLE`` must be true. Raises Damaged, or what Pillow's plugins raise for damaged files.
    """
    _check(data)
    import pillow_heif  # noqa: PLC0415 - 25 MB, only for those who send such files

    # One thread for a picture, as everywhere in the engine. The other pictures are not needed.
    options = pillow_heif.options
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    image: ImageFile.ImageFile = pillow_heif.HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return image


def _check(data: bytes) -> None:
    """Raise Damaged if the file is cut short, or if its items use more bytes than it has."""
    try:
        (meta,) = (box for box in boxes(data, 0, len(data)) if box.kind == b"meta")
        inner = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}
        sizes = _item_sizes(data, inner[b"iloc"])
        used = sum(sizes.values())
        if b"iref" in inner:
            used += sum(sizes[item] * count for item, count in _references(data, inner[b"iref"]))
    except (struct.error, KeyError, ValueError, OverflowError) as error:
        raise damaged() from error
    if used > _MAX_USES * len(data):
        raise damaged()


def _item_sizes(data: bytes, iloc: Box) -> defaultdict[int, int]:
    """The number of bytes of each item, by its id. Raises Damaged if some are not in the file."""
    version, at = data[iloc.start], iloc.start + 4
    (widths,) = struct.unpack_from(">H", data, at)
    of_offset, of_length, of_base, of_index = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    id_size = 4 if version == 2 else 2
    in_file, place, pieces = 0, _Cursor(data, at + 2, iloc.end), 0
    sizes: defaultdict[int, int] = defaultdict(int)
    for _ in range(place.number(id_size)):
        item = place.number(id_size)
        method = place.number(2) & 15 if version else in_file
        place.number(2)  # the data reference
        base = place.number(of_base)
        count = place.number(2)
        pieces += 1 + count
        if pieces > _MOST:
            raise damaged()
        for _ in range(count):
            place.number(of_index if version else 0)
            offset, length = place.number(of_offset), place.number(of_length)
            if method == in_file and base + offset + length > len(data):
                raise damaged()
            sizes[item] += length or len(data)  # 0 is the whole file
    return sizes


def _references(data: bytes, iref: Box) -> Iterator[tuple[int, int]]:
    """Each item that refers to others, with the number of those."""
    id_size = 4 if data[iref.start] else 2
    for box in boxes(data, iref.start + 4, iref.end):
        place = _Cursor(data, box.start, box.end)
        yield place.number(id_size), place.number(2)


class _Cursor:
    """Reads unsigned big-endian numbers one after the other."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data, self._at, self._end = data, at, end

    def number(self, size: int) -> int:
        """The next number, of ``size`` bytes; 0 if ``size`` is 0. Raises Damaged at the end."""
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise damaged()
        return int.from_bytes(self._data[start : self._at], "big")
