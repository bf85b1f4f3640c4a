"""The public description of the API, made from the services' real ones."""

import re
from typing import Any

import pytest

from api_gateway.own import PUBLIC_API
from api_gateway.routes import ROUTES
from shared import problem_schema
from shared.problems import PROBLEM_JSON
from tests.support.openapi_document import generate, written

REFUSALS = {str(status) for status in problem_schema.REFUSALS}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return generate()


def test_what_the_gateway_serves_is_current(document: dict[str, Any]) -> None:
    assert PUBLIC_API.read_text() == written(document), "write it anew: make docs"


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_row_of_the_route_table_is_described_and_nothing_else(
    document: dict[str, Any],
) -> None:
    wanted = {
        (method.lower(), path)
        for route in ROUTES
        for method in route.methods
        if method != "HEAD"
        for path in (
            [f"/previews/{kind}" for kind in ("part", "file", "facts", "palette")]
            if route.name == "previews"
            else [route.path.replace(":path", "")]
        )
    }
    assert set(operations(document)) == wanted | {("get", "/health")}


def test_every_operation_declares_the_refusals_with_one_schema(document: dict[str, Any]) -> None:
    for operation in operations(document).values():
        assert set(operation["responses"]) >= REFUSALS
        for status in REFUSALS:
            content = operation["responses"][status]["content"]
            pages = ["text/html"] if status == "404" and "mail" in operation["tags"] else []
            assert [*content] == [PROBLEM_JSON, *pages]
            reference = {"$ref": "#/components/schemas/Problem"}
            assert content[PROBLEM_JSON] == {"schema": reference}


def test_every_reference_is_there_and_every_operation_has_a_name_of_its_own(
    document: dict[str, Any],
) -> None:
    named = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))
    assert named <= set(document["components"]["schemas"])
    assert {"upload.Dither", "dither.Dither", "Problem"} <= named, "they differ"
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(ids)) == len(ids)


def has_example(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a tool can show a sensible value: an example, or a few values, or a default."""
    if schema.keys() & {"example", "examples", "enum", "default"}:
        return True
    if "$ref" in schema:
        return has_example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    parts = [schema["items"]] if "items" in schema else list(schema.get("properties", {}).values())
    return any(has_example(part, schemas) for part in parts)


def test_every_operation_shows_an_example_of_its_bodies(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    missing = []
    for (method, path), operation in operations(document).items():
        answers = {s: r for s, r in operation["responses"].items() if s.startswith("2")}
        bodies = {"request": operation["requestBody"]} if "requestBody" in operation else {}
        for what, body in {**answers, **bodies}.items():
            for kind, content in body.get("content", {}).items():
                schema = content.get("schema", {})
                is_binary = schema.get("format") == "binary"
                if not (is_binary or "example" in content or has_example(schema, schemas)):
                    missing.append((method, path, what, kind))
    assert not missing
