"""What happens to a request, step by step."""

import logging

from fastapi import FastAPI

from api_gateway import headers as h
from api_gateway.connection import UpstreamError
from api_gateway.proxy import ClientGone, Proxy
from api_gateway.request import Message, Receive, Refusal, Request, Scope, Send
from api_gateway.routes import Route, find_route
from api_gateway.security import API_POLICY, page_headers, page_policy, security_headers
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.context import REQUEST_ID_HEADER, request_context
from shared.problems import PROBLEM_JSON, problem_body

logger = logging.getLogger(__name__)

_REQUEST_ID = REQUEST_ID_HEADER.encode("ascii")


class Gateway:
    """The ASGI application: services behind routes, everything else at the rim (FastAPI)."""

    def __init__(
        self, settings: GatewaySettings, upstreams: dict[str, Upstream], rim: FastAPI
    ) -> None:
        self._settings = settings
        self._rim = rim
        self._proxy = Proxy(upstreams, settings)
        self._api_headers = security_headers(API_POLICY)
        self._page_headers = page_headers(page_policy(settings.image_origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rim(scope, receive, send)
            return
        said = h.get(scope["headers"], _REQUEST_ID)
        with request_context(None if said is None else said.decode("latin-1")) as request_id:
            request = Request(scope, receive, send, request_id)
            try:
                await self._answer(request)
            except Refusal as refusal:
                await self._refuse(request, refusal)
            except ClientGone:
                request.status = 499

    async def _answer(self, request: Request) -> None:
        request.forwarded = h.forwarded_block(
            request.headers, request.client, request.scheme, request.host, trusted=False
        )
        found = find_route(request.path)
        if found is None:
            await self._rim(request.scope, request.receive, self._through(request))
            return
        route, target = found
        request.route, request.upstream = route.name, route.upstream
        if request.method == "OPTIONS":
            await request.start(
                204, [*self._own_headers(request), (b"allow", route.allow.encode())]
            )
            await request.body(b"")
            return
        if request.method not in route.methods:
            raise Refusal(
                405,
                f"{request.method} is not allowed here; allowed: {route.allow}.",
                {"Allow": route.allow},
            )
        await self._pass_on(request, route, target)

    async def _pass_on(self, request: Request, route: Route, target: str) -> None:
        upstream, lease = await self._proxy.forward(
            request,
            route,
            target.encode("latin-1") + (b"?" + request.query if request.query else b""),
        )
        connection = lease.connection
        error: UpstreamError | None = None
        seconds = (
            self._settings.upstream_stream_idle_seconds
            if route.event_stream
            else self._settings.upstream_response_timeout_seconds
        )
        try:
            headers = h.response_headers(connection.headers)
            if route.upstream == "dither":
                headers = [
                    (n, _public(v)) if n in {b"location", b"content-location"} else (n, v)
                    for n, v in headers
                ]
            await request.start(connection.status, headers + self._own_headers(request))
            if request.method == "HEAD":
                await request.body(b"")
                return
            while not connection.complete or connection.has_data:
                part = await connection.read(seconds)
                done = connection.complete and not connection.has_data
                await request.body(part, more=not done)
                if done:
                    return
            await request.body(b"")
        except UpstreamError as caught:
            error = None if request.gone else caught
            raise ClientGone from caught
        finally:
            upstream.release(lease, error)

    def _own_headers(self, request: Request) -> h.Headers:
        return [*self._api_headers, (_REQUEST_ID, request.id.encode("ascii"))]

    def _through(self, request: Request) -> Send:
        """The rim's answers carry what all answers carry."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                is_page = (h.get(message["headers"], b"content-type") or b"").startswith(
                    b"text/html"
                )
                message["headers"] = [
                    *message["headers"],
                    *(self._page_headers if is_page else self._api_headers),
                    (_REQUEST_ID, request.id.encode("ascii")),
                ]
            await request.send(message)

        return send

    async def _refuse(self, request: Request, refusal: Refusal) -> None:
        body = problem_body(refusal.status, refusal.detail)
        headers: h.Headers = [
            (b"content-type", PROBLEM_JSON.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            *((k.lower().encode("ascii"), v.encode("ascii")) for k, v in refusal.headers.items()),
            *self._own_headers(request),
        ]
        await request.start(refusal.status, headers)
        await request.body(body)


def _public(location: bytes) -> bytes:
    """The dither service's /images is the public /dithers."""
    if location == b"/images" or location.startswith((b"/images/", b"/images?")):
        return b"/dithers" + location.removeprefix(b"/images")
    return location
