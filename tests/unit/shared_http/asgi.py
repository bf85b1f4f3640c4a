"""One request to an ASGI app, without a server."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.http import Asgi, Message


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: Exception | None = None

    def json(self) -> Any:
        return json.loads(self.body)


def call(
    app: Asgi,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (),
    leaves: bool = False,
) -> Answer:
    """The answer to a request whose body comes in parts; the client may leave before its end.

    What the app raised besides answering is in the answer.
    """
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in body
    ]
    if not leaves:
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    incoming = iter(messages)
    answer = Answer()

    async def receive() -> Message:
        return next(incoming, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }

    async def run() -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - Starlette answers, then raises it for the server's log
            answer.error = error

    asyncio.run(run())
    return answer
