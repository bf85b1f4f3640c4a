"""How much memory a picture takes, told from its header before anything is decoded.

The numbers are bytes for each pixel, the most that was seen in the peak of a process's memory with
pictures of 49 megapixels (Pillow 13, libwebp, libavif, libjpeg-turbo), and a little more.
"""

from PIL import Image

from dither_engine.algorithms import module_of
from dither_engine.cost import Size, drawn_size
from dither_engine.decode import Source
from dither_engine.errors import TooLarge
from dither_engine.options import Options

BASE = 8 << 20  # bytes that any picture takes
MEGABYTE = 1_000_000

_DECODE = {"WEBP": 16.5, "AVIF": 11.0, "HEIF": 11.0, "TIFF": 5.0}
_PROGRESSIVE = 10.0  # a JPEG whose coefficients are all kept until its end
_OTHERS = 4.5
_CONVERT = 13.0  # of a picture with alpha or 16 bits: copies while it is converted
# Of a picture that is dithered: indices and alpha; copies if the method needs it as a whole.
_DRAWN, _RESIZED, _AS_A_WHOLE = 2.0, 8.0, 9.0
_TURNED, _ENHANCED, _EXCLUDED = 4.0, 15.0, 8.0  # copies of the picture
_ENCODE = {"gif": 8.0, "webp": 30.0}
_ENCODE_OTHERS = 1.0
_BAND, _SEARCHED = 280, 30.0  # of direct binary search: rows in view at once, bytes a pixel of them
# Modules of methods; see `methods.in_pieces`.
_PIECE_BY_PIECE = ("diffusion", "nearest", "ordered", "riemersma")
_PLAIN = ("1", "L", "P", "RGB", "CMYK", "YCbCr")


def bytes_to_check(source: Source) -> int:
    """What ``Source.check`` takes."""
    return BASE + int(_pixels(source) * _decode(source))


def bytes_to_dither(source: Source, options: Options, max_size: int | None = None) -> int:
    """What a job takes, from the decoder to the file."""
    size = Size(*source.size, source.count)
    drawn = drawn_size(size, options, max_size)
    pixels, frame = _pixels(source), drawn.width * drawn.height
    total = pixels * (_decode(source) + (0.0 if _is_plain(source) else _CONVERT))
    if (drawn.width, drawn.height) != (size.width, size.height):
        total += (pixels + frame) * _RESIZED
    if module_of(options.algorithm) not in _PIECE_BY_PIECE or source.count > 1:
        total += frame * _AS_A_WHOLE
    if module_of(options.algorithm) == "binary_search":
        total += drawn.width * min(drawn.height, _BAND) * _SEARCHED
    if options.rotate != "0" or options.crop is not None:
        total += pixels * _TURNED
    if options.auto != "off" or options.sharpen > 0 or options.saturation != 1:
        total += frame * _ENHANCED
    if options.exclude or options.alpha == "exclude":
        total += frame * _EXCLUDED
    encoded = _ENCODE.get(options.format, _ENCODE_OTHERS) * options.scale**2
    return BASE + int(total + frame * drawn.frames * (_DRAWN + encoded))


def check_bytes(needed: int, allowed: int) -> None:
    """Raise TooLarge if ``needed`` is more than ``allowed``."""
    if needed > allowed:
        raise TooLarge(
            f"The image would take about {needed // MEGABYTE:,} MB of memory; at most"
            f" {allowed // MEGABYTE:,} MB are allowed."
        )


def _pixels(source: Source) -> int:
    width, height = source.size
    return width * height


def _decode(source: Source) -> float:
    form = source.format
    if form in ("JPEG", "MPO") and isinstance(source.image, Image.Image):
        return _PROGRESSIVE if "progressive" in source.image.info else _OTHERS
    return _DECODE.get(form or "", _OTHERS)


def _is_plain(source: Source) -> bool:
    image = source.image
    if not isinstance(image, Image.Image):
        return image.pixels.itemsize == 1
    transparent = "transparency" in image.info
    return image.mode in _PLAIN and not transparent and source.low is None
