"""The output formats and their limits."""

from dataclasses import dataclass

from dither_engine.errors import EngineError
from dither_engine.result import LONGEST_SIDE


@dataclass(frozen=True)
class Format:
    """suffix: of file names, without a dot. longest_side: pixels.

    most_plays: for an animation that is not played for ever. longest_delay: milliseconds that one
    frame can be shown; 0 if the format has no animations.
    """

    name: str
    suffix: str
    content_type: str
    title: str
    longest_side: int
    most_plays: int = 0
    longest_delay: int = 0

    def check(self, width: int, height: int, plays: int = 0) -> None:
        """Raise EngineError if the format cannot store this size or number of plays."""
        if max(width, height) > self.longest_side:
            raise EngineError(
                f"The format {self.name} has at most {self.longest_side:,} pixels a side, not"
                f" {width:,} × {height:,}: choose a smaller size or another format."
            )
        if self.longest_delay and plays > self.most_plays:
            raise EngineError(
                f"The format {self.name} plays an animation at most {self.most_plays:,} times, or"
                f" for ever, not {plays:,} times: choose another format."
            )

    def check_frames(self, count: int) -> None:
        """Raise EngineError if the format has no animations and there are several frames."""
        if count > 1 and not self.longest_delay:
            raise EngineError(
                f"The format {self.name} has one picture, not {count:,} frames: send a still"
                " image, or choose the format png, gif or webp."
            )


# Sources: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025; CompuServe,
# "Graphics Interchange Format, version 89a", 1990, and Netscape's extension, which counts repeats;
# Google, "WebP Container Specification", RFC 9649, 2024. The others' sides are our own limits: a
# BMP's size must fit 32 bits, and a C array is text of six characters a byte.
FORMATS = {
    entry.name: entry
    for entry in (
        Format("png", "png", "image/png", "PNG", LONGEST_SIDE, (1 << 31) - 1, 65_535_000),
        Format("gif", "gif", "image/gif", "GIF", 65_535, 65_536, 655_350),
        Format("webp", "webp", "image/webp", "WebP", 16_383, 65_535, (1 << 24) - 1),
        Format("png-grey", "png", "image/png", "grey PNG", LONGEST_SIDE),
        Format("bmp", "bmp", "image/bmp", "BMP", 30_000),
        Format("raw", "bin", "application/octet-stream", "raw bytes", 65_535),
        Format("c-array", "h", "text/plain; charset=utf-8", "C array", 4_096),
    )
}
CONTENT_TYPES = tuple(dict.fromkeys(entry.content_type for entry in FORMATS.values()))
# The formats that contain the driver's numbers of the colours, not the colours.
NUMBERED = ("raw", "c-array")
_PACKED = (1, 2, 4, 8)
# The formats in which ``bits`` can be chosen, with the numbers allowed.
BITS = {"png-grey": _PACKED, "bmp": (1, 4, 8, 24), "raw": _PACKED, "c-array": _PACKED}


def fewest_bits(form: str, needed: int, wanted: int | None) -> int:
    """``wanted``, or the smallest number of bits of the format that is at least ``needed``.

    Raises EngineError if the format does not have so many, or ``wanted`` is too small.
    """
    allowed = BITS[form]
    fitting = [bits for bits in allowed if bits >= needed and wanted in (None, bits)]
    if not fitting:
        *most, last = map(str, allowed)
        raise EngineError(
            f"bits={wanted}: this picture needs at least {needed} bits a pixel, and the format"
            f" {form} has {', '.join(most)} or {last}."
        )
    return fitting[0]


def too_many_colours() -> EngineError:
    """The error for a picture that has too many colours for GIF."""
    return EngineError(
        "A GIF has at most 256 colours, the transparent one included:"
        " use fewer colours, alpha=flatten, or the format png or webp."
    )
