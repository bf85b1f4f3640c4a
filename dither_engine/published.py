"""Palettes of machines, screens and colour schemes, each with the source of its values.

E-ink panels have two colours for each ink: the *measured* one, which the panel shows, and the pure
*device* colour, which its driver looks for in a file. The panel's white is only a light grey, but
viewers see it as white. So the picture is mixed from the measured colours relative to the panel's
white and black (`targets.media_relative`), and highlights keep their shades. The two three-ink
panels use the measurements of the four-ink panel without the missing ink.
"""

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Ink:
    """An ink of a panel: its name, its two colours as ``#rrggbb``, and its number in the driver."""

    name: str
    measured: str
    device: str
    code: int


@dataclass(frozen=True)
class NamedPalette:
    """A palette with a name: ``colours`` are lower-case ``#rrggbb``.

    inks: of a measured panel, in the order of the colours, which are the measured ones; the
        lightest is its white, the darkest its black. Empty for all other palettes.
    """

    name: str
    title: str
    colours: tuple[str, ...]
    source: str
    inks: tuple[Ink, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether the colours are measured on a panel."""
        return bool(self.inks)


def _palette(name: str, title: str, colours: str, source: str) -> NamedPalette:
    codes = tuple(f"#{digits}" for digits in colours.split())
    return NamedPalette(name, title, codes, source)


# The device colours, which the drivers and libraries of all vendors agree on, except for orange.
# Sources: Waveshare, e-Paper, RaspberryPi_JetsonNano/python/lib/waveshare_epd (palettes of
# `getbuffer`); Pimoroni, inky, DESATURATED_PALETTE (its orange is ff8c00; drivers take both).
_DEVICE = {
    "black": "#000000",
    "white": "#ffffff",
    "red": "#ff0000",
    "yellow": "#ffff00",
    "green": "#00ff00",
    "blue": "#0000ff",
    "orange": "#ff8000",
}


def _panel(
    name: str, title: str, inks: str, source: str, codes: tuple[int, ...] = ()
) -> NamedPalette:
    """inks: pairs of a name and a measured colour. codes: of the driver; else the positions."""
    words = inks.split()
    colours = tuple(f"#{digits}" for digits in words[1::2])
    numbers = codes or range(len(colours))
    found = zip(words[::2], colours, numbers, strict=True)
    made = tuple(Ink(ink, colour, _DEVICE[ink], code) for ink, colour, code in found)
    return NamedPalette(name, title, colours, source, made)


def _cube(steps: tuple[int, ...]) -> str:
    return " ".join(f"{r:02x}{g:02x}{b:02x}" for r, g, b in product(steps, repeat=3))


def _ega() -> str:
    """Bits rgbRGB: a capital letter adds two thirds of full intensity, a small letter one third."""
    colours = (
        [(n >> bit & 1) * 0xAA + (n >> bit + 3 & 1) * 0x55 for bit in (2, 1, 0)] for n in range(64)
    )
    return " ".join(f"{r:02x}{g:02x}{b:02x}" for r, g, b in colours)


_OPEN_DISPLAY = "OpenDisplay, epaper-dithering, palettes.py: "
_BWRY = "EP397YR_800x480, photographed raw against white paper, 2026-03-06"

PUBLISHED = (
    _palette("black-white", "Black and white", "000000 ffffff", "—"),
    _palette(
        "web-safe",
        "Web-safe, 216 colours",
        _cube((0x00, 0x33, 0x66, 0x99, 0xCC, 0xFF)),
        "Netscape Navigator's colour cube, 1994",
    ),
    _palette(
        "cga",
        "CGA, 16 colours",
        "000000 0000aa 00aa00 00aaaa aa0000 aa00aa aa5500 aaaaaa"
        " 555555 5555ff 55ff55 55ffff ff5555 ff55ff ffff55 ffffff",
        "IBM, Color/Graphics Monitor Adapter and 5153 Color Display (brown), 1983",
    ),
    _palette("ega", "EGA, 64 colours", _ega(), "IBM, Enhanced Graphics Adapter, 1984"),
    _palette(
        "gameboy",
        "Game Boy",
        "0f380f 306230 8bac0f 9bbc0f",
        "Nintendo DMG-01, the values in common use by emulators",
    ),
    _palette(
        "c64",
        "Commodore 64",
        "000000 ffffff 68372b 70a4b2 6f3d86 588d43 352879 b8c76f"
        " 6f4f25 433900 9a6759 444444 6c6c6c 9ad284 6c5eb5 959595",
        "P. Timmermann (Pepto), Calculating the color palette of the VIC-II, 2001",
    ),
    _palette(
        "zx-spectrum",
        "ZX Spectrum",
        "000000 0000d7 d70000 d700d7 00d700 00d7d7 d7d700 d7d7d7"
        " 0000ff ff0000 ff00ff 00ff00 00ffff ffff00 ffffff",
        "Sinclair Research 1982; normal intensity at 84 % of bright (d7)",
    ),
    _palette(
        "nes",
        "NES, 54 colours",
        "545454 001e74 081090 300088 440064 5c0030 540400 3c1800 202a00 083a00 004000 003c00"
        " 00323c 000000 989698 084cc4 3032ec 5c1ee4 8814b0 a01464 982220 783c00 545a00 287200"
        " 087c00 007628 006678 eceeec 4c9aec 787cec b062ec e454ec ec58b4 ec6a64 d48820 a0aa00"
        " 74c400 4cd020 38cc6c 38b4cc 3c3c3c a8ccec bcbcec d4b2ec ecaeec ecaed4 ecb4b0 e4c490"
        " ccd278 b4de78 a8e290 98e2b4 a0d6e4 a0a2a0",
        "NESdev Wiki, PPU palettes: 2C02; without repeats",
    ),
    _palette(
        "pico-8",
        "PICO-8",
        "000000 1d2b53 7e2553 008751 ab5236 5f574f c2c3c7 fff1e8"
        " ff004d ffa300 ffec27 00e436 29adff 83769c ff77a8 ffccaa",
        "Lexaloffle, PICO-8 manual",
    ),
    _palette(
        "macintosh",
        "Macintosh, 16 colours",
        "ffffff fcf305 ff6402 dd0806 f20884 4600a5 0000d4 02abea"
        " 1fb714 006411 562c05 90713a c0c0c0 808080 404040 000000",
        "Apple, Macintosh II system, 'clut' resource 4, 1987 (high bytes)",
    ),
    _palette(
        "teletext",
        "Teletext",
        "000000 ff0000 00ff00 ffff00 0000ff ff00ff 00ffff ffffff",
        "ETSI EN 300 706, 1997 (level 1)",
    ),
    _palette(
        "solarized",
        "Solarized",
        "002b36 073642 586e75 657b83 839496 93a1a1 eee8d5 fdf6e3"
        " b58900 cb4b16 dc322f d33682 6c71c4 268bd2 2aa198 859900",
        "E. Schoonover, Solarized, 2011 (sRGB)",
    ),
    _panel(
        "black-white-red",
        "E-ink black, white, red",
        "black 0a070e white adb2ae red 55180e",
        f"{_OPEN_DISPLAY}{_BWRY}; without yellow",
    ),
    _panel(
        "black-white-yellow",
        "E-ink black, white, yellow",
        "black 0a070e white adb2ae yellow ac8000",
        f"{_OPEN_DISPLAY}{_BWRY}; without red",
    ),
    _panel(
        "4-colour",
        "E-ink black, white, yellow, red",
        "black 0a070e white adb2ae yellow ac8000 red 55180e",
        f"{_OPEN_DISPLAY}{_BWRY}",
    ),
    _panel(
        "acep-7-colour",
        "E-ink ACeP, 7 colours",
        "black 191e21 white f1f1f1 green 53a428 blue 31318f red d20e13 yellow f3cf11 orange b85e1c",
        "paperlesspaper, epdoptimize, default-palettes.json: acep; ink order of the UC8159",
    ),
    _panel(
        "spectra-6",
        "E-ink Spectra 6",
        "black 1a0d23 white b9cacd yellow cab800 red 790900 blue 00458b green 285239",
        f"{_OPEN_DISPLAY}Spectra 7.3 inch, photographed raw against white paper, 2026-02-03;"
        " the driver has no ink 4 (Waveshare, epd7in3e.py)",
        codes=(0, 1, 2, 3, 5, 6),
    ),
    _panel(
        "e-ink-black-white",
        "E-ink black and white",
        "black 050505 white dcdcdc",
        f"{_OPEN_DISPLAY}MONO_4_26",
    ),
)
