"""The public API as one OpenAPI document, merged from the services' documents."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from api_gateway.routes import ROUTES
from api_gateway.upstream import Upstream
from shared.problems import Unavailable

FRESH_SECONDS = 5
FETCH_SECONDS = 3

Document = dict[str, Any]
INFO = {
    "title": "Dithering service",
    "version": "1.0.0",
    "description": "Upload a picture and get it dithered. Errors are problem details (RFC 9457).",
}


class PublicApi:
    """Fetches the services' documents on request. If a service is down, its last one is used."""

    def __init__(
        self, upstreams: Mapping[str, Upstream], own: Callable[[], Document], public_path: str
    ) -> None:
        self._upstreams = upstreams
        self._own = own
        self._servers = {"servers": [{"url": public_path or "/"}]}
        self._known: dict[str, Document] = {}
        self._merged: Document = {}
        self._fresh_until = 0.0

    async def document(self) -> Document:
        if time.monotonic() >= self._fresh_until:
            await asyncio.gather(*map(self._fetch, self._upstreams.values()))
            self._merged = merge(self._own(), self._known) | self._servers
            self._fresh_until = time.monotonic() + FRESH_SECONDS
        return self._merged

    async def _fetch(self, upstream: Upstream) -> None:
        try:
            status, document = await upstream.fetch("/openapi.json", FETCH_SECONDS)
        except Unavailable:
            return
        if status == 200:
            self._known[upstream.name] = document


def merge(own: Document, services: Mapping[str, Document]) -> Document:
    """Merge ``own`` (the gateway's document) with the public routes of the services."""
    paths: Document = {}
    schemas: Document = {}
    for name, document in services.items():
        # Schemas of two services may have the same name; Problem is the same in all.
        text = json.dumps(document)
        reference = r'"#/components/schemas/(?!Problem")'
        named = json.loads(re.sub(reference, rf'"#/components/schemas/{name}.', text))
        for schema, body in named.get("components", {}).get("schemas", {}).items():
            schemas[schema if schema == "Problem" else f"{name}.{schema}"] = body
        for path, method, operation in _public_operations(name, named):
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths | own["paths"],
        "components": {"schemas": schemas | own["components"]["schemas"]},
    }


def _public_operations(name: str, document: Document) -> Iterator[tuple[str, str, Document]]:
    """Public path, method and operation of every route that the gateway forwards."""
    routes = [route for route in ROUTES if route.service == name]
    for path, operations in document.get("paths", {}).items():
        for route in routes:
            public = route.public_path(path)
            for method in map(str.lower, route.methods):
                if public is not None and method in operations:
                    about = {
                        "tags": [public.split("/")[1]],
                        "operationId": f"{name}_{operations[method]['operationId']}",
                    }
                    yield public, method, operations[method] | about
