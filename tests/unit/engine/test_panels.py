"""Panels: a photograph's file for each of them, read as the display's own driver reads it."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dither_engine import EngineError, Options, catalogue, dither, dither_bytes
from dither_engine.panels import panels
from tests.support import display_readers as read
from tests.support.display_readers import BLACK, RED, WHITE, YELLOW, Reader

PHOTO = (Path(__file__).parents[3] / "frontend" / "samples" / "astronaut.jpg").read_bytes()

_INKY_7 = read.palette_png(list(read.SEVEN_COLOURS.values()))
_INKY_6 = read.palette_png(list(read.SPECTRA_6.values()))
_INKY_4 = read.palette_png(list(read.FOUR_COLOURS.values()))
READERS: dict[str, Reader] = {
    "waveshare-2.13": read.one_bit(black=0),
    "waveshare-2.9": read.one_bit(black=0),
    "waveshare-4.2": read.one_bit(black=0),
    "waveshare-4.2-4-grey": read.two_bits(read.greys(4)),
    "waveshare-4.26": read.one_bit(black=0),
    "waveshare-7.5": read.one_bit(black=1),
    "waveshare-7.5-4-grey": read.two_bits(read.greys(4)),
    "waveshare-13.3": read.one_bit(black=0),
    "waveshare-2.13-red": read.two_buffers(0, RED),
    "waveshare-2.9-red": read.two_buffers(0, RED),
    "waveshare-4.2-red": read.two_buffers(0, RED),
    "waveshare-7.5-red": read.two_buffers(1, RED),
    "waveshare-13.3-red": read.two_buffers(0, RED),
    "waveshare-2.13-yellow": read.two_buffers(0, YELLOW),
    "waveshare-4.2-yellow": read.two_buffers(0, YELLOW),
    "waveshare-2.13-4-colour": read.two_bits(read.FOUR_COLOURS),
    "waveshare-3-4-colour": read.two_bits(read.FOUR_COLOURS),
    "waveshare-7.3-4-colour": read.two_bits(read.FOUR_COLOURS),
    "waveshare-4.01-7-colour": read.four_bits(read.SEVEN_COLOURS),
    "waveshare-5.65-7-colour": read.four_bits(read.SEVEN_COLOURS),
    "waveshare-7.3-7-colour": read.four_bits(read.SEVEN_COLOURS),
    "waveshare-4-spectra-6": read.four_bits(read.SPECTRA_6),
    "waveshare-7.3-spectra-6": read.four_bits(read.SPECTRA_6),
    "waveshare-13.3-spectra-6": read.four_bits(read.SPECTRA_6),
    "inky-phat-red": read.palette_png([WHITE, BLACK, RED]),
    "inky-phat-yellow": read.palette_png([WHITE, BLACK, YELLOW]),
    "inky-phat-4-colour": _INKY_4,
    "inky-what-red": read.palette_png([WHITE, BLACK, RED]),
    "inky-what-yellow": read.palette_png([WHITE, BLACK, YELLOW]),
    "inky-what-4-colour": _INKY_4,
    "inky-impression-4-7-colour": _INKY_7,
    "inky-impression-5.7": _INKY_7,
    "inky-impression-7.3-7-colour": _INKY_7,
    "inky-impression-4": _INKY_6,
    "inky-impression-7.3": _INKY_6,
    "inky-impression-13.3": _INKY_6,
    "trmnl-og": read.trmnl_bmp,
    "trmnl-og-4-grey": read.grey_png(2),
    "trmnl-x": read.grey_png(4),
    "reterminal-e1001": read.trmnl_bmp,
    "reterminal-e1002": _INKY_6,
    **dict.fromkeys(
        (
            "kindle-11",
            "kindle-paperwhite-2",
            "kindle-paperwhite-4",
            "kindle-paperwhite-5",
            "kindle-oasis-3",
            "kobo-clara-hd",
            "kobo-libra-2",
            "kobo-sage",
        ),
        read.grey_png(8),
    ),
    "solum-2.9-red": read.two_buffers(1, RED),
    "solum-4.2-red": read.two_buffers(1, RED),
    "hanshow-3.5-yellow": read.two_buffers(1, YELLOW),
    "flipper-zero": read.xbm,
    "ssd1306": read.ssd1306,
}


def test_every_panel_has_a_reader() -> None:
    assert list(READERS) == list(panels())


@pytest.mark.parametrize("name", READERS)
def test_a_display_shows_what_the_engine_chose(name: str) -> None:
    panel = panels()[name]
    file = dither_bytes(PHOTO, Options(panel=name))
    assert (file.width, file.height) == (panel.width, panel.height)
    shown = READERS[name](file.data, panel.width, panel.height)
    chosen = dither(_photo(), Options(panel=name, format="png"))
    assert np.array_equal(shown, chosen.rgb())
    used = Counter(chosen.indices.ravel().tolist())
    assert len(used) == len(panel.inks)  # no ink is left out of the comparison


def test_previews_show_the_colours_of_the_panel_itself() -> None:
    options = Options(panel="waveshare-7.3-spectra-6", format="png", colours="measured")
    assert bytes(dither(_photo(), options).palette[1]).hex() == "b9cacd"


@pytest.mark.parametrize("name", READERS)
def test_a_panel_says_what_it_is_and_where_its_numbers_are_from(name: str) -> None:
    panel = panels()[name]
    assert re.fullmatch("[a-z0-9.-]+", name)
    assert panel.title
    assert ", " in panel.source
    assert len({ink.device for ink in panel.inks}) == len(panel.inks)
    assert len({ink.code for ink in panel.inks}) == len(panel.inks)


def test_the_catalogue_tells_of_all_panels() -> None:
    found = {entry["name"]: entry for entry in catalogue()["panels"]}
    assert list(found) == list(panels())
    entry = found["waveshare-7.3-spectra-6"]
    assert (entry["width"], entry["height"]) == (800, 480)
    assert entry["inks"][4] == {
        "name": "blue",
        "measured": "#00458b",
        "device": "#0000ff",
        "code": 5,
    }
    assert Options.parse(entry["options"]).digest() == Options(panel=entry["name"]).digest()


def test_a_panel_is_known_by_what_it_stands_for() -> None:
    """So later changes of the panel's data change no dither of before."""
    options = Options(panel="ssd1306")
    assert options.panel is None
    assert "panel" not in options.differing()
    assert options == Options.parse(dict(panels()["ssd1306"].options))


def test_what_is_given_wins_over_the_panel() -> None:
    options = Options(panel="waveshare-2.9-red", width=64, format="png", colours="measured")
    assert (options.width, options.height, options.palette) == (64, 296, "black-white-red")
    assert (options.format, options.colours) == ("png", "measured")
    assert Options(panel="waveshare-2.9-red", width=None).width == 128
    other = Options(panel="waveshare-2.9-red", palette="black-white")
    assert other.codes is None  # the panel's numbers are those of three inks
    # Where a number of levels must be given, as in a path of the API, a panel keeps its greys.
    assert Options(panel="trmnl-x", channels=2).digest() == Options(panel="trmnl-x").digest()


def test_an_unknown_panel_is_told_which_there_are() -> None:
    with pytest.raises(EngineError, match=r"no panel 'kindle'.*kindle-paperwhite-5"):
        Options(panel="kindle")


def _photo() -> np.ndarray:
    from dither_engine.decode import open_bytes

    (frame,) = open_bytes(PHOTO).frames()
    return np.ascontiguousarray(frame.pixels)
