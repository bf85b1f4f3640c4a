"""Everything a user can choose, as plain data, for the web page and GET /options."""

import re
from dataclasses import asdict
from typing import Any

from dither_engine.algorithms import (
    ALGORITHMS,
    ALSO_CALLED,
    CUSTOM,
    CUSTOM_MATRIX,
    DIFFUSION,
    ORDERED,
    Algorithm,
)
from dither_engine.formats import FORMATS
from dither_engine.options import Options
from dither_engine.palettes import NAMED
from dither_engine.panels import panels


def catalogue() -> dict[str, Any]:
    """Algorithms, palettes, panels, options (with limits and defaults), formats; JSON-able."""
    return {
        "algorithms": [_algorithm(entry) for entry in (*ALGORITHMS.values(), *_OWN)],
        "palettes": [
            {
                "name": entry.name,
                "title": entry.title,
                "colours": list(entry.colours),
                "source": entry.source,
                **({"inks": [asdict(ink) for ink in entry.inks]} if entry.inks else {}),
            }
            for entry in NAMED.values()
        ],
        "panels": [
            {
                "name": panel.name,
                "title": panel.title,
                "width": panel.width,
                "height": panel.height,
                "inks": [asdict(ink) for ink in panel.inks],
                "options": dict(panel.options),
                "source": panel.source,
            }
            for panel in panels().values()
        ],
        "options": {name: _field(name) for name in Options.model_fields},
        "formats": [
            {
                "name": entry.name,
                "content_type": entry.content_type,
                "suffix": entry.suffix,
                "title": entry.title,
                "longest_side": entry.longest_side,
            }
            for entry in FORMATS.values()
        ],
    }


_FAMILIES = {
    "halftone-screen": "Halftone screens",
    "threshold-map": "Threshold maps",
    "palette-pattern": "Palette patterns",
    "curve": "Along a curve",
    "cell": "Dot diffusion",
    "nearest": "No dithering",
}
# Algorithms whose weights or thresholds are the user's.
_OWN = (
    Algorithm(
        CUSTOM,
        DIFFUSION,
        "Your own kernel",
        Options.model_fields["kernel"].description or "",
        "—",
        frozenset({"kernel"}),
    ),
    Algorithm(
        CUSTOM_MATRIX,
        ORDERED,
        "Your own matrix",
        Options.model_fields["matrix"].description or "",
        "—",
        frozenset({"matrix"}),
    ),
)


def _algorithm(entry: Algorithm) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "family_title": _FAMILIES.get(entry.family, entry.family.replace("-", " ").capitalize()),
        "title": entry.title,
        "description": entry.description,
        "source": entry.source,
        "controls": sorted(entry.controls),
        "keeps_tone": entry.keeps_tone,
        "search": _search_words(entry),
    }


def _search_words(entry: Algorithm) -> str:
    """What people may type to find it, in lower case: "bayer 8x8", "bluenoise", "fs"."""
    size = re.search(r"-(\d+)\Z", entry.name)
    also = ALSO_CALLED.get(entry.name, "") + (f" {size[1]}x{size[1]}" if size else "")
    words = f"{entry.name} {entry.title} {entry.family} {also}".lower()
    plain = re.sub("[^a-z0-9 ]", "", words)
    return f"{words} {plain} {entry.name.replace('-', '')}"


def _field(name: str) -> dict[str, Any]:
    schema = Options.model_json_schema()["properties"][name]
    kinds = [schema, *schema.get("anyOf", [])]
    types = [kind["type"] for kind in kinds if kind.get("type", "null") != "null"]
    field: dict[str, Any] = {
        "title": Options.model_fields[name].title or name.replace("_", " ").capitalize(),
        "type": " | ".join(types),
        "default": schema.get("default"),
        "description": schema.get("description", ""),
    }
    for kind in kinds:
        for key, limit in (("minimum", "min"), ("maximum", "max"), ("enum", "values")):
            if key in kind:
                field[limit] = kind[key]
    return field
