"""The gateway's own routes: health, metrics, OpenAPI document, web page."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api_gateway.health import EXAMPLE, system_health
from api_gateway.openapi import PublicApi
from api_gateway.routes import READ
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.http import Scope, create_problem_app, metrics_response

_LONG_LIVED = frozenset({".png", ".jpg", ".webp", ".gif", ".ico", ".woff2"})


class Files(StaticFiles):
    """No hidden files. Browsers revalidate code each time, because file names have no version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if any(part.startswith(".") for part in path.split("/")):
            raise HTTPException(404)
        response = await super().get_response(path or ".", scope)
        is_long_lived = Path(path).suffix in _LONG_LIVED
        response.headers["cache-control"] = "max-age=86400" if is_long_lived else "no-cache"
        return response

    def endpoint(self, name: str | None = None) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that serves the file ``name``, or the one in the route's ``path``."""

        async def answer(request: Request) -> Response:
            return await self.get_response(name or request.path_params["path"], request.scope)

        return answer


def create_own_routes(settings: GatewaySettings, upstreams: Mapping[str, Upstream]) -> FastAPI:
    app = create_problem_app("Gateway", docs_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    api = PublicApi(upstreams, app.openapi, settings.public_path)
    project = Path(__file__).parent.parent
    docs = Files(directory=project / "api_gateway/docs", packages=[("fastapi_offline", "static")])
    page = Files(directory=project / settings.frontend_dir, html=True, check_dir=False)

    @app.head("/health", include_in_schema=False)
    @app.get(
        "/health",
        tags=["system"],
        summary="How the gateway and every service are",
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def health(*, strict: bool = False) -> JSONResponse:
        """200 as long as the gateway can answer; with `strict=true` 503 unless all is well."""
        found = await system_health(upstreams)
        failed = strict and found["status"] != "ok"
        return JSONResponse(found, 503 if failed else 200, headers={"cache-control": "no-store"})

    async def openapi(_: Request) -> Response:
        return JSONResponse(await api.document(), headers={"cache-control": "no-cache"})

    async def metrics(_: Request) -> Response:
        return metrics_response()

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
