"""The checks before every route, and what becomes of a refusal."""

import logging
from collections import Counter

from prometheus_client import Counter as MetricCounter

from api_gateway.framing import Framing
from api_gateway.keys import ApiKeys
from api_gateway.limits import RateLimiter, client_of
from api_gateway.security import API
from api_gateway.settings import GatewaySettings
from shared.http import Asgi, Receive, Scope, Send
from shared.problems import Problem

logger = logging.getLogger(__name__)

LIMITED = MetricCounter("gateway_rate_limited", "Requests over a limit", ["limit"])


class Identify:
    """Identifies the client: its address, and its API key if keys are required."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._keys = ApiKeys(settings.api_keys) if settings.api_keys else None

    def __call__(self, scope: Scope) -> None:
        client = scope["access"]["client"] = scope["client"][0]
        key = None
        if self._keys is not None:
            key = self._keys.identify(scope["fields"])
            # The key is for the gateway only; do not forward it.
            scope["headers"] = [f for f in scope["headers"] if f[0] != b"authorization"]
        if key is not None:
            scope["access"]["key"] = key
        scope.update(key=key, account=key or client_of(client))


class RateLimits:
    """Limits the rate of a client's requests."""

    def __init__(self, settings: GatewaySettings) -> None:
        rate, burst = settings.gateway_rate_limit, settings.gateway_rate_burst
        self._requests = RateLimiter(rate, burst) if rate else None
        rate, burst = settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        self._uploads = RateLimiter(rate, burst) if rate else None

    def __call__(self, scope: Scope) -> None:
        row = scope["row"] if scope["method"] == "POST" else None
        self._take(scope, "requests", self._requests, row.cost if row else 1)
        if row and row.stores_file:
            self._take(scope, "uploads", self._uploads, 1)

    def _take(self, scope: Scope, what: str, limiter: RateLimiter | None, cost: int) -> None:
        """Take the client's tokens. The last limiter that is called is the strictest."""
        if limiter is not None:
            fields, wait = limiter.take(scope["account"], cost)
            scope["answer_fields"] = [*API, *fields]
            if wait:
                raise _over(what, f"Too many {what} from you; please try again in {wait} s.", wait)


class RequireKey:
    """Requires a key if keys are configured. It runs after the limits, so that guesses count."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._is_on = bool(settings.api_keys)

    def __call__(self, scope: Scope) -> None:
        row = scope["row"]
        is_open = row is None or row.open or scope["method"] == "OPTIONS"
        if self._is_on and not is_open and scope["key"] is None:
            detail = "This needs an API key: send it as X-API-Key, or as Authorization: Bearer."
            raise Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


# Add a check that runs before all routes here: it raises Problem to refuse the request, and may
# add header fields to ``scope["answer_fields"]``.
CHECKS = (Framing, Identify, RateLimits, RequireKey)


class Guard:
    """Runs the checks, and then ``app``. What they raise becomes the answer."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._checks = [check(settings) for check in CHECKS]
        self._most = settings.gateway_max_requests_per_client
        self._under_way: Counter[str] = Counter()  # by account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["answer_fields"] = API
        try:
            for check in self._checks:
                check(scope)
            await self._run(scope, receive, send)
        except Exception as error:
            problem = error
            if not isinstance(problem, Problem):
                logger.exception("unexpected error")
                problem = Problem(500, "The gateway failed to answer; it has been logged.")
            scope["access"]["error"] = problem.detail
            if scope["is_answered"]:
                raise ConnectionError from error  # so that the server ends the connection
            await problem.response()(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run ``app``, unless too many requests of the client are under way."""
        account = scope["account"]
        if self._most and self._under_way[account] >= self._most:
            detail = f"Too many requests of yours are under way; at most {self._most} may be."
            raise _over("concurrency", detail, 1)
        self._under_way[account] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[account] -= 1
            if not self._under_way[account]:
                del self._under_way[account]


def _over(limit: str, detail: str, retry_after: int) -> Problem:
    LIMITED.labels(limit).inc()
    return Problem(429, detail, headers={"Retry-After": str(retry_after)})
