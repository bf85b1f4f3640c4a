"""What happens to a request, step by step."""

import logging
import os
import time

from fastapi import FastAPI

from api_gateway import headers as h
from api_gateway.access_log import AccessLog
from api_gateway.cache import Cache
from api_gateway.clients import Clients
from api_gateway.cors import Cors
from api_gateway.filter import find_threat
from api_gateway.keys import ApiKeys
from api_gateway.limits import RateLimiter, client_of
from api_gateway.metrics import Metrics
from api_gateway.proxy import BrokenOff, ClientGone, Proxy
from api_gateway.request import Message, Receive, Refusal, Request, Scope, Send
from api_gateway.routes import READ, Route, find_route
from api_gateway.security import API_POLICY, page_headers, page_policy, security_headers
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.context import REQUEST_ID_HEADER, request_context
from shared.problems import PROBLEM_JSON, problem_body

logger = logging.getLogger(__name__)

_REQUEST_ID = REQUEST_ID_HEADER.encode("ascii")
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_RIM_METHODS = ", ".join((*READ, "OPTIONS"))


class Gateway:
    """The ASGI application: services behind routes, everything else at the rim (FastAPI)."""

    def __init__(
        self,
        settings: GatewaySettings,
        upstreams: dict[str, Upstream],
        rim: FastAPI,
        *,
        clients: Clients,
        metrics: Metrics,
        access_log: AccessLog,
    ) -> None:
        self._settings = settings
        self._rim = rim
        self.clients = clients
        self._metrics = metrics
        self._access_log = access_log
        self._cache = Cache(
            Proxy(upstreams, settings),
            max_bytes=settings.gateway_cache_bytes,
            max_entry_bytes=settings.gateway_cache_entry_bytes,
        )
        self._keys = ApiKeys(settings.api_keys)
        self._cors = Cors(settings.cors_origins)
        self._requests = RateLimiter(settings.gateway_rate_limit, settings.gateway_rate_burst)
        self._uploads = RateLimiter(
            settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        )
        self._api_fields = h.render(security_headers(API_POLICY))
        self._page_fields = h.render(page_headers(page_policy(settings.image_origins)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rim(scope, receive, send)
            return
        began = time.perf_counter()
        said = h.get(scope["headers"], _REQUEST_ID)
        chosen = os.urandom(16).hex() if said is None else said.decode("latin-1")
        with request_context(chosen) as request_id:
            request = Request(scope, receive, send, request_id)
            try:
                await self._answer(request)
            except Refusal as refusal:
                await self._refuse(request, refusal)
            except ClientGone:
                request.status = 499
            except BrokenOff as error:
                request.error = str(error)
            except Exception:
                request.status, request.error = 500, "unexpected"
                raise
            finally:
                seconds = time.perf_counter() - began
                self._metrics.observe(request, seconds)
                self._access_log.add(request, seconds)

    async def _answer(self, request: Request) -> None:
        request.own = b"%bx-request-id: %b\r\n" % (self._api_fields, request.id.encode("ascii"))
        request.client, request.trusted = h.client_address(
            request.headers, request.client, self._settings.trusts
        )
        found = find_route(request.path)
        route = found[0] if found else None
        if route is not None:
            request.route, request.upstream = route.name, route.upstream
        preflight = request.method == "OPTIONS"
        allow = _RIM_METHODS if route is None else route.allow
        request.own += h.render(self._cors.headers(request, allow if preflight else None))
        request.key = self._keys.identify(request.headers)
        self._limit(request, route)
        self._filter(request)
        if preflight:
            await request.start(204, [(b"allow", allow.encode("ascii"))])
            await request.body(b"")
            return
        if request.method not in (READ if route is None else route.methods):
            raise Refusal(
                405,
                f"{request.method} is not allowed here; allowed: {allow}.",
                {"Allow": allow},
            )
        if found is None:
            await self._ask_rim(request)
            return
        self._check_key(request, found[0])
        path = found[1].encode("latin-1")
        target = path + b"?" + request.query if request.query else path
        await self._cache.answer(request, found[0], target)

    def _limit(self, request: Request, route: Route | None) -> None:
        """Take the client's tokens; uploads have a bucket of their own besides."""
        client = request.key or client_of(request.client)
        uploads = route is not None and route.stores_file and request.method == "POST"
        for limiter, name, counts in (
            (self._requests, "requests", True),
            (self._uploads, "uploads", uploads),
        ):
            if not (limiter and counts):
                continue
            verdict = limiter.take(client, route.cost if route and name == "requests" else 1)
            if name == "uploads" or not uploads or not self._uploads or not verdict.allowed:
                request.own += verdict.rendered()
            if not verdict.allowed:
                request.limited = name
                raise Refusal(
                    429,
                    f"Too many {name} from you; please try again in {verdict.retry_after} s.",
                    {"Retry-After": str(verdict.retry_after)},
                )

    def _filter(self, request: Request) -> None:
        if self._settings.gateway_filter == "off":
            return
        rule = find_threat(request.path, request.query, request.headers)
        if rule is None:
            return
        request.rule = rule.name
        if self._settings.gateway_filter == "block":
            raise Refusal(
                rule.status,
                f"The request looks like an attack ({rule.name}), so it is not passed on.",
            )

    def _check_key(self, request: Request, route: Route) -> None:
        if not self._keys:
            return
        if request.key is None and not route.open:
            raise Refusal(
                401,
                "This needs an API key: send it as X-API-Key, or as Authorization: Bearer.",
                {"WWW-Authenticate": "Bearer"},
            )
        # They were for the gateway.
        request.headers = [f for f in request.headers if f[0] not in _CREDENTIALS]

    async def _ask_rim(self, request: Request) -> None:
        """FastAPI answers; its answers carry what all answers carry."""
        own = request.own

        async def send(message: Message) -> None:
            if message["type"] != "http.response.start":
                await request.body(message["body"], more=message.get("more_body", False))
                return
            content_type = h.get(message["headers"], b"content-type") or b""
            # A 304 has no type, and the browser takes its fields over for the page that it keeps.
            if content_type.startswith(b"text/html") or message["status"] == 304:
                request.own = self._page_fields + own.removeprefix(self._api_fields)
            await request.start(message["status"], message["headers"])

        # What HEAD is, FastAPI's routes need not know.
        await self._rim({**request.scope, "method": "GET"}, request.receive, send)

    async def _refuse(self, request: Request, refusal: Refusal) -> None:
        body = problem_body(refusal.status, refusal.detail)
        headers: h.Headers = [
            (b"content-type", PROBLEM_JSON.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
            *((k.lower().encode("ascii"), v.encode("ascii")) for k, v in refusal.headers.items()),
        ]
        await request.start(refusal.status, headers)
        await request.body(body)
