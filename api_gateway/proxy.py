"""Forward a request: which fields a service gets, and which of its replicas is called."""

from pyreqwest.exceptions import PoolTimeoutError, PyreqwestError
from starlette.responses import Response

from api_gateway.body import Body
from api_gateway.client import nothing_was_sent
from api_gateway.deadlines import Deadlines
from api_gateway.exchange import Exchange
from api_gateway.headers import request_fields
from api_gateway.routes import Route
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.http import Receive, Scope, Send
from shared.problems import Problem

# The size of multipart framing, part headers and small fields, in addition to the file.
MULTIPART_OVERHEAD_BYTES = 64 * 1024


class Forward:
    """The ASGI endpoint of one row of the route table. Raises Problem."""

    def __init__(self, route: Route, upstream: Upstream, settings: GatewaySettings) -> None:
        self._route = route
        self._upstream = upstream
        self._settings = settings
        self._deadlines = Deadlines()
        self._limit = settings.gateway_max_body_bytes
        if route.takes_file:
            self._limit = settings.max_upload_bytes + MULTIPART_OVERHEAD_BYTES
        elif route.takes_files:
            self._limit = settings.dither_call_max_bytes + MULTIPART_OVERHEAD_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, method = self._route, scope["method"]
        scope["access"] |= {"route": route.name, "upstream": route.service}
        if method == "OPTIONS":
            answer = Response(status_code=204, headers={"Allow": route.allow})
            await answer(scope, receive, send)
        elif method not in route.methods:
            detail = f"{method} is not allowed here; allowed: {route.allow}."
            raise Problem(405, detail, headers={"Allow": route.allow})
        else:
            body = await self._body(scope, receive)
            exchange = Exchange(route, self._settings, self._deadlines, body, receive, send)
            await self._ask(scope, exchange)

    async def _body(self, scope: Scope, receive: Receive) -> Body | None:
        declared = scope["fields"].get(b"content-length")
        if declared is None and b"transfer-encoding" not in scope["fields"]:
            return None
        length = None if declared is None else int(declared)
        patience = self._settings.gateway_client_timeout_seconds
        body = Body(receive, length, self._limit, patience, self._deadlines)
        await body.read_first()
        return body

    async def _ask(self, scope: Scope, exchange: Exchange) -> None:
        """Try replicas until one answers, as long as a repeat is safe."""
        method, target, fields = scope["method"], self._target(scope), request_fields(scope)
        replica, was_repeated = None, False
        while True:
            replica = self._upstream.choose(replica)
            scope["access"]["replica"] = replica.authority
            try:
                await exchange.run(replica, method, target, fields)
                return
            except PoolTimeoutError as error:
                raise self._upstream.unavailable("is overloaded") from error
            except TimeoutError as error:
                raise self._failure(504, "did not answer in time") from error
            except PyreqwestError as error:
                if nothing_was_sent(error) and not exchange.has_sent_body:
                    continue
                if was_repeated or exchange.body is not None or method not in {"GET", "HEAD"}:
                    raise self._failure(502, "broke off") from error
                was_repeated = True

    def _target(self, scope: Scope) -> str:
        target = self._route.at_service(scope["raw_path"].decode("ascii"))
        query = scope["query_string"].decode("latin-1")
        return f"{target}?{query}" if query else target

    def _failure(self, status: int, what: str) -> Problem:
        return Problem(status, f"The {self._route.service} service {what}; please try again.")
