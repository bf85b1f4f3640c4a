"""A plain ASGI application under uvicorn: like our services, but without any work to do.

DELAY_MS in the environment: an artificial delay of each answer.

``python -m bench.gateway.hello PORT``
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from bench.gateway.upstream import IMAGE

DELAY_SECONDS = float(os.environ.get("DELAY_MS", "0")) / 1000

Message = MutableMapping[str, Any]


async def app(
    _scope: Message,
    _receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    if DELAY_SECONDS:
        await asyncio.sleep(DELAY_SECONDS)
    length = str(len(IMAGE)).encode("ascii")
    fields = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": IMAGE})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
