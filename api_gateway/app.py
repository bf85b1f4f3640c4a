"""The gateway as one ASGI application, and the order of what happens to a request."""

import asyncio
import contextlib
import logging
import re
import signal
from collections.abc import AsyncIterator, Mapping

from pyreqwest.client import Client
from starlette.middleware.cors import CORSMiddleware

from api_gateway.client import create_client
from api_gateway.framing import Framing, Paths
from api_gateway.middleware import Answers, Identify, Limits, RequireKey
from api_gateway.own import create_own_routes
from api_gateway.proxy import Forward
from api_gateway.routes import ROUTES
from api_gateway.settings import GatewaySettings, split_list
from api_gateway.upstream import Upstream
from shared.http import Asgi, Receive, RequestScope, Scope, Send
from shared.problems import locate_problem_types

logger = logging.getLogger(__name__)

# A check that runs before all routes is one more entry here. The first is the outermost.
MIDDLEWARE = (Answers, Framing, Paths, Identify, Limits, RequireKey)
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "location", "etag", "retry-after", "x-request-id", "ratelimit-limit", "ratelimit-remaining",
    "ratelimit-reset", "x-dither-colours", "x-dither-width", "x-dither-height",
)  # fmt: skip


def create_app(settings: GatewaySettings) -> Asgi:
    """Everything, wired. Replicas are probed as long as the application runs."""
    locate_problem_types(settings.public_path)
    client = create_client(settings)
    upstreams = {
        name: Upstream(name, settings.addresses(name), settings, client)
        for name in dict.fromkeys(route.service for route in ROUTES)
    }
    own = create_own_routes(settings, upstreams)
    own.router.lifespan_context = lambda _: _running(client, upstreams)
    forwards = {r.name: Forward(r, upstreams[r.service], settings) for r in ROUTES}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        """What has a row in the route table is passed on; FastAPI answers the rest."""
        if (row := scope["row"]) is None:
            scope["extensions"] = {}  # files sent by the server itself would not be compressed
            await own(scope, receive, send)
        else:
            scope["route"] = row
            await forwards[row.name](scope, receive, send)

    app: Asgi = dispatch
    for middleware in reversed(MIDDLEWARE):
        app = middleware(app, settings)
    http = RequestScope(_cors(app, settings))

    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        """Requests go through the middleware; the server's start and stop go to FastAPI."""
        await (http if scope["type"] == "http" else own)(scope, receive, send)

    return entry


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
    probes = [asyncio.create_task(upstream.probe()) for upstream in upstreams.values()]
    for probe in probes:
        probe.add_done_callback(_end_with)
    try:
        yield
    finally:
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await client.close()


def _end_with(task: asyncio.Task[None]) -> None:
    """Without its probes the gateway would never ask a lost replica again: better start anew."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task has died", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
