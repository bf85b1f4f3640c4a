"""PNG files: indexed at the fewest bits, compressed by ISA-L, animated if need be.

Source: W3C, “Portable Network Graphics (PNG) Specification (Third Edition)”, 2025. Rows are not
filtered: positions in a palette have no gradients to predict, and dithered colours hardly any.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from dither_engine.compiled.packing import packed

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED, _RGB, _RGBA = 3, 2, 6
_LEVEL = 1
_MOST = 65535  # of 16 bits


def indexed_png(
    pictures: Sequence[NDArray[np.uint8]],
    palette: NDArray[np.uint8],
    transparent: int | None,
    durations: Sequence[int],
    plays: int,
) -> bytes:
    """Frames of positions, ``uint8 (H, W)``, in a palette, ``uint8 (n, 3)``, of 1 to 256 colours.

    The palette is written in its order, at 1, 2, 4 or 8 bits a pixel; ``transparent`` is the
    position that is to be fully transparent. More than one picture make an animation.
    """
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 1 << bits)
    extra = _chunk(b"PLTE", palette.tobytes())
    if transparent is not None:
        extra += _chunk(b"tRNS", b"\xff" * transparent + b"\x00")
    rows = (_rows(packed(picture, bits)) for picture in pictures)
    height, width = pictures[0].shape
    return _file((width, height, bits, _INDEXED), extra, rows, durations, plays)


def colour_png(
    pictures: Sequence[NDArray[np.uint8]], durations: Sequence[int], plays: int
) -> bytes:
    """Frames of colours, ``uint8 (H, W, 3)`` or, with alpha, ``(H, W, 4)``."""
    height, width, depth = pictures[0].shape
    rows = (_rows(picture.reshape(height, -1)) for picture in pictures)
    return _file((width, height, 8, _RGB if depth == 3 else _RGBA), b"", rows, durations, plays)


def _rows(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each row of bytes after its filter type, none."""
    rows = np.empty((picture.shape[0], picture.shape[1] + 1), np.uint8)
    rows[:, 0] = 0
    rows[:, 1:] = picture
    return rows


def _file(
    head: tuple[int, int, int, int],
    extra: bytes,
    pictures: Iterator[NDArray[np.uint8]],
    durations: Sequence[int],
    plays: int,
) -> bytes:
    width, height, bits, colour_type = head
    parts = [
        _SIGNATURE,
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)),
    ]
    animated = len(durations) > 1
    if animated:
        parts.append(_chunk(b"acTL", struct.pack(">II", len(durations), plays)))
    parts.append(extra)
    number = 0
    for rows, duration in zip(pictures, durations, strict=True):
        data = isal_zlib.compress(rows, _LEVEL)
        if animated:
            frame = (number, width, height, 0, 0, *_fraction(duration), 0, 0)
            parts.append(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *frame)))
        if number == 0:
            parts.append(_chunk(b"IDAT", data))
            number += 1
        else:
            parts.append(_chunk(b"fdAT", struct.pack(">I", number + 1) + data))
            number += 2
    parts.append(_chunk(b"IEND", b""))
    return b"".join(parts)


def _fraction(milliseconds: int) -> tuple[int, int]:
    """Seconds, up to 65535, as a fraction of two 16-bit numbers; off by a 65,000th at most."""
    unit = 1000 if milliseconds <= _MOST else max(_MOST * 1000 // milliseconds, 1)
    return min(round(milliseconds * unit / 1000), _MOST), unit


def _chunk(name: bytes, data: bytes) -> bytes:
    return b"".join(
        (
            struct.pack(">I", len(data)),
            name,
            data,
            struct.pack(">I", zlib.crc32(data, zlib.crc32(name))),
        )
    )
