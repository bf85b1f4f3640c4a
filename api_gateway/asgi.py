"""A request as ASGI, for the one application behind the gateway that speaks it: its own rim."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.types import Message

from api_gateway import headers as h
from api_gateway.request import ClientGone, Request

# Given the status and fields of an answer: the fields to send, rendered.
Render = Callable[[int, h.Headers], bytes]


async def ask(app: FastAPI, request: Request, render: Render) -> None:
    """Have ``app`` answer. What HEAD is, its routes need not know."""

    async def receive() -> Message:
        try:
            body, more = await request.receive()
        except ClientGone:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [field for field in message["headers"] if field[0] != b"content-length"]
            length = h.get(message["headers"], b"content-length")
            request.start(
                message["status"],
                render(message["status"], headers),
                None if length is None else int(length),
            )
            return
        more = message.get("more_body", False)
        request.write(message.get("body", b""), more=more)
        if more:
            await request.drain()

    await app(_scope(request), receive, send)


def _scope(request: Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1" if request.http11 else "1.0",
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": unquote(request.path),
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query,
        "headers": request.headers,
        "client": (request.client, 0),
        "server": None,
        "state": {},
    }
