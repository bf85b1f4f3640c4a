"""The public API as one OpenAPI document, merged from the services' documents."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from api_gateway.routes import ROUTES
from api_gateway.upstream import Upstream, UpstreamError

FRESH_SECONDS = 300
RETRY_SECONDS = 5
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
        self._lock = asyncio.Lock()

    async def document(self) -> Document:
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                found = await asyncio.gather(*map(self._is_fetched, self._upstreams))
                self._merged = merge(self._own(), self._known) | self._servers
                self._fresh_until = time.monotonic() + (
                    FRESH_SECONDS if all(found) else RETRY_SECONDS
                )
            return self._merged

    async def _is_fetched(self, name: str) -> bool:
        try:
            status, document = await self._upstreams[name].fetch("/openapi.json", FETCH_SECONDS)
        except UpstreamError:
            return False
        if status != 200 or not isinstance(document, dict):
            return False
        self._known[name] = document
        return True


def merge(own: Document, services: Mapping[str, Document]) -> Document:
    """Merge ``own`` (the gateway's document) with the public routes of the services."""
    paths: Document = {}
    schemas: Document = {}
    for name, document in services.items():
        named = _with_service_name(name, document)
        schemas |= named.get("components", {}).get("schemas", {})
        for path, method, operation in _public_operations(name, named):
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": paths | own["paths"],
        "components": {"schemas": schemas | own["components"]["schemas"]},
    }


def _with_service_name(name: str, document: Document) -> Document:
    """Put the service's name before schema names, which may be equal; Problem is shared."""
    text = json.dumps(document)
    named: Document = json.loads(
        re.sub(r'"#/components/schemas/(?!Problem")', rf'"#/components/schemas/{name}.', text)
    )
    components = named.setdefault("components", {})
    components["schemas"] = {
        schema if schema == "Problem" else f"{name}.{schema}": body
        for schema, body in components.get("schemas", {}).items()
    }
    return named


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
