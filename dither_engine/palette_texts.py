"""Palettes written as text: one colour a line, GIMP's .gpl, and Paint Shop Pro's .pal.

Sources: GIMP, "GIMP palette file format"; JASC, "PaintShop Pro palette format"; Lospec's .hex; and
Paint.NET's .txt, whose colours have alpha first.
"""

import re
from collections.abc import Sequence

from dither_engine.errors import EngineError

_GIMP, _JASC = "GIMP Palette", "JASC-PAL"
_NUMBERS = re.compile(r"\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:\s.*)?\Z")
_HEX = re.compile(r"#?(?:[0-9a-fA-F]{2})?([0-9a-fA-F]{6})\Z")


def colours_of_text(text: str) -> list[str]:
    """The colours, ``#rrggbb``, in their order. Raises EngineError for an invalid line."""
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    head = lines[0] if lines else ""
    if head == _GIMP:
        return _numbered(_without(lines[1:], ("#", "Name:", "Columns:", "Channels:")))
    if head == _JASC:
        return _numbered(_without(lines[3:], ()))
    return [_hex(line) for line in _without(lines, (";", "//"))]


def hex_of(red: int, green: int, blue: int) -> str:
    """``#rrggbb`` of three code values."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def _without(lines: Sequence[str], starts: tuple[str, ...]) -> list[str]:
    return [line for line in lines if line and not line.startswith(starts)]


def _numbered(lines: Sequence[str]) -> list[str]:
    return [_of_numbers(line) for line in lines]


def _of_numbers(line: str) -> str:
    match = _NUMBERS.match(line)
    codes = [int(number) for number in match.groups()] if match else [256]
    if max(codes) > 255:
        raise EngineError(f"{line[:40]!r} is no line of this palette: red, green, blue, 0 to 255.")
    return hex_of(*codes)


def _hex(line: str) -> str:
    match = _HEX.match(line)
    if match is None:
        raise EngineError(f"{line[:40]!r} is no line of a palette: write one hex colour a line.")
    return f"#{match[1].lower()}"
