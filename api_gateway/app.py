"""The gateway as one ASGI application, and the order of the steps that handle a request."""

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
from api_gateway.identity import Authenticate, Authorize
from api_gateway.middleware import Answers, Identify, Limits
from api_gateway.own import create_own_routes
from api_gateway.proxy import Forward
from api_gateway.routes import ROUTES
from api_gateway.settings import GatewaySettings, split_list
from api_gateway.upstream import Upstream
from shared.http import Asgi, Receive, RequestScope, Scope, Send
from shared.problems import locate_problem_types

logger = logging.getLogger(__name__)

# Add a check that runs before all routes here. The first entry is the outermost.
MIDDLEWARE = (Answers, Framing, Paths, Identify, Authenticate, Limits, Authorize)
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "location", "etag", "retry-after", "x-request-id", "ratelimit-limit", "ratelimit-remaining",
    "ratelimit-reset", "x-dither-colours", "x-dither-width", "x-dither-height",
)  # fmt: skip


def create_app(settings: GatewaySettings) -> Asgi:
    """Build the application with all its parts. It probes the replicas as long as it runs."""
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
        """Forward requests that have a row in the route table; FastAPI answers the others."""
        if (row := scope["row"]) is None:
            scope["extensions"] = {}  # else the server would send files itself, uncompressed
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
    """Let the pages of configured other sites call the API, always without credentials."""
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
    """End the process if the probes crash: without them a lost replica would stay unused."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task has died", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
