"""Problems in the OpenAPI document: every operation lists its error answers, with one schema."""

from typing import Any

from fastapi import FastAPI

from shared.problems import PROBLEM_JSON, PROBLEMS_PATH

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    },
    "example": {
        "type": f"{PROBLEMS_PATH}429",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Too many uploads from you; please try again in 3 s.",
        "request_id": "9f1c0c4be5ab4a6d8b1f3e0d6c7a2b55",
    },
}


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    404: _refusal("There is nothing at this address"),
    413: _refusal("The body is too large"),
    415: _refusal("The file has a type that is not accepted"),
    422: _refusal("A value is not allowed"),
    429: _refusal("Too many requests; see Retry-After"),
    503: _refusal("Overloaded or unavailable; see Retry-After"),
}


def add_problem_schema(app: FastAPI) -> None:
    """Add the schema of problems: FastAPI adds only those of models, and problems have none."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it
