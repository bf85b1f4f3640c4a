"""What the guard does about errors."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from api_gateway.middleware import Guard
from api_gateway.settings import GatewaySettings
from shared.http import Message, Receive, RequestScope, Scope, Send
from shared.problems import Problem


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def answers(error: Problem) -> tuple[list[int], object]:
    """The statuses sent when the app raises ``error``, and what is left of ``receive``."""

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope["refusal"] = error
        raise error

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> object:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        left = weakref.ref(receive)
        scope: dict[str, Any] = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/", "raw_path": b"/", "query_string": b"", "client": ("127.0.0.1", 1),
            "headers": [(b"host", b"localhost")],
        }  # fmt: skip
        await RequestScope(Guard(app, GatewaySettings()))(scope, receive, send)
        scope.clear()
        del receive
        return left()

    left = asyncio.run(run())
    return [message["status"] for message in sent if "status" in message], left


@pytest.mark.usefixtures("_no_collector")
def test_a_refusal_is_answered_and_holds_the_connection_no_longer() -> None:
    """granian closes a connection whose body was not read when ``receive`` is gone."""
    assert answers(Problem(403, "No.")) == ([403], None)
