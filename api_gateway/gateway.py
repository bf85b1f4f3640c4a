"""What happens to a request, step by step."""

import asyncio
import logging
import time
from collections import Counter

from fastapi import FastAPI

from api_gateway import asgi
from api_gateway import headers as h
from api_gateway.access_log import AccessLog
from api_gateway.cache import Cache
from api_gateway.cors import Cors
from api_gateway.filter import find_threat
from api_gateway.keys import ApiKeys
from api_gateway.limits import OverLimit, RateLimiter, client_of
from api_gateway.metrics import Metrics
from api_gateway.proxy import BrokenOff, Proxy
from api_gateway.request import ClientGone, Refusal, Request
from api_gateway.routes import READ, Route, find_route
from api_gateway.running import Work, run
from api_gateway.security import API_POLICY, page_headers, page_policy, security_headers
from api_gateway.settings import GatewaySettings
from api_gateway.upstream import Upstream
from shared.context import REQUEST_ID_HEADER, accept_request_id, new_request_id, request_context
from shared.problems import PROBLEM_JSON, problem_body

logger = logging.getLogger(__name__)

_REQUEST_ID = REQUEST_ID_HEADER.encode("ascii")
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})
_RIM_METHODS = ", ".join((*READ, "OPTIONS"))


def _allow(route: Route | None) -> str:
    return _RIM_METHODS if route is None else route.allow


def _limiter(rate: float, burst: int) -> RateLimiter | None:
    return RateLimiter(rate, burst) if rate > 0 else None


class Gateway:
    """Services behind routes; everything else is answered at the rim (FastAPI)."""

    def __init__(
        self,
        settings: GatewaySettings,
        upstreams: dict[str, Upstream],
        rim: FastAPI,
        *,
        metrics: Metrics,
        access_log: AccessLog,
    ) -> None:
        self._settings = settings
        self._rim = rim
        self._metrics = metrics
        self._access_log = access_log
        self._cache = Cache(
            Proxy(upstreams, settings),
            max_bytes=settings.gateway_cache_bytes,
            max_entry_bytes=settings.gateway_cache_entry_bytes,
        )
        # None: it is switched off.
        self._keys = ApiKeys(settings.api_keys) if settings.api_keys else None
        self._cors = Cors(settings.cors_origins) if settings.cors_origins else None
        self._requests = _limiter(settings.gateway_rate_limit, settings.gateway_rate_burst)
        self._uploads = _limiter(
            settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        )
        self._under_way: Counter[str] = Counter()  # by whom
        self._tasks: set[asyncio.Task[None]] = set()  # asyncio itself only refers to them weakly
        self._api_fields = h.render(security_headers(API_POLICY))
        self._page_fields = h.render(page_headers(page_policy(settings.image_origins)))

    def handle(self, request: Request) -> None:
        """Answer, at once when nothing is to be waited for. Ends with a line in the log."""
        request.began = time.perf_counter()
        said = request.fields.get(_REQUEST_ID)
        request.id = new_request_id() if said is None else accept_request_id(said.decode("latin-1"))
        try:
            work = self._admit(request)
        except Exception as error:  # noqa: BLE001 - each is answered and logged
            self._explain(request, error)
        else:
            if work is not None:
                run(self._finish(request, work))
                return
        self._record(request)

    async def _finish(self, request: Request, work: Work) -> None:
        self._under_way[request.account] += 1
        try:
            await work
        except Exception as error:  # noqa: BLE001 - each is answered and logged
            self._explain(request, error)
        finally:
            self._under_way[request.account] -= 1
            if not self._under_way[request.account]:
                del self._under_way[request.account]
            request.settle()
            self._record(request)

    def _record(self, request: Request) -> None:
        seconds = time.perf_counter() - request.began
        self._metrics.observe(request, seconds)
        self._access_log.add(request, seconds)

    def _explain(self, request: Request, error: Exception) -> None:
        """Tell the client what went wrong, as far as it still can be told."""
        if isinstance(error, ClientGone):
            request.status = 499
            return
        with request_context(request.id):
            self._tell(request, error)

    def _tell(self, request: Request, error: Exception) -> None:
        if isinstance(error, Refusal):
            refusal = error
        else:
            expected = isinstance(error, BrokenOff)
            request.error = str(error) if expected else "unexpected"
            if not expected:
                logger.error("unexpected error", exc_info=error)
            refusal = Refusal(500, "The gateway failed to answer; it has been logged.")
        if not request.started:
            self._refuse(request, refusal)

    def _admit(self, request: Request) -> Work | None:
        """All that is asked before a service is. Raises Refusal."""
        request.own = b"%bx-request-id: %b\r\n" % (self._api_fields, request.id.encode("ascii"))
        if self._settings.gateway_trusted_proxies:
            request.client, request.trusted = h.client_address(
                request.fields, request.peer, self._settings.trusts
            )
        found = find_route(request.path)
        route = found[0] if found else None
        if route is not None:
            request.route, request.upstream = route.name, route.upstream
        preflight = request.method == "OPTIONS"
        if self._cors is not None:
            allow = _allow(route) if preflight else None
            request.own += h.render(self._cors.headers(request, allow))
        if self._keys is not None:
            request.key = self._keys.identify(request.fields)
        request.account = request.key or client_of(request.client)
        self._limit(request, route)
        self._filter(request)
        if preflight:
            fields = [(b"allow", _allow(route).encode("ascii")), h.date()]
            request.start(204, h.render(fields), None)
            request.write(b"")
            return None
        if request.method not in (READ if route is None else route.methods):
            allow = _allow(route)
            raise Refusal(
                405,
                f"{request.method} is not allowed here; allowed: {allow}.",
                {"Allow": allow},
            )
        if found is None:
            return self._ask_rim(request)
        self._check_key(request, found[0])
        path = found[1].encode("latin-1")
        target = b"%b?%b" % (path, request.query) if request.query else path
        return self._cache.answer(request, found[0], target)

    def _limit(self, request: Request, route: Route | None) -> None:
        """Take the client's tokens; uploads have a bucket of their own besides.

        Rates bound how often something begins. Slow clients are bounded by how much is under way.
        """
        most = self._settings.gateway_max_requests_per_client
        if most and self._under_way.get(request.account, 0) >= most:
            request.limited = "concurrency"
            raise Refusal(
                429,
                f"Too many requests of yours are under way; at most {most} may be at once.",
                {"Retry-After": "1"},
            )
        posts = request.method == "POST"
        if self._requests is not None:
            cost = route.cost if route is not None and posts else 1
            self._take(request, self._requests, "requests", cost)
        if posts and route is not None and route.stores_file and self._uploads is not None:
            self._take(request, self._uploads, "uploads", 1)

    def _take(self, request: Request, limiter: RateLimiter, what: str, cost: int) -> None:
        try:  # the last that is asked is the strictest
            request.rate_limit = limiter.take(request.account, cost)
        except OverLimit as over:
            request.rate_limit, request.limited = over.fields, what
            raise Refusal(
                429,
                f"Too many {what} from you; please try again in {over.retry_after} s.",
                {"Retry-After": str(over.retry_after)},
            ) from None

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
        if self._keys is None:
            return
        if request.key is None and not route.open:
            raise Refusal(
                401,
                "This needs an API key: send it as X-API-Key, or as Authorization: Bearer.",
                {"WWW-Authenticate": "Bearer"},
            )
        # They were for the gateway.
        request.headers = [f for f in request.headers if f[0] not in _CREDENTIALS]
        request.fields = h.combine(request.headers)

    async def _ask_rim(self, request: Request) -> None:
        """FastAPI answers; its answers carry what all answers carry."""

        def render(status: int, headers: h.Headers) -> bytes:
            content_type = h.get(headers, b"content-type") or b""
            # A 304 has no type, and the browser takes its fields over for the page that it keeps.
            if content_type.startswith(b"text/html") or status == 304:
                request.own = self._page_fields + request.own.removeprefix(self._api_fields)
            return h.render([*headers, h.date()])

        with request_context(request.id):
            task = asyncio.create_task(asgi.ask(self._rim, request, render))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await task

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        body = problem_body(refusal.status, refusal.detail)
        fields: h.Headers = [
            (b"content-type", PROBLEM_JSON.encode("ascii")),
            (b"cache-control", b"no-store"),
            h.date(),
            *((k.lower().encode("ascii"), v.encode("ascii")) for k, v in refusal.headers.items()),
        ]
        request.start(refusal.status, h.render(fields), len(body))
        request.write(body)
