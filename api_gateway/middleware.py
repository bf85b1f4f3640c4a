"""The checks before every route, as plain ASGI middleware; ``app.py`` defines their order."""

import logging
from collections import Counter

from prometheus_client import Counter as MetricCounter

from api_gateway.body import ClientGone
from api_gateway.exchange import BrokenOff
from api_gateway.forwarded import TrustedProxies
from api_gateway.framing import Middleware
from api_gateway.keys import ApiKeys
from api_gateway.limits import RateLimiter, client_of
from api_gateway.security import Policies
from api_gateway.settings import GatewaySettings, split_list
from shared.http import Asgi, Message, Receive, Scope, Send
from shared.problems import Problem, problem_response

logger = logging.getLogger(__name__)

LIMITED = MetricCounter("gateway_rate_limited", "Requests over a limit", ["limit"])


class Answers(Middleware):
    """Makes every refusal a problem, and adds the security header fields to every answer."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        super().__init__(app, settings)
        self._policies = Policies(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False
        scope["answer_fields"] = []

        async def send_safely(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                fields = list(message.get("headers", ()))
                is_own = scope.get("row") is None
                own = self._policies.fields(message["status"], fields, is_own=is_own)
                message["headers"] = [*fields, *own, *scope["answer_fields"]]
            await send(message)

        try:
            await self.app(scope, receive, send_safely)
            return
        except Problem as problem:
            answer = problem_response(
                problem.status, problem.detail, headers=problem.headers, extra=problem.extra
            )
        except ClientGone:
            scope["access"]["gone"] = True
            # The client may still be connected, if its body was cut off or not valid HTTP.
            answer = problem_response(400, "The body is broken.")
        except BrokenOff as error:
            scope["access"]["error"] = str(error)
            raise
        except Exception as error:
            logger.exception("unexpected error")
            scope["access"]["error"] = type(error).__name__
            answer = problem_response(500, "The gateway failed to answer; it has been logged.")
        if is_started:
            raise ConnectionError  # so that the server ends the connection
        await answer(scope, receive, send_safely)


class Identify(Middleware):
    """Identifies the client: its address, and its API key if keys are required."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        super().__init__(app, settings)
        self._proxies = TrustedProxies(split_list(settings.gateway_trusted_proxies))
        self._keys = ApiKeys(settings.api_keys) if settings.api_keys else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, trusted = self._proxies.client(scope["fields"], scope["client"][0])
        scope["access"]["client"] = client
        key = None
        if self._keys is not None:
            key = self._keys.identify(scope["fields"])
            # The key is for the gateway only; do not forward it.
            scope["headers"] = [f for f in scope["headers"] if f[0] != b"authorization"]
        if key is not None:
            scope["access"]["key"] = key
        scope.update(key=key, trusted=trusted, account=key or client_of(client))
        await self.app(scope, receive, send)


class Limits(Middleware):
    """Limits a client's requests: their rate, and how many run at once."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        super().__init__(app, settings)
        self._under_way: Counter[str] = Counter()  # by account
        rate, burst = settings.gateway_rate_limit, settings.gateway_rate_burst
        self._requests = RateLimiter(rate, burst) if rate else None
        rate, burst = settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        self._uploads = RateLimiter(rate, burst) if rate else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        account, most = scope["account"], self.settings.gateway_max_requests_per_client
        if most and self._under_way[account] >= most:
            detail = f"Too many requests of yours are under way; at most {most} may be."
            raise _over(scope, "concurrency", detail, 1)
        row, is_post = scope["row"], scope["method"] == "POST"
        cost = 1 if row is None else row.cost if is_post else row.read_cost
        self._take(scope, "requests", self._requests, cost)
        if row and is_post and row.stores_file:
            self._take(scope, "uploads", self._uploads, 1)
        self._under_way[account] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._under_way[account] -= 1
            if not self._under_way[account]:
                del self._under_way[account]

    def _take(self, scope: Scope, what: str, limiter: RateLimiter | None, cost: int) -> None:
        """Take the client's tokens. The last limiter that is called is the strictest."""
        if limiter is not None:
            scope["answer_fields"], wait = limiter.take(scope["account"], cost)
            if wait:
                detail = f"Too many {what} from you; please try again in {wait} s."
                raise _over(scope, what, detail, wait)


def _over(scope: Scope, limit: str, detail: str, retry_after: int) -> Problem:
    scope["access"]["limited"] = limit
    LIMITED.labels(limit).inc()
    return Problem(429, detail, headers={"Retry-After": str(retry_after)})


class RequireKey(Middleware):
    """Requires a key if keys are configured. It runs after the limits, so that guesses count."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = scope["row"]
        is_open = row is None or row.open or scope["method"] == "OPTIONS"
        if not is_open and scope["key"] is None and self.settings.api_keys:
            detail = "This needs an API key: send it as X-API-Key, or as Authorization: Bearer."
            raise Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
        await self.app(scope, receive, send)
