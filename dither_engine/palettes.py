"""Named palettes, and how a palette is written in the options.

A palette is ``uint8 (n, 3)`` sRGB, 2 to 256 colours, in the order given. The palette of a panel has
a second colour for each ink, the one that its driver takes; in a list it follows the measured
colour after an equals sign: ``#1a0d23=#000000``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dither_engine.errors import EngineError
from dither_engine.published import PUBLISHED, NamedPalette

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\Z")
_BOTH = "="
MAX_COLOURS = 256


@dataclass(frozen=True)
class Inks:
    """The colours of a palette, all ``uint8 (n, 3)``.

    colours: as seen. device: as the driver takes them; None if the palette does not tell.
    measured: whether ``colours`` are measured on a panel, and mixed relative to its white and
    black. codes: the driver's number of each.
    """

    colours: NDArray[np.uint8]
    device: NDArray[np.uint8] | None
    measured: bool
    codes: tuple[int, ...]

    def shown(self, which: str) -> NDArray[np.uint8]:
        """The colours that stand in a file: ``measured`` or ``device``."""
        return self.colours if which == "measured" or self.device is None else self.device


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


def normal_colours(colours: Sequence[str]) -> list[str]:
    """A list from the options in its normal form: all ``#rrggbb``, or all ``#rrggbb=#rrggbb``.

    Raises EngineError for a wrong colour, a wrong number of colours, or a mixture of both forms.
    """
    if not 2 <= len(colours) <= MAX_COLOURS:
        raise EngineError(f"A palette has 2 to {MAX_COLOURS} colours, not {len(colours)}.")
    if len({_BOTH in colour for colour in colours}) > 1:
        raise EngineError("Give a device colour, as #1a0d23=#000000, for all colours or for none.")
    return [_BOTH.join(map(normal_hex, colour.split(_BOTH, 1))) for colour in colours]


def has_device_colours(palette: str | list[str]) -> bool:
    """Whether a palette of the options has a device colour for each ink."""
    if isinstance(palette, list):
        return _BOTH in palette[0]
    return palette in NAMED and NAMED[palette].measured


def from_hex(colours: Sequence[str]) -> NDArray[np.uint8]:
    """Hex colours → ``uint8 (n, 3)``."""
    rows = [list(bytes.fromhex(normal_hex(colour)[1:])) for colour in colours]
    return np.array(rows, dtype=np.uint8).reshape(-1, 3)


def inks_of(palette: str | list[str], *, measured: bool = False) -> Inks:
    """The colours of a list or a named palette; KeyError for an unknown name.

    measured: whether a list without device colours is measured.
    """
    if isinstance(palette, str):
        return _named(palette)
    if not has_device_colours(palette):
        return Inks(from_hex(palette), None, measured, tuple(range(len(palette))))
    seen, device = zip(*(colour.split(_BOTH) for colour in palette), strict=True)
    return Inks(from_hex(seen), from_hex(device), measured=True, codes=tuple(range(len(palette))))


NAMED: dict[str, NamedPalette] = {palette.name: palette for palette in PUBLISHED}


def named(name: str) -> NDArray[np.uint8]:
    """The colours of a named palette, ``uint8 (n, 3)``; KeyError for an unknown name."""
    return _named(name).colours


@cache
def _named(name: str) -> Inks:
    entry = NAMED[name]
    colours = from_hex(entry.colours)
    colours.setflags(write=False)
    if not entry.inks:
        return Inks(colours, None, measured=False, codes=tuple(range(len(colours))))
    device = from_hex([ink.device for ink in entry.inks])
    device.setflags(write=False)
    return Inks(colours, device, measured=True, codes=tuple(ink.code for ink in entry.inks))
