"""Read engine options from an HTTP request: JSON body, query string or form field."""

import json
from collections.abc import Iterable
from typing import Any

from fastapi import Request

from dither_engine import EngineError, Options, catalogue
from shared.forms import parse_json_object
from shared.problems import Problem

FIELDS = tuple(Options.model_fields)
_BESIDES_PATH = tuple(name for name in FIELDS if name != "channels")


def options_openapi(fields: tuple[str, ...] = _BESIDES_PATH) -> dict[str, Any]:
    """The options as query parameters and as a JSON body, for the OpenAPI document."""
    schema = _schema()
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema["properties"][name].get("description", ""),
            "schema": {k: v for k, v in schema["properties"][name].items() if k != "description"},
        }
        for name in fields
    ]
    body = {"required": False, "content": {"application/json": {"schema": schema}}}
    return {"parameters": parameters, "requestBody": body}


def _schema() -> dict[str, Any]:
    """The options' schema with all allowed names, and an example."""
    schema = Options.model_json_schema()
    offered = catalogue()
    kinds = ("algorithms", "palettes", "panels")
    names = {kind: [each["name"] for each in offered[kind]] for kind in kinds}
    schema["properties"]["algorithm"]["enum"] = names["algorithms"]
    palette = schema["properties"]["palette"]
    palette["anyOf"] = [{"type": "string", "enum": names["palettes"]}, *palette["anyOf"]]
    schema["properties"]["panel"] |= {"anyOf": [{"type": "string", "enum": names["panels"]}]}
    schema["example"] = {"algorithm": "atkinson", "palette": names["palettes"][-1]}
    return schema


async def read_options(request: Request, channels: int) -> Options:
    """Options from the path (``channels``), body and query string. Raises ``Problem`` 422.

    Three numbers in the body (levels of red, green and blue) replace the number in the path.
    """
    body = await request.body()
    fields = parse_json_object("The body", body) if body.strip() else {}
    levels = fields.get("channels", channels)
    if levels != channels and not isinstance(levels, list):
        raise Problem(422, "channels: the body and the path differ; leave it out of the body.")
    query = options_of_texts(request.query_params.multi_items(), _BESIDES_PATH)
    if twice := sorted(fields.keys() & query.keys()):
        raise Problem(422, f"{twice[0]}: it is in the body and the query string; send it once.")
    return parse_options({**fields, **query, "channels": levels})


def parse_options(fields: dict[str, Any]) -> Options:
    """Raises ``Problem`` 422 with the engine's message."""
    try:
        return Options.parse(fields)
    except EngineError as error:
        raise Problem(422, str(error)) from error


def options_of_texts(
    texts: Iterable[tuple[str, str]], allowed: tuple[str, ...] = FIELDS
) -> dict[str, Any]:
    """Options from a query string or from form fields. Raises ``Problem`` 422."""
    fields: dict[str, Any] = {}
    for name, text in texts:
        if name in fields:
            raise Problem(422, f"{name[:40]}: it may be sent only once.")
        if name not in allowed:
            raise Problem(
                422, f"There is no option {name[:40]!a}: the options are {', '.join(allowed)}."
            )
        fields[name] = _value(name, text)
    return fields


def _value(name: str, text: str) -> Any:
    """A value for the model. Lists are JSON or separated by commas; the model reads numbers."""
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise Problem(422, f"{name}: must be a JSON list.") from None
    if name == "palette" and "," in text and "\n" not in text:
        return [colour.strip() for colour in text.split(",")]
    return text
