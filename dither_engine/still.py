"""The formats of one opaque picture, most of them for displays: grey PNG, BMP, raw and C array.

docs/formats.md describes each of them to the bit.
"""

import numpy as np
from numpy.typing import NDArray

from dither_engine.bmp import colour_bmp, indexed_bmp
from dither_engine.c_array import c_array
from dither_engine.errors import EngineError
from dither_engine.formats import fewest_bits
from dither_engine.options import Options
from dither_engine.palettes import NAMED, inks_of
from dither_engine.png import grey_png
from dither_engine.raw import Layout, raw
from dither_engine.result import Dithered

Pixels = NDArray[np.uint8]


def still(picture: Dithered, options: Options) -> bytes:
    """``picture`` in ``options.format``: ``png-grey``, ``bmp``, ``raw`` or ``c-array``.

    Raises EngineError for transparent pixels, colours that the format does not have, and ``bits``
    that are too few for them.
    """
    if picture.alpha is not None:
        raise EngineError(
            f"The format {options.format} has no transparency: choose alpha=flatten, or the format"
            " png, gif or webp."
        )
    write = {"png-grey": _grey_png, "bmp": _bmp, "raw": _raw, "c-array": _c_array}
    return write[options.format](picture, options)


def _grey_png(picture: Dithered, options: Options) -> bytes:
    palette = picture.palette
    if not picture.indexed or (palette != palette[:, :1]).any():
        raise EngineError("The format png-grey has greys only: choose a palette of greys, as gray.")
    greys = palette[:, 0].astype(np.int64)
    steps = {bits: 255 // ((1 << bits) - 1) for bits in (1, 2, 4, 8)}
    needed = next(bits for bits, step in steps.items() if not (greys % step).any())
    bits = fewest_bits("png-grey", needed, options.bits)
    return grey_png(np.take((greys // steps[bits]).astype(np.uint8), picture.indices), bits)


def _bmp(picture: Dithered, options: Options) -> bytes:
    needed = _bits_of(len(picture.palette) - 1) if picture.indexed else 24
    bits = fewest_bits("bmp", needed, options.bits)
    if bits == 24:
        return colour_bmp(picture.rgb())
    return indexed_bmp(picture.indices, picture.palette, bits)


def _raw(picture: Dithered, options: Options) -> bytes:
    codes = _codes(picture, options)
    layout = _layout(int(codes.max()), options)
    if options.invert:
        codes = codes ^ np.uint8((1 << layout.bits) - 1)
    return raw(np.take(codes, picture.indices), layout)


def _c_array(picture: Dithered, options: Options) -> bytes:
    bits = _layout(int(_codes(picture, options).max()), options).bits
    inverted = " Inverted." if options.invert else ""
    layout = (
        f"{bits} bits a pixel in {options.packing}, {options.bit_order} first,"
        f" rows aligned to {options.row_align} bytes.{inverted}"
    )
    return c_array(_raw(picture, options), picture.width, picture.height, layout)


def _codes(picture: Dithered, options: Options) -> Pixels:
    """The driver's number of each colour of the palette, ``uint8 (n,)``."""
    if not picture.indexed:
        raise EngineError(f"The format {options.format} has at most 256 colours: use fewer.")
    count = len(picture.palette)
    if options.codes is not None:
        if len(options.codes) != count:
            raise EngineError(
                f"codes has a number for each colour of the palette: {count}, not"
                f" {len(options.codes)}."
            )
        return np.array(options.codes, np.uint8)
    palette = options.palette
    if isinstance(palette, list) or palette in NAMED:
        return np.array(inks_of(palette).codes, np.uint8)
    return np.arange(count).astype(np.uint8)


def _layout(most: int, options: Options) -> Layout:
    bits = fewest_bits(options.format, _bits_of(most), options.bits)
    if options.packing == "pages" and bits > 1:
        raise EngineError("packing=pages has one bit a pixel: use two colours.")
    return Layout(bits, options.packing, options.bit_order, options.row_align)


def _bits_of(number: int) -> int:
    return max(1, number.bit_length())
