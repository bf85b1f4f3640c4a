"""Everything a user can choose, as plain data, for the web page and GET /options."""

from dataclasses import asdict
from typing import Any

from dither_engine.algorithms import ALGORITHMS
from dither_engine.formats import FORMATS
from dither_engine.options import Options
from dither_engine.palettes import NAMED
from dither_engine.panels import panels


def catalogue() -> dict[str, Any]:
    """Algorithms, palettes, panels, options (with limits and defaults), formats; JSON-able."""
    return {
        "algorithms": [
            {
                "name": entry.name,
                "family": entry.family,
                "title": entry.title,
                "description": entry.description,
                "source": entry.source,
                "controls": sorted(entry.controls),
                "keeps_tone": entry.keeps_tone,
            }
            for entry in ALGORITHMS.values()
        ],
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


def _field(name: str) -> dict[str, Any]:
    schema = Options.model_json_schema()["properties"][name]
    kinds = [schema, *schema.get("anyOf", [])]
    types = [kind["type"] for kind in kinds if kind.get("type", "null") != "null"]
    field: dict[str, Any] = {
        "type": " | ".join(types),
        "default": schema.get("default"),
        "description": schema.get("description", ""),
    }
    for kind in kinds:
        for key, limit in (("minimum", "min"), ("maximum", "max"), ("enum", "values")):
            if key in kind:
                field[limit] = kind[key]
    return field
