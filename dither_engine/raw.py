"""The bytes of a display's memory, without any header: the format ``raw``.

Each pixel is the number that the driver has for its colour. docs/formats.md describes the layouts
to the bit, with an example of each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dither_engine.compiled.packing import packed

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """How numbers of ``bits`` bits become bytes.

    packing: ``rows``, several pixels a byte, row by row; ``planes``, a picture of one bit a pixel
        for each bit of the numbers, the lowest bit first; ``pages``, a byte is eight pixels one
        below the other, and the bytes go from left to right in bands of eight rows.
    bit_order: where the first pixel of a byte is: in its high bits (``msb``) or low bits (``lsb``).
    row_align: bytes that the length of a row, or of a band, is a multiple of. Padding is 0.
    """

    bits: int
    packing: str = "rows"
    bit_order: str = "msb"
    row_align: int = 1


def raw(codes: Pixels, layout: Layout) -> bytes:
    """``uint8 (H, W)``, each below 2 to the power of ``layout.bits`` → the display's memory."""
    if layout.packing == "planes":
        planes = [codes >> np.uint8(bit) & np.uint8(1) for bit in range(layout.bits)]
        return b"".join(_rows(plane, 1, layout) for plane in planes)
    if layout.packing == "pages":
        return _pages(codes, layout)
    return _rows(codes, layout.bits, layout)


def _rows(codes: Pixels, bits: int, layout: Layout) -> bytes:
    ordered = codes if layout.bit_order == "msb" else _reversed(codes, 8 // bits)
    rows = packed(ordered, bits)
    length = -(-rows.shape[1] // layout.row_align) * layout.row_align
    return np.pad(rows, ((0, 0), (0, length - rows.shape[1]))).tobytes()


def _pages(codes: Pixels, layout: Layout) -> bytes:
    height, width = codes.shape
    pixels = np.zeros((-(-height // 8) * 8, width), np.uint8)
    pixels[:height] = codes
    bands = pixels.reshape(-1, 8, width).transpose(0, 2, 1)
    return _rows(bands.reshape(len(bands), -1), 1, layout)


def _reversed(codes: Pixels, per_byte: int) -> Pixels:
    """The pixels of each byte in reverse, in rows padded to whole bytes."""
    height, width = codes.shape
    pixels = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    pixels[:, :width] = codes
    return pixels.reshape(height, -1, per_byte)[..., ::-1].reshape(height, -1)
