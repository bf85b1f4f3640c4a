"""The gateway as one ASGI application, and the order of what happens to a request."""

import asyncio
import contextlib
import logging
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from prometheus_client import REGISTRY
from pyreqwest.client import Client
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from api_gateway import pages
from api_gateway.client import create_client
from api_gateway.health import SystemHealth
from api_gateway.metrics import UpstreamMetrics
from api_gateway.middleware import Answers, Framing, Identify, Limits, Paths, RequireKey
from api_gateway.openapi import PublicApi
from api_gateway.proxy import Forward
from api_gateway.routes import READ, ROUTES
from api_gateway.settings import GatewaySettings, split_list
from api_gateway.upstream import Upstream
from shared.http import Asgi, Receive, RequestScope, Scope, Send, metrics_response
from shared.problems import Problem, install_problem_handlers

logger = logging.getLogger(__name__)

# A check that runs before all routes is one more entry here.
MIDDLEWARE = (Answers, Framing, Paths, Identify, Limits, RequireKey)  # the first is the outermost
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "location", "etag", "retry-after", "x-request-id", "ratelimit-limit", "ratelimit-remaining",
    "ratelimit-reset", "x-dither-colours", "x-dither-width", "x-dither-height",
)  # fmt: skip
Endpoint = Callable[..., Awaitable[Response]]
_PROJECT = Path(__file__).parent.parent


def create_app(settings: GatewaySettings) -> Asgi:
    """Everything, wired. The upstreams live with the application's lifespan."""
    client = create_client(settings)
    upstreams = {
        name: Upstream(name, urls, settings, client)
        for name, urls in settings.service_addresses.items()
    }
    own = create_own_routes(settings, upstreams)
    own.router.lifespan_context = lambda _: _running(client, upstreams)
    forwards = {r.name: Forward(r, upstreams[r.service], settings) for r in ROUTES}
    app: Asgi = Dispatch(forwards, own)
    for middleware in reversed(MIDDLEWARE):
        app = middleware(app, settings)
    return _Http(RequestScope(_cors(app, settings)), own)


class Dispatch:
    """What has a row in the route table is passed on; FastAPI answers the rest."""

    def __init__(self, forwards: Mapping[str, Forward], own: Asgi) -> None:
        self._forwards = forwards
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = scope["row"]
        if row is None:
            await self._own(scope, receive, send)
        else:
            scope["route"] = row
            await self._forwards[row.name](scope, receive, send)


class _Http:
    """Requests go through the middleware; the server's start and stop go to FastAPI."""

    def __init__(self, http: Asgi, own: Asgi) -> None:
        self._http = http
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._http if scope["type"] == "http" else self._own)(scope, receive, send)


def _cors(app: Asgi, settings: GatewaySettings) -> Asgi:
    """Which other sites' pages may call the API. Credentials never."""
    origins = [origin.rstrip("/") for origin in split_list(settings.gateway_cors_origins)]
    if not origins:
        return app
    patterns = [re.escape(o).replace(r"\*", "[a-z0-9.-]+") for o in origins if "*" in o]
    return CORSMiddleware(
        app,
        allow_origins=["*"] if "*" in origins else [o for o in origins if "*" not in o],
        allow_origin_regex="|".join(patterns) or None,
        allow_methods=METHODS,
        allow_headers=split_list(settings.gateway_cors_headers),
        expose_headers=EXPOSED,
    )


@contextlib.asynccontextmanager
async def _running(client: Client, upstreams: Mapping[str, Upstream]) -> AsyncIterator[None]:
    """Replicas are probed as long as the application runs."""
    collector = UpstreamMetrics(upstreams)
    REGISTRY.register(collector)
    probes = [asyncio.create_task(upstream.probe()) for upstream in upstreams.values()]
    for probe in probes:
        probe.add_done_callback(_end_with)
    try:
        yield
    finally:
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        REGISTRY.unregister(collector)
        await client.close()


def _end_with(task: asyncio.Task[None]) -> None:
    """Without its probes the gateway would never ask a lost replica again: better start anew."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task has died", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def create_own_routes(settings: GatewaySettings, upstreams: Mapping[str, Upstream]) -> FastAPI:
    """What the gateway answers itself: health, metrics, the API's description, the web page."""
    app = FastAPI(title="Gateway", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    api = PublicApi(upstreams, app.openapi, settings.public_path)
    system = SystemHealth(upstreams)
    frontend = pages.Frontend(_PROJECT / settings.frontend_dir)
    problems = pages.problems_page({status: HTTPStatus(status).phrase for status in pages.PROBLEMS})
    no_cache = {"cache-control": "no-cache"}

    def read(path: str, **described: Any) -> Callable[[Endpoint], Endpoint]:
        """GET, and HEAD, which the document does not name."""

        def add(endpoint: Endpoint) -> Endpoint:
            app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
            app.add_api_route(path, endpoint, methods=["GET"], **described)
            return endpoint

        return add

    @read("/health", tags=["system"], summary="How every service is")
    async def health(*, strict: bool = False) -> JSONResponse:
        """200 as long as the gateway can answer; with `strict=true` 503 unless all is well."""
        found = await system.look()
        failed = strict and found["status"] != "ok"
        return JSONResponse(found, 503 if failed else 200, headers={"cache-control": "no-store"})

    @read("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(await api.document(), headers=no_cache)

    @read("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(pages.docs_page("Dithering service"), headers=no_cache)

    @read("/docs/start.js", include_in_schema=False)
    async def docs_start() -> Response:
        return Response(pages.start_script(), media_type="text/javascript", headers=no_cache)

    @read("/docs/problems", include_in_schema=False)
    @read("/docs/problems/{status}", include_in_schema=False)
    async def problem_types() -> Response:
        return HTMLResponse(problems, headers=no_cache)

    @read("/docs/{name}", include_in_schema=False)
    async def docs_asset(name: str) -> Response:
        if name not in pages.ASSETS:
            raise Problem(404, "There is nothing at this address.")
        return FileResponse(pages.SWAGGER / name, headers=no_cache)

    @read("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return metrics_response()

    @app.options("/{path:path}", include_in_schema=False)
    async def options() -> Response:
        return Response(status_code=204, headers={"allow": ", ".join((*READ, "OPTIONS"))})

    @read("/{path:path}", include_in_schema=False)
    async def page_file(path: str, request: Request) -> Response:
        request.scope["extensions"] = {}  # by the server's own way files would not be compressed
        return await frontend.get_response(path, request.scope)

    return app
