"""The gateway's composition root: ``python -m api_gateway.main``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api_gateway.gateway import Gateway
from api_gateway.rim import create_rim
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import build_upstreams
from shared.logs import configure_logging

_PROJECT = Path(__file__).parent.parent


def build_gateway(settings: GatewaySettings) -> Gateway:
    upstreams = build_upstreams(settings)
    rim = create_rim(upstreams, _PROJECT / settings.frontend_dir)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(upstream.run()) for upstream in upstreams.values()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    rim.router.lifespan_context = lifespan
    return Gateway(settings, upstreams, rim)


def server_config(gateway: Gateway, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


def main() -> None:
    settings = GatewaySettings.load()
    configure_logging("gateway", level=settings.log_level, log_format=settings.log_format)
    uvicorn.Server(server_config(build_gateway(settings), settings)).run()


if __name__ == "__main__":
    main()
