"""The checks before every route, and what becomes of a refusal."""

import logging
from collections import Counter

from prometheus_client import Counter as MetricCounter
from starlette.responses import Response

from api_gateway.framing import Framing
from api_gateway.identity import Authenticate, Authorize
from api_gateway.limits import RateLimiter
from api_gateway.security import API
from api_gateway.settings import GatewaySettings
from shared.http import Asgi, Receive, Scope, Send
from shared.metrics import show_from_the_start
from shared.problems import Problem

logger = logging.getLogger(__name__)

LIMITED = MetricCounter("gateway_rate_limited", "Requests over a limit", ["limit"])
show_from_the_start(LIMITED, "requests", "uploads", "concurrency")


class RateLimits:
    """Limits the rate of a client's requests."""

    def __init__(self, settings: GatewaySettings) -> None:
        rate, burst = settings.gateway_rate_limit, settings.gateway_rate_burst
        self._requests = RateLimiter(rate, burst) if rate else None
        rate, burst = settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        self._uploads = RateLimiter(rate, burst) if rate else None

    def __call__(self, scope: Scope) -> None:
        row, is_post = scope["row"], scope["method"] == "POST"
        cost = 1 if row is None else row.cost if is_post else row.read_cost
        self._take(scope, "requests", self._requests, cost)
        if row and is_post and row.stores_file:
            self._take(scope, "uploads", self._uploads, 1)

    def _take(self, scope: Scope, what: str, limiter: RateLimiter | None, cost: int) -> None:
        """Take the client's tokens. The last limiter that is called is the strictest."""
        if limiter is not None:
            fields, wait = limiter.take(scope["account"], cost)
            scope["answer_fields"] = [*API, *fields]
            if wait:
                raise _over(what, f"Too many {what} from you; please try again in {wait} s.", wait)


# Add a check that runs before all routes here: it raises Problem to refuse the request, and may
# add header fields to ``scope["answer_fields"]``.
CHECKS = (Framing, Authenticate, RateLimits, Authorize)


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
            answer = _refusal(scope, error)
            if scope["is_answered"]:
                raise ConnectionError from error  # so that the server ends the connection
            await answer(scope, receive, send)

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


def _refusal(scope: Scope, error: Exception) -> Response:
    if not isinstance(error, Problem):
        logger.error("unexpected error", exc_info=error)
        error = Problem(500, "The gateway failed to answer; it has been logged.")
    # Its frames hold the connection. In a cycle with them, it would keep the connection open.
    error.__traceback__ = None
    scope["access"]["error"] = error.detail
    return error.response()


def _over(limit: str, detail: str, retry_after: int) -> Problem:
    LIMITED.labels(limit).inc()
    return Problem(429, detail, headers={"Retry-After": str(retry_after)})
