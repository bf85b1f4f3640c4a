"""Check messages against docs/asyncapi.yaml."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

_PATH = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"


@cache
def document() -> dict[str, Any]:
    return dict(yaml.safe_load(_PATH.read_text()))


@cache
def messages() -> dict[str, dict[str, Any]]:
    """The messages by their type on the wire, without dead letters."""
    described = document()["components"]["messages"].values()
    return {m["name"]: m for m in described if m["name"] != "DEAD_LETTER"}


def schema(message_type: str) -> dict[str, Any]:
    """The JSON schema of the body."""
    return dict(_at(messages()[message_type]["payload"]["$ref"]))


def body_errors(message_type: str, body: object) -> list[str]:
    return _errors(messages()[message_type]["payload"], body)


def header_errors(headers: Mapping[str, str]) -> list[str]:
    return _errors({"$ref": "#/components/schemas/Headers"}, dict(headers))


def dead_letter_errors(headers: Mapping[str, str]) -> list[str]:
    return _errors({"$ref": "#/components/schemas/DeadLetterHeaders"}, dict(headers))


def _errors(reference: Mapping[str, str], instance: object) -> list[str]:
    whole = {**reference, "components": document()["components"]}
    return [error.message for error in Draft7Validator(whole).iter_errors(instance)]


def _at(reference: str) -> Any:
    found: Any = document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
