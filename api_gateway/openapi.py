"""The public API as one OpenAPI document, put together from the services' own."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from api_gateway.routes import ROUTES, Route
from api_gateway.upstream import Upstream, UpstreamError

FRESH_SECONDS = 300
RETRY_SECONDS = 5
FETCH_SECONDS = 3

Document = dict[str, Any]

# What any request may be told; the services' own documents name what is special to theirs.
REFUSALS = {
    "404": "There is nothing at this address",
    "413": "The body is too large",
    "415": "The file is of no type that is taken",
    "422": "A value is not allowed",
    "429": "Too many requests; see Retry-After",
    "503": "Overloaded or away; see Retry-After",
}
PROBLEM = {
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
        "type": "/docs/problems/429",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Too many uploads from you; please try again in 3 s.",
        "request_id": "9f1c0c4be5ab4a6d8b1f3e0d6c7a2b55",
    },
}
_PROBLEM_BODY = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

INFO = {
    "title": "Dithering service",
    "version": "1.0.0",
    "description": "Upload a picture and get it dithered. Errors are problem details (RFC 9457).",
}


class PublicApi:
    """Fetches the services' documents when asked, and keeps what it got."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        own: Callable[[], Document],
        public_path: str,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstreams = upstreams
        self._own = own
        self._public_path = public_path
        self._now = now
        self._known: dict[str, Document] = {}
        self._merged: Document = {}
        self._fresh_until = float("-inf")
        self._lock = asyncio.Lock()

    async def document(self) -> Document:
        async with self._lock:
            if self._now() >= self._fresh_until:
                results = await asyncio.gather(*map(self._fetch, self._upstreams))
                self._merged = merge(self._own(), self._known) | {
                    "servers": [{"url": self._public_path or "/"}]
                }
                self._fresh_until = self._now() + (FRESH_SECONDS if all(results) else RETRY_SECONDS)
            return self._merged

    async def _fetch(self, name: str) -> bool:
        """A service that is down keeps the document it had."""
        try:
            status, document = await self._upstreams[name].fetch("/openapi.json", FETCH_SECONDS)
        except UpstreamError:
            return False
        if status != 200 or not isinstance(document, dict):
            return False
        self._known[name] = document
        return True


def merge(own: Document, services: dict[str, Document]) -> Document:
    """``own`` (the gateway's) and what the services say of the public routes."""
    paths: Document = {}
    schemas: Document = {}
    prefixed = {name: _rename_clashes(name, doc, schemas) for name, doc in services.items()}
    for route in ROUTES:
        operations = paths.setdefault(route.path.replace(":path", ""), {})
        found = _operations(prefixed.get(route.service, {}), route)
        for method in route.methods:
            if method != "HEAD":
                operation = found.get(method.lower()) or _unknown(route, method)
                operations[method.lower()] = _with_refusals(operation)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths | own.get("paths", {}),
        "components": {
            "schemas": schemas | own.get("components", {}).get("schemas", {}) | {"Problem": PROBLEM}
        },
    }


def _with_refusals(operation: Document) -> Document:
    """Every refusal is a problem: also those that FastAPI describes in a form of its own."""
    responses = operation.setdefault("responses", {})
    for status, what in REFUSALS.items():
        said = responses.get(status, {}).get("description", what)
        responses[status] = {"description": said, "content": _PROBLEM_BODY}
    return operation


def _rename_clashes(name: str, document: Document, schemas: Document) -> Document:
    """Add the document's schemas; a name that is taken gets the service's put before it."""
    text = json.dumps(document)
    for schema, body in document.get("components", {}).get("schemas", {}).items():
        if schemas.get(schema, body) != body:
            text = text.replace(
                f'"#/components/schemas/{schema}"',
                f'"#/components/schemas/{name.capitalize()}{schema}"',
            )
    renamed: Document = json.loads(text)
    for schema, body in renamed.get("components", {}).get("schemas", {}).items():
        taken = schemas.get(schema, body) != body
        schemas[f"{name.capitalize()}{schema}" if taken else schema] = body
    return renamed


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _operations(document: Document, route: Route) -> Document:
    """The service's operations at the route, with the service's own parameter names put right."""
    target = (route.prefix_at_service or route.prefix) + route.path.removeprefix(route.prefix)
    for path, operations in document.get("paths", {}).items():
        if _shape(path) == _shape(target) and isinstance(operations, dict):
            text = json.dumps(operations)
            for theirs, ours in zip(
                re.findall(r"\{(\w+)[^}]*\}", path),
                re.findall(r"\{(\w+)[^}]*\}", route.path),
                strict=True,
            ):
                text = text.replace(f'"name": "{theirs}"', f'"name": "{ours}"')
            found: Document = json.loads(text)
            for method, operation in found.items():
                if isinstance(operation, dict):
                    operation["tags"] = [route.path.split("/")[1]]
                    operation["operationId"] = f"{method}_{route.name}"
            return found
    return {}


def _unknown(route: Route, method: str) -> Document:
    return {
        "tags": [route.path.split("/")[1]],
        "operationId": f"{method.lower()}_{route.name}",
        "summary": route.name.replace("_", " ").capitalize(),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)[^}]*\}", route.path)
        ],
        "responses": {
            "default": {"description": "As the service says; it is not to be asked now."}
        },
    }
