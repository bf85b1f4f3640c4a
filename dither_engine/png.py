"""PNG files: indexed with the fewest bits, animated if needed.

Source: W3C, “Portable Network Graphics (PNG) Specification (Third Edition)”, 2025. Rows are not
filtered: positions in a palette have no gradients to predict, and dithered colours hardly any.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from dither_engine.compiled.packing import packed
from dither_engine.deflate import MARGIN, deflated
from dither_engine.memory import reusable

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _INDEXED, _RGBA = 0, 2, 3, 6
_PIECE = 1 << 16  # bytes that are compressed together, at least
_MOST = 65535  # of 16 bits
Pixels = NDArray[np.uint8]


def indexed_png(
    size: tuple[int, int],
    pictures: Sequence[Iterable[Pixels]],
    palette: Pixels,
    transparent: int | None,
    *,
    durations: Sequence[int],
    plays: int,
) -> bytes:
    """Frames of positions in a palette, ``uint8 (n, 3)``, of 1 to 256 colours.

    size: width and height. pictures: each in pieces from the top, ``uint8 (h, W)``. The palette is
    written in its order, at 1, 2, 4 or 8 bits a pixel; ``transparent`` is the fully transparent
    position. More than one picture make an animation.
    """
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 1 << bits)
    extra = _chunk(b"PLTE", palette.tobytes())
    if transparent is not None:
        extra += _chunk(b"tRNS", b"\xff" * transparent + b"\x00")
    rows = ((packed(piece, bits) for piece in picture) for picture in pictures)
    return _file((*size, bits, _INDEXED), extra, rows, durations, plays)


def grey_png(greys: Pixels, bits: int) -> bytes:
    """A still picture of greys, ``uint8 (H, W)``, each below 2 to the power of ``bits``."""
    height, width = greys.shape
    rows = iter([[packed(greys, bits)]])
    return _file((width, height, bits, _GREY), b"", rows, [0], 0)


def colour_png(
    size: tuple[int, int],
    pictures: Sequence[Iterable[Pixels]],
    depth: int,
    *,
    durations: Sequence[int],
    plays: int,
) -> bytes:
    """The same for colours: pieces ``uint8 (h, W, 3)`` or, with alpha, ``(h, W, 4)``."""
    rows = ((piece.reshape(len(piece), -1) for piece in picture) for picture in pictures)
    return _file((*size, 8, _RGB if depth == 3 else _RGBA), b"", rows, durations, plays)


def _file(
    head: tuple[int, int, int, int],
    extra: bytes,
    pictures: Iterator[Iterable[Pixels]],
    durations: Sequence[int],
    plays: int,
) -> bytes:
    width, height, bits, colour_type = head
    file = io.BytesIO()
    file.write(_SIGNATURE)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    file.write(_chunk(b"IHDR", header))
    animated = len(durations) > 1
    if animated:
        file.write(_chunk(b"acTL", struct.pack(">II", len(durations), plays)))
    file.write(extra)
    number = 0  # sequence number of the animation's chunks
    for pieces, duration in zip(pictures, durations, strict=True):
        first = number == 0
        if animated:
            frame = (number, width, height, 0, 0, *_fraction(duration), 0, 0)
            file.write(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *frame)))
            number += 1
        for data in deflated(_filtered(pieces)):
            if first:
                file.write(_chunk(b"IDAT", data))
            else:
                file.write(_chunk(b"fdAT", struct.pack(">I", number), data))
                number += 1
    file.write(_chunk(b"IEND"))
    return file.getvalue()


def _fraction(milliseconds: int) -> tuple[int, int]:
    """Seconds, up to 65535, as a fraction of two 16-bit numbers; off by a 65,000th at most."""
    unit = 1000 if milliseconds <= _MOST else max(_MOST * 1000 // milliseconds, 1)
    return min(round(milliseconds * unit / 1000), _MOST), unit


def _filtered(pieces: Iterable[Pixels]) -> Iterator[Pixels]:
    """Rows, each after its filter type, which is 0 (none), in pieces for `deflated`."""
    gathered: list[Pixels] = []
    for piece in pieces:
        gathered.append(piece)
        if sum(part.size for part in gathered) >= _PIECE:
            yield _joined(gathered)
            gathered = []
    if gathered:
        yield _joined(gathered)


def _joined(pieces: Sequence[Pixels]) -> Pixels:
    height, width = sum(map(len, pieces)), pieces[0].shape[1] + 1
    joined = reusable(height * width + MARGIN, np.uint8)
    joined[-MARGIN:] = 0
    rows = joined[:-MARGIN].reshape(height, width)
    rows[:, 0] = 0
    top = 0
    for piece in pieces:
        rows[top : top + len(piece), 1:] = piece
        top += len(piece)
    return joined


def _chunk(name: bytes, *parts: bytes) -> bytes:
    check = isal_zlib.crc32(name)
    for part in parts:
        check = isal_zlib.crc32(part, check)
    length = struct.pack(">I", sum(map(len, parts)))
    return b"".join((length, name, *parts, struct.pack(">I", check)))
