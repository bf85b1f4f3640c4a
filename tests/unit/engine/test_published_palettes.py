"""Named palettes: the names that are promised, and values that stand for their sources."""

import pytest

from dither_engine.palettes import NAMED, inks_of, named

SIZES = {
    "black-white": 2,
    "web-safe": 216,
    "cga": 16,
    "ega": 64,
    "gameboy": 4,
    "c64": 16,
    "zx-spectrum": 15,
    "nes": 54,
    "pico-8": 16,
    "macintosh": 16,
    "teletext": 8,
    "solarized": 16,
    "black-white-red": 3,
    "black-white-yellow": 3,
    "4-colour": 4,
    "acep-7-colour": 7,
    "spectra-6": 6,
    "e-ink-black-white": 2,
}


def test_the_promised_palettes_are_there_with_their_sizes() -> None:
    assert {name: len(palette.colours) for name, palette in NAMED.items()} == SIZES


@pytest.mark.parametrize("name", SIZES)
def test_colours_are_lower_case_hex_without_repeats(name: str) -> None:
    colours = NAMED[name].colours
    assert len(set(colours)) == len(colours)
    assert all(f"#{int(colour[1:], 16):06x}" == colour for colour in colours)
    assert named(name).shape == (len(colours), 3)
    assert NAMED[name].source


def test_ega_is_made_of_two_thirds_and_one_third() -> None:
    colours = NAMED["ega"].colours
    assert colours[:8] == (*NAMED["cga"].colours[:6], "#aaaa00", *NAMED["cga"].colours[7:8])
    assert colours[0b010100] == "#aa5500"  # the brown of CGA
    assert colours[0b111111] == "#ffffff"


PANELS = {
    "black-white-red": "black white red",
    "black-white-yellow": "black white yellow",
    "4-colour": "black white yellow red",
    "acep-7-colour": "black white green blue red yellow orange",
    "spectra-6": "black white yellow red blue green",
    "e-ink-black-white": "black white",
}


@pytest.mark.parametrize("name", PANELS)
def test_panels_are_measured(name: str) -> None:
    """No ink is a pure colour, and no white is as light as a screen's."""
    values = named(name).astype(int)
    assert not ((values == 0) | (values == 255)).all(axis=1).any()
    assert values.max(axis=1).max() < 255


@pytest.mark.parametrize(("name", "inks"), PANELS.items())
def test_every_ink_has_a_name_a_pure_colour_and_a_number(name: str, inks: str) -> None:
    found = NAMED[name].inks
    assert [ink.name for ink in found] == inks.split()
    assert [ink.measured for ink in found] == list(NAMED[name].colours)
    pure = {"black": "#000000", "white": "#ffffff", "red": "#ff0000", "yellow": "#ffff00"}
    pure |= {"green": "#00ff00", "blue": "#0000ff", "orange": "#ff8000"}
    assert [ink.device for ink in found] == [pure[ink.name] for ink in found]
    assert inks_of(name).codes == tuple(ink.code for ink in found)


def test_the_driver_of_spectra_6_has_no_ink_4() -> None:
    codes = {ink.name: ink.code for ink in NAMED["spectra-6"].inks}
    assert codes == {"black": 0, "white": 1, "yellow": 2, "red": 3, "blue": 5, "green": 6}
