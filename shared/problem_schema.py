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


def refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: refusal("The request cannot be read"),
    401: refusal("The API key or token is not known, or one is needed"),
    403: refusal("This caller may not do that"),
    404: refusal("There is nothing at this address"),
    408: refusal("The body arrives too slowly"),
    413: refusal("The body is too large"),
    414: refusal("The address is too long"),
    415: refusal("The file has a type that is not accepted"),
    422: refusal("A value is not allowed"),
    429: refusal("Too many requests; see Retry-After"),
    431: refusal("The header is too large"),
    502: refusal("The answer broke off"),
    503: refusal("Overloaded or unavailable; see Retry-After"),
    504: refusal("The answer did not come in time"),
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
