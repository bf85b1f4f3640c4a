"""The gateway's composition root: ``python -m api_gateway.main``."""

import asyncio
import gc
import logging
import resource
import signal

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from api_gateway.app import create_app
from api_gateway.settings import GatewaySettings
from shared.logs import configure_logging

logger = logging.getLogger(__name__)

MAX_HEADER_BYTES = 64 * 1024


async def serve(settings: GatewaySettings) -> None:
    """Answer requests until SIGTERM or SIGINT."""
    server = Server(
        create_app(settings),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2048,
        backpressure=settings.gateway_max_connections,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(settings.gateway_client_timeout_seconds * 1000),
            max_buffer_size=MAX_HEADER_BYTES,
        ),
        log_enabled=False,
        log_level=LogLevels.critical,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _allow_many_files() -> None:
    """Raise the limit of open files: each connection to a client or service is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main() -> None:
    settings = GatewaySettings.load()
    configure_logging("gateway", level=settings.log_level, log_format=settings.log_format)
    logging.getLogger("_granian").setLevel(logging.CRITICAL)  # we log these events ourselves
    if settings.is_open and not settings.is_local:
        logger.warning("ACCESS=open: whoever reaches this sees, changes and deletes all images")
    _allow_many_files()
    # Nearly all objects are freed with their request, so the garbage collector may run rarely.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
