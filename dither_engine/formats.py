"""The output formats and their limits."""

from dataclasses import dataclass

from dither_engine.errors import EngineError
from dither_engine.result import LONGEST_SIDE


@dataclass(frozen=True)
class Format:
    """longest_side: pixels. most_plays: for an animation that is not played for ever.

    longest_delay: milliseconds that one frame can be shown.
    """

    name: str
    content_type: str
    title: str
    longest_side: int
    most_plays: int
    longest_delay: int

    def check(self, width: int, height: int, plays: int = 0) -> None:
        """Raise EngineError if the format cannot store this size or number of plays."""
        if max(width, height) > self.longest_side:
            raise EngineError(
                f"The format {self.name} has at most {self.longest_side:,} pixels a side, not"
                f" {width:,} × {height:,}: choose a smaller size or another format."
            )
        if plays > self.most_plays:
            raise EngineError(
                f"The format {self.name} plays an animation at most {self.most_plays:,} times, or"
                f" for ever, not {plays:,} times: choose another format."
            )


# Sources: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025; CompuServe,
# "Graphics Interchange Format, version 89a", 1990, and Netscape's extension, which counts repeats;
# Google, "WebP Container Specification", RFC 9649, 2024.
FORMATS = {
    entry.name: entry
    for entry in (
        Format("png", "image/png", "PNG", LONGEST_SIDE, (1 << 31) - 1, 65_535_000),
        Format("gif", "image/gif", "GIF", 65_535, 65_536, 655_350),
        Format("webp", "image/webp", "WebP, lossless", 16_383, 65_535, (1 << 24) - 1),
    )
}


def too_many_colours() -> EngineError:
    """The error for a picture that has too many colours for GIF."""
    return EngineError(
        "A GIF has at most 256 colours, the transparent one included:"
        " use fewer colours, alpha=flatten, or the format png or webp."
    )
