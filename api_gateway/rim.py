"""What the gateway answers itself: health, metrics, the API's description, the web page."""

import json
import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from prometheus_client import CONTENT_TYPE_LATEST

from api_gateway.health import SystemHealth
from api_gateway.metrics import Metrics
from api_gateway.openapi import PublicApi
from api_gateway.static import Asset, StaticFiles
from api_gateway.upstream import Upstream
from shared.problems import Problem, install_problem_handlers

_HERE = Path(__file__).parent
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")


def create_rim(upstreams: dict[str, Upstream], frontend: Path, metrics: Metrics) -> FastAPI:
    app = FastAPI(title="Gateway", docs_url=None, redoc_url=None, openapi_url=None)
    install_problem_handlers(app)
    files = StaticFiles(frontend)
    docs_files = StaticFiles(_HERE / "docs")
    api = PublicApi(upstreams, app.openapi)
    system = SystemHealth(upstreams)
    page = Environment(
        loader=FileSystemLoader(_HERE / "docs"), autoescape=select_autoescape(["html"])
    ).get_template("docs.html")

    @app.get("/health", tags=["system"], summary="How the gateway and every service are")
    async def health(*, strict: bool = False) -> JSONResponse:
        """200 as long as the gateway can answer; with `strict=true` 503 unless all is well."""
        found = await system.look()
        failed = strict and found["status"] != "ok"
        return JSONResponse(
            found, status_code=503 if failed else 200, headers={"cache-control": "no-store"}
        )

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(await api.document(), headers={"cache-control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        html = page.render(api=await api.document(), pretty=_pretty)
        return Response(html, media_type="text/html", headers={"cache-control": "no-cache"})

    @app.get("/docs/{name}", include_in_schema=False)
    async def docs_asset(name: str, request: Request) -> Response:
        return _asset_response(docs_files.find(f"/{name}"), request)

    @app.get("/metrics", include_in_schema=False)
    async def metrics_text() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/{path:path}", include_in_schema=False)
    async def page_file(path: str, request: Request) -> Response:
        return _asset_response(files.find(f"/{path}"), request)

    return app


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _asset_response(asset: Asset | None, request: Request) -> Response:
    if asset is None:
        raise Problem(404, "There is nothing at this address.")
    accepted = _TAKES_GZIP.search(request.headers.get("accept-encoding", ""))
    gzipped = asset.gzipped if accepted else None
    headers = {
        "etag": f'"{asset.etag}-gz"' if gzipped is not None else f'"{asset.etag}"',
        "cache-control": asset.cache_control,
        "vary": "accept-encoding",
    }
    if gzipped is not None:
        headers["content-encoding"] = "gzip"
    known = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    }
    if headers["etag"] in known or "*" in known:
        headers.pop("content-encoding", None)
        return Response(status_code=304, headers=headers)
    body = asset.body if gzipped is None else gzipped
    return Response(body, media_type=asset.content_type, headers=headers)
