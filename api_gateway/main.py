"""The gateway's composition root: ``python -m api_gateway.main``."""

import asyncio
import gc
import logging
import re
import resource
import signal
from collections.abc import Mapping
from typing import Any, cast

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api_gateway.deadlines import Deadlines
from api_gateway.middleware import Guard
from api_gateway.own import create_own_routes
from api_gateway.proxy import Forward
from api_gateway.routes import ROUTES, SERVICES
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.exposition import Metrics
from shared.http import Asgi, Receive, RequestScope, Scope, Send
from shared.logs import configure_logging
from shared.problems import locate_problem_types
from shared.settings import split_list
from shared.traced_edge import traced_edge
from shared.tracing import start_tracing, stop_tracing

logger = logging.getLogger(__name__)

# Bodies arrive in parts of this size, and a header may be as large: speed against memory.
MAX_BUFFER_BYTES = 128 * 1024
MAX_CONNECTIONS = 4096  # more wait to be accepted
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
EXPOSED = (
    "location", "etag", "retry-after", "x-request-id", "ratelimit-limit", "ratelimit-remaining",
    "ratelimit-reset", "x-dither-colours", "x-dither-width", "x-dither-height",
)  # fmt: skip


def create_app(
    settings: GatewaySettings, upstreams: Mapping[str, Upstream], deadlines: Deadlines
) -> Asgi:
    """``upstreams``: each service of the route table by its name."""
    locate_problem_types(settings.public_path)
    own = create_own_routes(settings, upstreams)
    forwards = {r.name: Forward(r, upstreams[r.service], settings, deadlines) for r in ROUTES}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        """Forward requests that have a row in the route table; FastAPI answers the others."""
        if (row := scope["row"]) is None:
            scope["extensions"] = {}  # else the server would send files itself, uncompressed
            await own(scope, receive, send)
        else:
            scope["route"] = row
            await forwards[row.name](scope, receive, send)

    app: Asgi = Guard(dispatch, settings)
    if origins := [origin.rstrip("/") for origin in split_list(settings.gateway_cors_origins)]:
        app = _cors(app, origins, split_list(settings.gateway_cors_headers))
    return RequestScope(
        traced_edge(behind_proxies(app, split_list(settings.gateway_trusted_proxies)))
    )


def behind_proxies(app: Any, networks: list[str]) -> Asgi:
    """Find the client's address in the fields of trusted proxies, if there are any."""
    return cast("Asgi", ProxyHeadersMiddleware(app, networks)) if networks else app


def _cors(app: Asgi, origins: list[str], headers: list[str]) -> Asgi:
    """Let the pages of configured other sites call the API, always without credentials."""
    patterns = [re.escape(o).replace(r"\*", "[a-z0-9.-]+") for o in origins if "*" in o]
    return CORSMiddleware(
        app,
        allow_origins=["*"] if "*" in origins else [o for o in origins if "*" not in o],
        allow_origin_regex="|".join(patterns) or None,
        allow_methods=METHODS,
        allow_headers=headers,
        expose_headers=EXPOSED,
    )


async def serve(settings: GatewaySettings) -> None:
    """Answer requests until SIGTERM or SIGINT. Without its probes the process ends, too."""
    upstreams = {name: Upstream(name, settings) for name in SERVICES}
    deadlines = Deadlines()
    async with asyncio.TaskGroup() as tasks:
        server = Server(
            create_app(settings, upstreams, deadlines),
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=2048,
            backpressure=MAX_CONNECTIONS,
            http1_settings=HTTP1Settings(
                header_read_timeout=round(settings.gateway_client_timeout_seconds * 1000),
                max_buffer_size=MAX_BUFFER_BYTES,
            ),
            log_enabled=False,
            log_level=LogLevels.critical,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        replicas = [replica for upstream in upstreams.values() for replica in upstream.replicas]
        watches = [deadlines.watch(), *(replica.probe() for replica in replicas)]
        running = [tasks.create_task(watch) for watch in watches]
        await server.serve()
        for task in running:
            task.cancel()


def main() -> None:
    settings = GatewaySettings.load()
    configure_logging("gateway", level=settings.log_level, log_format=settings.log_format)
    logging.getLogger("_granian").setLevel(logging.CRITICAL)  # we log these events ourselves
    if settings.is_open and not settings.is_local:
        logger.warning("ACCESS=open: whoever reaches this sees, changes and deletes all images")
    Metrics().serve(settings)
    # Each connection to a client or service is an open file: allow as many as possible.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Nearly all objects are freed with their request, so the garbage collector may run rarely.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    start_tracing("gateway", settings)
    uvloop.run(serve(settings))
    stop_tracing()


if __name__ == "__main__":
    main()
