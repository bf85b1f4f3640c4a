"""Displays: what a picture for each of them must be like. The data is in ``panels.toml``.

A panel stands for options: ``panel=NAME`` becomes them before anything else, so a dither is known
by what it is made of, not by the name of a display whose data may be corrected later.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dither_engine.errors import EngineError
from dither_engine.palettes import NAMED
from dither_engine.published import Ink

_DATA = Path(__file__).with_name("panels.toml")
_NAMES_OF_DEVICE = {ink.device: ink.name for palette in NAMED.values() for ink in palette.inks}


@dataclass(frozen=True)
class Panel:
    """A display. options: what its name stands for. inks: in the order of the palette."""

    name: str
    title: str
    width: int
    height: int
    source: str
    options: Mapping[str, Any]
    inks: tuple[Ink, ...]


@cache
def panels() -> Mapping[str, Panel]:
    """All panels by their names."""
    data = tomllib.loads(_DATA.read_text())
    made = (_panel(name, entry, data["layouts"]) for name, entry in data["panels"].items())
    return MappingProxyType({panel.name: panel for panel in made})


def options_of_panel(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a panel stands for, without those that do not go with the ``given`` ones.

    Raises EngineError for an unknown name.
    """
    panel = panels().get(name)
    if panel is None:
        raise EngineError(f"There is no panel {name[:40]!r}: choose one of {', '.join(panels())}.")
    options = dict(panel.options)
    if "palette" in given:  # the numbers of the panel's own inks mean nothing for other colours
        options.pop("codes", None)
    return options


def _panel(name: str, entry: dict[str, Any], layouts: dict[str, dict[str, Any]]) -> Panel:
    width, height = entry["size"]
    layout = layouts[entry["layout"]]
    palette = entry["palette"] if "palette" in entry else _greys(entry["greys"])
    options = {
        "width": width,
        "height": height,
        "fit": "cover",
        "rotate": "0" if entry.get("upright") else "auto",
        "palette": palette,
        "colours": "device",
        "alpha": "flatten",
        **layout,
    }
    inks = _inks(palette, layout.get("codes"))
    return Panel(name, entry["title"], width, height, entry["source"], options, inks)


def _greys(count: int) -> list[str]:
    """Evenly spaced greys. A list, since `channels` would say their number for gray."""
    return [f"#{3 * f'{255 * level // (count - 1):02x}'}" for level in range(count)]


def _inks(palette: str | list[str], codes: list[int] | None) -> tuple[Ink, ...]:
    if isinstance(palette, list):
        parts = [colour.partition("=") for colour in palette]
        pairs = [(seen, device or seen) for seen, _, device in parts]
    else:
        named = NAMED[palette]
        pairs = [(ink.measured, ink.device) for ink in named.inks]
        pairs = pairs or [(colour, colour) for colour in named.colours]
        codes = codes or [ink.code for ink in named.inks]
    numbers = codes or range(len(pairs))
    return tuple(
        Ink(_NAMES_OF_DEVICE.get(device, "grey"), measured, device, code)
        for (measured, device), code in zip(pairs, numbers, strict=True)
    )
