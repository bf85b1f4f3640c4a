"""End requests that nobody waits for any more.

The gateway's HTTP client cannot end a request whose answer has not begun. So the gateway gives a
request that may take long a name, ``CALL_HEADER``. When its client has gone, it says so by
``DELETE /calls/{name}``: then the service finds the client gone, as if it had called directly.
"""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CALL_HEADER = "x-call"


class Calls:
    """The requests with a name that are under way. Used in the event loop only."""

    def __init__(self) -> None:
        self._gone: dict[str, asyncio.Future[None]] = {}

    def begin(self, name: str) -> asyncio.Future[None]:
        self._gone[name] = asyncio.get_running_loop().create_future()
        return self._gone[name]

    def end(self, name: str) -> None:
        self._gone.pop(name, None)

    def give_up(self, name: str) -> None:
        if (gone := self._gone.get(name)) is not None and not gone.done():
            gone.set_result(None)


class NamedCalls:
    """The middleware: a request that is given up receives that its client is gone."""

    def __init__(self, app: ASGIApp, calls: Calls) -> None:
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = Headers(scope=scope).get(CALL_HEADER) if scope["type"] == "http" else None
        if name is None:
            await self._app(scope, receive, send)
            return
        watched = _Watched(receive, self._calls.begin(name))
        try:
            await self._app(scope, watched.receive, send)
        finally:
            self._calls.end(name)
            watched.end()


class _Watched:
    """``receive`` of a request. A call of it that is cancelled loses no message."""

    def __init__(self, receive: Receive, gone: asyncio.Future[None]) -> None:
        self._receive = receive
        self._gone = gone
        self._next: asyncio.Future[Message] | None = None

    async def receive(self) -> Message:
        if self._next is None:
            self._next = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {self._gone, self._next}
        if not any(future.done() for future in either):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            return {"type": "http.disconnect"}
        message, self._next = self._next.result(), None
        return message

    def end(self) -> None:
        if self._next is not None:
            self._next.cancel()
