"""Named palettes, and how a palette is written in the options.

A palette is ``uint8 (n, 3)`` sRGB, 2 to 256 colours, in the order given.
"""

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.errors import EngineError
from dither_engine.published import PUBLISHED, NamedPalette

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\Z")
MAX_COLOURS = 256


def normal_hex(text: str) -> str:
    """``#rgb`` or ``rrggbb`` in any case → ``#rrggbb`` in lower case.

    Raises EngineError if the text is not a hex colour.
    """
    match = _HEX.match(text.strip())
    if match is None:
        raise EngineError(f"{text[:40]!r} is not a colour: write hex colours as #rrggbb.")
    digits = match[1].lower()
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    return f"#{digits}"


def from_hex(colours: tuple[str, ...]) -> NDArray[np.uint8]:
    """Hex colours → ``uint8 (n, 3)``."""
    rows = [list(bytes.fromhex(normal_hex(colour)[1:])) for colour in colours]
    return np.array(rows, dtype=np.uint8).reshape(-1, 3)


NAMED: dict[str, NamedPalette] = {palette.name: palette for palette in PUBLISHED}


@cache
def named(name: str) -> NDArray[np.uint8]:
    """The colours of a named palette, ``uint8 (n, 3)``; KeyError for an unknown name."""
    colours = from_hex(NAMED[name].colours)
    colours.setflags(write=False)
    return colours
