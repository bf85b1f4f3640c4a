"""The gateway's own routes: health, metrics, OpenAPI document, web page."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api_gateway.routes import READ
from api_gateway.security import API, page_fields
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.exposition import Metrics
from shared.http import Scope, create_problem_app
from shared.principal import is_shown_state, permit_state
from shared.problems import Unavailable

_LONG_LIVED = frozenset({".png", ".jpg", ".webp", ".gif", ".ico", ".woff2"})
_PROJECT = Path(__file__).parent.parent
PUBLIC_API = Path(__file__).with_name("openapi.json")  # `make docs` writes it

HEALTH_SECONDS = 2


class Files(StaticFiles):
    """No hidden files. Browsers revalidate code each time, because file names have no version."""

    def __init__(self, settings: GatewaySettings, directory: Path, **options: Any) -> None:
        super().__init__(directory=_PROJECT / directory, check_dir=False, **options)
        self._page_fields = page_fields(settings)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(part.startswith(".") for part in path.split("/")):
            raise HTTPException(404)
        response = await super().get_response(path or ".", scope)
        is_long_lived = Path(path).suffix in _LONG_LIVED
        response.headers["cache-control"] = "max-age=86400" if is_long_lived else "no-cache"
        # A 304 has no type, and the browser applies its fields to the page in its cache.
        if response.media_type == "text/html" or response.status_code == 304:
            others = [field for field in scope["answer_fields"] if field not in API]
            scope["answer_fields"] = [*self._page_fields, *others]
        return response

    def endpoint(self, name: str | None = None) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that serves the file ``name``, or the one in the route's ``path``."""

        async def answer(request: Request) -> Response:
            return await self.get_response(name or request.path_params["path"], request.scope)

        return answer


def create_own_routes(settings: GatewaySettings, upstreams: Mapping[str, Upstream]) -> FastAPI:
    app = create_problem_app("Gateway", docs_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    servers = {"servers": [{"url": settings.public_path or "/"}]}
    document = json.dumps(json.loads(PUBLIC_API.read_text(encoding="utf-8")) | servers)
    docs = Files(settings, Path("api_gateway/docs"), packages=[("fastapi_offline", "static")])
    page = Files(settings, settings.frontend_dir, html=True)
    health_example = {"content": {"application/json": {"example": {"status": "ok"}}}}

    @app.head("/health", include_in_schema=False)
    @app.get("/health", tags=["system"], responses={200: health_example})
    async def health(request: Request, *, strict: bool = False) -> JSONResponse:
        """200 as long as the gateway can answer; with `strict=true` 503 unless all is well.

        The services are shown to a key with the scope `operate`.
        """
        found = await system_health(upstreams)
        failed = strict and found["status"] != "ok"
        if not is_shown_state(request.scope["principal"], settings):
            found = {"status": found["status"]}
        return JSONResponse(found, 503 if failed else 200, headers={"cache-control": "no-store"})

    async def openapi(_: Request) -> Response:
        kind = JSONResponse.media_type
        return Response(document, media_type=kind, headers={"cache-control": "no-cache"})

    async def metrics(request: Request) -> Response:
        if request.scope["refusal"] is not None:
            raise request.scope["refusal"]
        permit_state(request.scope["principal"], settings)
        return Metrics().response(request)

    @app.options("/{path:path}", include_in_schema=False)
    async def options() -> Response:
        return Response(status_code=204, headers={"allow": ", ".join((*READ, "OPTIONS"))})

    reads: dict[str, Callable[[Request], Any]] = {
        "/openapi.json": openapi,
        "/metrics": metrics,
        "/docs": docs.endpoint("docs.html"),
        "/docs/problems": docs.endpoint("problems.html"),
        "/docs/problems/{status}": docs.endpoint("problems.html"),
        "/docs/{path}": docs.endpoint(),
        "/{path:path}": page.endpoint(),
    }
    for path, endpoint in reads.items():
        app.add_route(path, endpoint, include_in_schema=False)
    return app


async def system_health(upstreams: Mapping[str, Upstream]) -> dict[str, Any]:
    """Asks all services concurrently; ``status`` is ``ok`` if it is ``ok`` for all of them."""
    answers = await asyncio.gather(*map(_service_health, upstreams.values()))
    is_well = all(service["status"] == "ok" for service in answers)
    services = dict(zip(upstreams, answers, strict=True))
    return {"status": "ok" if is_well else "degraded", "services": services}


async def _service_health(upstream: Upstream) -> dict[str, Any]:
    """The states of a service and its parts, without addresses or error texts of libraries."""
    replicas = {
        "total": len(upstream.replicas),
        "in_rotation": sum(replica.in_rotation for replica in upstream.replicas),
    }
    try:
        _, said = await upstream.fetch("/health", HEALTH_SECONDS)
        parts = {name: part["status"] for name, part in said.get("parts", {}).items()}
        return {"status": said["status"], "parts": parts, "replicas": replicas}
    except Unavailable as error:
        detail = error.detail
    except (TypeError, KeyError, AttributeError):
        detail = "Its answer is no report of its health."
    return {"status": "down", "detail": detail, "replicas": replicas}
