"""The gateway's composition root: ``python -m api_gateway.main``."""

import asyncio
import gc
import logging
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn
from fastapi import FastAPI

from api_gateway.access_log import AccessLog
from api_gateway.clients import Clients
from api_gateway.gateway import Gateway
from api_gateway.metrics import Metrics
from api_gateway.rim import create_rim
from api_gateway.server import ClientConnection
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import build_upstreams
from shared.logs import configure_logging

logger = logging.getLogger(__name__)

_PROJECT = Path(__file__).parent.parent


def build(settings: GatewaySettings) -> uvicorn.Config:
    """The server, ready to run. uvicorn's own application is the rim, for its lifespan."""
    upstreams = build_upstreams(settings)
    clients = Clients(settings)
    metrics = Metrics(upstreams, clients)
    access_log = AccessLog(settings.log_format)
    rim = create_rim(upstreams, _PROJECT / settings.frontend_dir, metrics)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        runs = [
            clients.run(),
            access_log.run(),
            *(upstream.run() for upstream in upstreams.values()),
        ]
        tasks = [asyncio.create_task(run) for run in runs]
        for task in tasks:
            task.add_done_callback(_end_with)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            access_log.flush()  # requests that ended with the rest

    rim.router.lifespan_context = lifespan
    gateway = Gateway(settings, upstreams, rim, metrics=metrics, access_log=access_log)
    return uvicorn.Config(
        rim,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=cast(
            type[asyncio.Protocol], partial(ClientConnection, clients=clients, gateway=gateway)
        ),
        ws="none",
        backlog=2048,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


def _end_with(task: asyncio.Task[None]) -> None:
    """Without its sweeps the gateway would hang sooner or later: it is better started anew."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task has died", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def _allow_many_files() -> None:
    """Each client and each connection to a service is an open file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    settings = GatewaySettings.load()
    configure_logging("gateway", level=settings.log_level, log_format=settings.log_format)
    _allow_many_files()
    # Nearly everything dies with its request; what is left is not worth looking for so often.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    uvicorn.Server(build(settings)).run()


if __name__ == "__main__":
    main()
