"""What the gateway answers itself: health, metrics, the API's description, the web page."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from api_gateway.health import SystemHealth
from api_gateway.openapi import PublicApi
from api_gateway.pages import DOCS, DOCS_FILES, Frontend
from api_gateway.routes import READ
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.http import metrics_response
from shared.problems import Problem, install_problem_handlers

Endpoint = Callable[..., Awaitable[Response]]
_NO_CACHE = {"cache-control": "no-cache"}
_PROJECT = Path(__file__).parent.parent


def create_own_routes(settings: GatewaySettings, upstreams: Mapping[str, Upstream]) -> FastAPI:
    app = FastAPI(title="Gateway", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    api = PublicApi(upstreams, app.openapi, settings.public_path)
    system = SystemHealth(upstreams)
    frontend = Frontend(_PROJECT / settings.frontend_dir)

    def read(path: str, **described: Any) -> Callable[[Endpoint], Endpoint]:
        """GET, and HEAD, which the document does not name."""

        def add(endpoint: Endpoint) -> Endpoint:
            app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
            app.add_api_route(path, endpoint, methods=["GET"], **described)
            return endpoint

        return add

    @read("/health", tags=["system"], summary="How the gateway and every service are")
    async def health(*, strict: bool = False) -> JSONResponse:
        """200 as long as the gateway can answer; with `strict=true` 503 unless all is well."""
        found = await system.look()
        failed = strict and found["status"] != "ok"
        return JSONResponse(found, 503 if failed else 200, headers={"cache-control": "no-store"})

    @read("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(await api.document(), headers=_NO_CACHE)

    @read("/docs", include_in_schema=False)
    async def docs() -> Response:
        return FileResponse(DOCS / "docs.html", headers=_NO_CACHE)

    @read("/docs/problems/{status}", include_in_schema=False)
    @read("/docs/problems", include_in_schema=False)
    async def problems() -> Response:
        return FileResponse(DOCS / "problems.html", headers=_NO_CACHE)

    @read("/docs/{name}", include_in_schema=False)
    async def docs_file(name: str) -> Response:
        if name not in DOCS_FILES:
            raise Problem(404, "There is nothing at this address.")
        return FileResponse(DOCS_FILES[name], headers=_NO_CACHE)

    @read("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return metrics_response()

    @app.options("/{path:path}", include_in_schema=False)
    async def options() -> Response:
        return Response(status_code=204, headers={"allow": ", ".join((*READ, "OPTIONS"))})

    @read("/{path:path}", include_in_schema=False)
    async def page_file(path: str, request: Request) -> Response:
        return await frontend.get_response(path, request.scope)

    return app
