"""The options of a dither: in words for a mail, and as a link to the web page."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

Options = Mapping[str, Any]

_MOST_CHARACTERS = 60  # of one value: a matrix may be long


def in_words(options: Options) -> list[str]:
    """One line for each option, such as ``Algorithm: floyd-steinberg``.

    ``options`` are those of the message: only what differs from the defaults, and ``channels``.
    """
    others = dict(options)
    algorithm = others.pop("algorithm", "floyd-steinberg")
    colours = _colours(others.pop("palette", "channels"), others.pop("channels", 2))
    lines = {"algorithm": algorithm, "colours": colours, **others}
    return [f"{_label(name)}: {_value(value)}" for name, value in lines.items()]


def fragment(uuid: UUID, options: Options) -> str:
    """``#image=…`` with the options, as the page's ``fragment.js`` reads it."""
    pairs = {"image": str(uuid), **{name: _written(value) for name, value in options.items()}}
    return "#" + urlencode(pairs, quote_via=quote, safe=",:")


def _colours(palette: Any, channels: Any) -> str:
    if isinstance(palette, list):
        return f"{len(palette)} that you chose"
    if palette == "gray":
        return f"{_value(channels)} greys"
    if palette == "channels":
        return f"{_value(channels)} levels of red, green and blue"
    kind, _, count = str(palette).partition(":")
    return f"{count} made from the picture" if kind == "adaptive" and count else str(palette)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _written(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(part.lstrip("#") for part in value)
    return value.lstrip("#") if isinstance(value, str) else json.dumps(value)
