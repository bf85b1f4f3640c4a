"""Write docs/asyncapi.yaml: ``python -m tests.support.asyncapi_document`` (``make docs``).

The bodies come from the classes in shared/messages.py, everything else (channels, operations,
headers, examples) from docs/asyncapi.base.yaml.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from shared.messages import BODIES, VERSION, Body

DOCS = Path(__file__).parents[2] / "docs"
BASE = DOCS / "asyncapi.base.yaml"
DOCUMENT = DOCS / "asyncapi.yaml"
NOTE = "# Made by `make docs` from shared/messages.py and asyncapi.base.yaml: change those.\n"


class _Dumper(yaml.SafeDumper):
    """Writes multi-line text as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def generate() -> str:
    """The whole document as YAML."""
    base: dict[str, Any] = yaml.safe_load(BASE.read_text())
    examples = base.pop("examples")
    base["info"]["version"] = VERSION
    components = base["components"]
    for body in BODIES.values():
        name = body.__name__
        components["messages"][name] = {
            "name": body.message_type,
            "summary": _sentence(body),
            "headers": {"$ref": "#/components/schemas/Headers"},
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "examples": [{"payload": payload} for payload in examples[name]],
        }
        components["schemas"][name] = schema(body)
    text: str = yaml.dump(base, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return NOTE + text


def schema(body: type[Body]) -> dict[str, Any]:
    """The JSON schema of sent bodies: an optional field without a value is omitted, never null.

    Readers also accept ``null`` from other producers; the document does not mention this.
    """
    made = body.model_json_schema()
    return {
        "type": "object",
        "required": made["required"],
        "properties": {name: _field(field) for name, field in made["properties"].items()},
    }


def _field(field: dict[str, Any]) -> dict[str, Any]:
    alternatives = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    assert len(alternatives) == 1, field
    [kind] = alternatives
    if kind.get("format") == "uuid":
        return {"$ref": "#/components/schemas/Uuid"}
    left_out = ("title", "default", "additionalProperties")
    return {key: value for key, value in kind.items() if key not in left_out}


def _sentence(body: type[Body]) -> str:
    return " ".join((body.__doc__ or "").split())


if __name__ == "__main__":
    sys.stdout.write(f"{DOCUMENT.relative_to(Path.cwd())}\n")
    DOCUMENT.write_text(generate())
