"""A request that nobody waits for any more finds its client gone."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import SecretStr
from starlette.types import Message, Receive, Scope, Send

from shared.calls import CALL_HEADER, Calls, NamedCalls
from shared.health import Health
from shared.http import create_app
from shared.principal import EVERYBODY, PRINCIPAL_HEADER, Principals
from shared.settings import AccessSettings
from tests.unit.shared_http.asgi import call

GONE = {"type": "http.disconnect"}
PART = {"type": "http.request", "body": b"a", "more_body": False}
OWNED = AccessSettings(access="owned", principal_secret=SecretStr("s" * 32))

Use = Callable[[Receive, Calls, "asyncio.Queue[Message]"], Awaitable[None]]


def in_a_call(use: Use, *, header: bytes = CALL_HEADER.encode()) -> None:
    """Run ``use`` in a request, with its ``receive``, all calls, and what the server receives."""

    async def run() -> None:
        calls, incoming = Calls(), asyncio.Queue[Message]()

        async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
            await use(receive, calls, incoming)

        async def send(_message: Message) -> None:
            """Nothing is sent."""

        scope = {"type": "http", "headers": [(header, b"a-call")]}
        await NamedCalls(app, calls)(scope, incoming.get, send)

    asyncio.run(run())


def test_who_waits_for_the_client_is_told() -> None:
    async def use(receive: Receive, calls: Calls, incoming: "asyncio.Queue[Message]") -> None:
        incoming.put_nowait(PART)
        assert await receive() == PART
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        calls.give_up("another-call")
        assert not waiting.done()
        calls.give_up("a-call")
        calls.give_up("a-call")
        assert await waiting == await receive() == GONE

    in_a_call(use)


def test_a_look_that_is_cancelled_loses_no_message() -> None:
    async def use(receive: Receive, _calls: Calls, incoming: "asyncio.Queue[Message]") -> None:
        look = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        look.cancel()
        incoming.put_nowait(PART)
        incoming.put_nowait(GONE)
        assert [await receive(), await receive()] == [PART, GONE]

    in_a_call(use)


def test_other_requests_are_left_alone() -> None:
    async def use(receive: Receive, calls: Calls, incoming: "asyncio.Queue[Message]") -> None:
        calls.give_up("a-call")
        incoming.put_nowait(PART)
        assert await receive() == PART

    in_a_call(use, header=b"x-other")


def test_only_the_gateway_gives_up_calls() -> None:
    app = create_app("Test service", Health("test", {}), OWNED)
    assert call(app, "/calls/a-call", method="DELETE").status == 401
    headers = {PRINCIPAL_HEADER: Principals(OWNED).sign(EVERYBODY)}
    assert call(app, "/calls/a-call", method="DELETE", headers=headers).status == 204
