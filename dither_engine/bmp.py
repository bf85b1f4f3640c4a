"""BMP files: 1, 4 or 8 bits with a palette, or 24 bits.

Source: Microsoft, BITMAPFILEHEADER and BITMAPINFOHEADER (Windows GDI). Rows go from the bottom up
and are padded to four bytes. The palette always has all entries that the bits can number: readers
in firmware (Waveshare's ``GUI_BMPfile.c``, TRMNL's ``bmp.cpp``) expect the pixels right behind it.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.packing import packed

_FILE_HEADER, _INFO_HEADER = 14, 40  # bytes
_ROW = 4  # bytes that a row is a multiple of
Pixels = NDArray[np.uint8]


def indexed_bmp(indices: Pixels, palette: Pixels, bits: int) -> bytes:
    """Positions in a palette, ``uint8 (H, W)``; ``palette`` is ``uint8 (n, 3)``; 1, 4 or 8 bits."""
    table = np.zeros((1 << bits, 4), np.uint8)  # blue, green, red, 0
    table[: len(palette), :3] = palette[:, ::-1]
    height, width = indices.shape
    return _file(width, height, bits, table.tobytes(), packed(indices, bits))


def colour_bmp(pixels: Pixels) -> bytes:
    """Colours, ``uint8 (H, W, 3)``, as blue, green and red of 8 bits each."""
    height, width = pixels.shape[:2]
    return _file(width, height, 24, b"", pixels[..., ::-1].reshape(height, -1))


def _file(width: int, height: int, bits: int, table: bytes, rows: Pixels) -> bytes:
    padded = np.zeros((height, -(-rows.shape[1] // _ROW) * _ROW), np.uint8)
    padded[:, : rows.shape[1]] = rows[::-1]
    start = _FILE_HEADER + _INFO_HEADER + len(table)
    file = struct.pack("<2sIHHI", b"BM", start + padded.nbytes, 0, 0, start)
    sizes = (padded.nbytes, 0, 0, len(table) // 4, 0)
    info = struct.pack("<IiiHHIIiiII", _INFO_HEADER, width, height, 1, bits, 0, *sizes)
    return b"".join((file, info, table, padded.tobytes()))
