"""Write ``api_gateway/openapi.json``: ``python -m tests.support.openapi_document``.

The public API as one document, merged from those of the gateway and of the services.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from api_gateway.own import PUBLIC_API, create_own_routes
from api_gateway.routes import ROUTES, Route
from api_gateway.settings import GatewaySettings
from dither_service import api as dither
from dither_service.preview import Previews
from dither_service.settings import DitherSettings
from notification_service import api as notification
from notification_service.settings import NotificationSettings
from upload_service import api as upload
from upload_service.settings import UploadSettings

Document = dict[str, Any]
INFO = {
    "title": "Dithering service",
    "version": "1.0.0",
    "description": "Upload a picture and get it dithered. Errors are problem details (RFC 9457).",
}


def generate() -> Document:
    services = {
        "upload": upload.create_api(UploadSettings(), Mock(), Mock(), Mock(), Mock()),
        "dither": dither.create_api(
            DitherSettings(), Mock(), Previews(DitherSettings(), Mock()), Mock()
        ),
        "notification": notification.create_api(NotificationSettings(), Mock(), Mock(), Mock()),
    }
    own = create_own_routes(GatewaySettings(frontend_dir=Path("none")), {})
    return _merged(own.openapi(), {name: app.openapi() for name, app in services.items()})


def _merged(own: Document, services: Mapping[str, Document]) -> Document:
    """The gateway's own document with the public routes of the services."""
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
            public = public_path(route, path)
            for method in map(str.lower, route.methods):
                if public is not None and method in operations:
                    about = {
                        "tags": [public.split("/")[1]],
                        "operationId": f"{name}_{operations[method]['operationId']}",
                    }
                    yield public, method, operations[method] | about


def public_path(route: Route, path: str) -> str | None:
    """The public path for a path of the service; None if this route does not match it."""
    prefix = route.prefix_at_service or route.prefix
    if not path.startswith(prefix):
        return None
    path = route.prefix + path.removeprefix(prefix)
    return path if route.pattern.match(path) else None


def written(document: Document) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PUBLIC_API.write_text(written(generate()))
