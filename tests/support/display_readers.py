"""Readers of files for displays, written from data sheets and drivers, not from our encoder.

Each gives the colours that the display would show, as pure colours, ``uint8 (H, W, 3)``.
"""

import io
import re
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Reader = Callable[[bytes, int, int], Pixels]

BLACK, WHITE, RED, YELLOW = (0, 0, 0), (255, 255, 255), (255, 0, 0), (255, 255, 0)
GREEN, BLUE, ORANGE = (0, 255, 0), (0, 0, 255), (255, 128, 0)

# The constants in Waveshare's epd7in3g.py, epd7in3f.py and epd7in3e.py.
FOUR_COLOURS = {0b00: BLACK, 0b01: WHITE, 0b10: YELLOW, 0b11: RED}
SEVEN_COLOURS = dict(enumerate((BLACK, WHITE, GREEN, BLUE, RED, YELLOW, ORANGE)))
SPECTRA_6 = {0x0: BLACK, 0x1: WHITE, 0x2: YELLOW, 0x3: RED, 0x5: BLUE, 0x6: GREEN}


def _coloured(numbers: NDArray[np.integer], colours: dict[int, tuple[int, int, int]]) -> Pixels:
    """KeyError for a number that the display does not have."""
    table = np.zeros((256, 3), np.uint8)
    for number in np.unique(numbers):
        table[number] = colours[int(number)]
    shown: Pixels = table[numbers]
    return shown


def _whole(data: bytes, size: int) -> bytes:
    assert len(data) == size, f"{len(data)} bytes, the display has {size}"
    return data


def _bits(data: bytes, width: int, height: int) -> Pixels:
    """A buffer of ``buf[x // 8 + y * stride] & (0x80 >> (x % 8))``, as in `getbuffer`."""
    stride = (width + 7) // 8
    bits = np.unpackbits(np.frombuffer(_whole(data, stride * height), np.uint8))
    return bits.reshape(height, stride * 8)[:, :width]


def one_bit(black: int) -> Reader:
    """``black``: the value of a black pixel."""
    return lambda data, width, height: _coloured(
        _bits(data, width, height), {black: BLACK, 1 - black: WHITE}
    )


def two_bits(colours: dict[int, tuple[int, int, int]]) -> Reader:
    """Four pixels a byte, the first in the two high bits: ``(p0 << 6) + (p1 << 4) + …``."""

    def read(data: bytes, width: int, height: int) -> Pixels:
        stride = (width + 3) // 4
        rows = np.frombuffer(_whole(data, stride * height), np.uint8).reshape(height, stride)
        pixels = np.stack([rows >> 6, rows >> 4 & 3, rows >> 2 & 3, rows & 3], axis=2)
        return _coloured(pixels.reshape(height, -1)[:, :width], colours)

    return read


def four_bits(colours: dict[int, tuple[int, int, int]]) -> Reader:
    """Two pixels a byte: ``(p0 << 4) + p1``."""

    def read(data: bytes, width: int, height: int) -> Pixels:
        bytes_ = np.frombuffer(_whole(data, width * height // 2), np.uint8)
        pixels = np.column_stack([bytes_ // 16, bytes_ % 16])
        return _coloured(pixels.reshape(height, width), colours)

    return read


def two_buffers(ink: int, colour: tuple[int, int, int]) -> Reader:
    """A black buffer, then a coloured one; in both, ``ink`` is the value of a pixel with ink.

    Where both have ink, the coloured one is on top, as in the SSD1680 and UC8179.
    """

    def read(data: bytes, width: int, height: int) -> Pixels:
        half = len(data) // 2
        black = _bits(data[:half], width, height) == ink
        coloured = _bits(data[half:], width, height) == ink
        return _coloured(coloured * 2 + black * ~coloured, {0: WHITE, 1: BLACK, 2: colour})

    return read


def greys(count: int) -> dict[int, tuple[int, int, int]]:
    """Levels from black to white."""
    levels = {level: 255 * level // (count - 1) for level in range(count)}
    return {level: (code, code, code) for level, code in levels.items()}


def xbm(data: bytes, width: int, height: int) -> Pixels:
    """`u8g2_DrawXBM`: mask 1 is the first pixel of a byte; a set bit is drawn, so it is dark."""
    stride = (width + 7) // 8
    shown = np.full((height, width, 3), WHITE, np.uint8)
    _whole(data, stride * height)
    for y in range(height):
        for x in range(width):
            if data[y * stride + x // 8] >> x % 8 & 1:
                shown[y, x] = BLACK
    return shown


def ssd1306(data: bytes, width: int, height: int) -> Pixels:
    """MicroPython's ``MONO_VLSB``: ``buf[(y >> 3) * stride + x] >> (y & 7) & 1`` is lit."""
    _whole(data, width * height // 8)
    shown = np.full((height, width, 3), BLACK, np.uint8)
    for y in range(height):
        for x in range(width):
            if data[(y >> 3) * width + x] >> (y & 7) & 1:
                shown[y, x] = WHITE
    return shown


def grey_png(bits: int) -> Reader:
    """Greyscale PNG of ``bits`` bits, colour type 0: W3C, PNG (Third Edition), section 11.2.1."""

    def read(data: bytes, width: int, height: int) -> Pixels:
        assert data[12:16] == b"IHDR"
        assert struct.unpack(">IIBB", data[16:26]) == (width, height, bits, 0)
        assert b"PLTE" not in data
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))

    return read


def palette_png(order: list[tuple[int, int, int]]) -> Reader:
    """`set_image` of Pimoroni's library takes the positions of a picture of mode P as inks."""

    def read(data: bytes, width: int, height: int) -> Pixels:
        with Image.open(io.BytesIO(data)) as image:
            assert (image.mode, image.size) == ("P", (width, height))
            assert len(image.palette.colors) == len(order)  # type: ignore[union-attr]
            return _coloured(np.asarray(image), dict(enumerate(order)))

    return read


def trmnl_bmp(data: bytes, width: int, height: int) -> Pixels:
    """`parseBMPHeader` of TRMNL's firmware, lib/trmnl/src/bmp.cpp, with all that it demands."""
    size = width * height // 8
    assert data[:2] == b"BM"
    assert struct.unpack_from("<II", data, 18) == (width, height)
    assert struct.unpack_from("<HII", data, 28) == (1, 0, size)
    assert struct.unpack_from("<I", data, 46)[0] in (0, 2)
    assert data[54:62] == b"\x00\x00\x00\x00\xff\xff\xff\x00"
    (start,) = struct.unpack_from("<I", data, 10)
    assert (start, len(data)) == (62, 62 + size)
    return one_bit(black=0)(data[start:], width, height)[::-1]


def bmp(data: bytes) -> Pixels:
    """Microsoft's BITMAPFILEHEADER and BITMAPINFOHEADER, uncompressed."""
    kind, length, start = struct.unpack_from("<2sI4xI", data)
    info, width, height, planes, bits, packing = struct.unpack_from("<IiiHHI", data, 14)
    assert (kind, length, info, planes, packing) == (b"BM", len(data), 40, 1, 0)
    stride = (width * bits + 31) // 32 * 4
    table = [data[54 + 4 * n : 57 + 4 * n][::-1] for n in range(1 << bits if bits <= 8 else 0)]
    shown = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        row = data[start + (height - 1 - y) * stride :]
        for x in range(width):
            if bits == 24:
                shown[y, x] = list(row[3 * x : 3 * x + 3][::-1])
            else:
                byte = row[x * bits // 8]
                shift = 8 - bits - x * bits % 8
                shown[y, x] = list(table[byte >> shift & (1 << bits) - 1])
    assert start + stride * height == len(data)
    return shown


def array_in_c(text: bytes) -> tuple[int, int, bytes]:
    """Width, height and bytes of a header file."""
    source = text.decode("ascii")
    width, height = (
        int(found) for found in re.findall(r"#define IMAGE_(?:WIDTH|HEIGHT) (\d+)", source)
    )
    found = re.search(r"static const uint8_t image\[(\d+)\] PROGMEM = \{([^}]*)\};", source)
    assert found
    data = bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2}),", found[2]))
    return width, height, _whole(data, int(found[1]))


def bit_by_bit(
    data: bytes, size: tuple[int, int], bits: int, packing: str, order: str, align: int
) -> list[list[int]]:
    """The numbers of a file of the format raw, as docs/formats.md says where each bit is."""
    width, height = size
    per_byte = 8 // (1 if packing == "planes" else bits)
    in_row = width if packing == "pages" else -(-width // per_byte)
    stride = -(-in_row // align) * align

    def number(plane: int, x: int, y: int, width_of_one: int) -> int:
        if packing == "pages":
            at, place = (y // 8) * stride + x, y % 8
        else:
            at, place = (plane * height + y) * stride + x // per_byte, x % per_byte
        shift = place if order == "lsb" else 8 // width_of_one - 1 - place
        return data[at] >> shift * width_of_one & (1 << width_of_one) - 1

    def pixel(x: int, y: int) -> int:
        if packing == "planes":
            return sum(number(plane, x, y, 1) << plane for plane in range(bits))
        return number(0, x, y, bits)

    return [[pixel(x, y) for x in range(width)] for y in range(height)]
