"""What happens before every route, as plain ASGI middleware; ``app.py`` names the order."""

import logging
import re
from collections import Counter
from urllib.parse import unquote_to_bytes

from prometheus_client import Counter as MetricCounter
from starlette.responses import RedirectResponse

from api_gateway.body import ClientGone
from api_gateway.forwarded import TrustedProxies
from api_gateway.headers import combine
from api_gateway.identity import Identity
from api_gateway.keys import ApiKeys
from api_gateway.limits import Fields, OverLimit, RateLimiter, client_of
from api_gateway.proxy import BrokenOff
from api_gateway.routes import Route, find_route
from api_gateway.security import Policies
from api_gateway.settings import GatewaySettings, split_list
from shared.http import Asgi, Message, Receive, Scope, Send
from shared.problems import Problem, problem_response

logger = logging.getLogger(__name__)

MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_BYTES = 32 * 1024
LIMITED = MetricCounter("gateway_rate_limited", "Requests over a limit", ["limit"])

# Visible ASCII but the backslash and what delimits other parts; percent signs start an escape.
_PATH = re.compile(rb"(?:/(?:[!$-\[\]_a-z|~]|%[0-9A-Fa-f]{2})*)+")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
# An encoded slash or backslash, a control character, an empty segment, a dot segment.
_AMBIGUOUS = re.compile(rb"%(?:2f|5c|[01].|7f)|//|/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Answers:
    """Every refusal is a problem, and every answer has the fields that keep browsers safe."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._policies = Policies(settings.image_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False
        scope["answer_fields"] = []

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                fields = list(message.get("headers", ()))
                own = self._policies.fields(message["status"], fields, own=scope.get("row") is None)
                message["headers"] = [*fields, *own, *scope["answer_fields"]]
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except Problem as problem:
            answer = problem_response(
                problem.status, problem.detail, headers=problem.headers, extra=problem.extra
            )
            await answer(scope, receive, send_safely)
        except ClientGone:
            scope["access"]["gone"] = True
            if started:
                raise  # so that the server ends the connection
            # It may still be there, if its body broke off or was no HTTP.
            await problem_response(400, "The body is broken.")(scope, receive, send_safely)
        except BrokenOff as error:
            scope["access"]["error"] = str(error)
            raise
        except Exception as error:
            logger.exception("unexpected error")
            if started:
                raise
            answer = problem_response(500, "The gateway failed to answer; it has been logged.")
            await answer(scope, receive, send_safely)
            scope["access"]["error"] = type(error).__name__


class Framing:
    """Refuses what the server lets pass although others could read it in another way."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:  # noqa: ARG002 - as all have
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        scope["fields"] = fields = combine(headers)
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            raise Problem(431, f"The header is too large: at most {MAX_HEADER_BYTES} bytes.")
        if not _HOST.fullmatch(
            fields.get(b"host", b"a" if scope["http_version"] == "1.0" else b"")
        ):
            raise Problem(400, "A request needs one valid Host field.")
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise Problem(400, "The only transfer coding taken is chunked.")
        if not fields.get(b"content-length", b"0").isdigit():
            raise Problem(400, "A request has at most one length.")
        if fields.get(b"expect", b"100-continue").lower() != b"100-continue":
            raise Problem(417, "Only 100-continue can be expected.")
        await self._app(scope, receive, send)


class Paths:
    """Paths have one reading here and at the services; what could have two is refused."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._prefix = settings.public_path.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope["raw_path"]
        if len(raw) + len(scope["query_string"]) > MAX_TARGET_BYTES:
            raise Problem(414, f"The address is too long: at most {MAX_TARGET_BYTES} bytes.")
        if not _PATH.fullmatch(raw) or _AMBIGUOUS.search(raw):
            raise Problem(
                400,
                "The path can be read in more than one way: encoded slashes, control characters, "
                "empty segments and dot segments are not taken.",
            )
        if self._prefix and raw == self._prefix:
            redirect = RedirectResponse(self._prefix.decode("ascii") + "/", status_code=308)
            await redirect(scope, receive, send)
            return
        if self._prefix and raw.startswith(self._prefix + b"/"):
            raw = raw.removeprefix(self._prefix)
        scope["raw_path"] = raw
        try:
            scope["path"] = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(400, "The path is not UTF-8.") from None
        scope["root_path"] = ""
        scope["row"] = find_route(scope["path"])
        await self._app(scope, receive, send)


class Identify:
    """Who asks: the client's address, and its API key where one is asked for."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._proxies = TrustedProxies(split_list(settings.gateway_trusted_proxies))
        self._keys = ApiKeys(split_list(settings.gateway_api_keys.get_secret_value()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, fields = scope["headers"], scope["fields"]
        peer = scope["client"][0]
        client, trusted = self._proxies.client(fields, peer)
        key = None
        if self._keys:
            key = self._keys.identify(fields)
            # It was for the gateway.
            headers = [field for field in headers if field[0] != b"authorization"]
        scope["identity"] = Identity(
            headers, fields, peer, client, trusted, key, key or client_of(client)
        )
        scope["access"]["client"] = client
        if key is not None:
            scope["access"]["key"] = key
        await self._app(scope, receive, send)


class RequireKey:
    """A key where one is asked for. After the limits, so that guesses are counted."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._asks = bool(split_list(settings.gateway_api_keys.get_secret_value()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row: Route | None = scope["row"]
        is_open = row is None or row.open or scope["method"] == "OPTIONS"
        if self._asks and not is_open and scope["identity"].key is None:
            raise Problem(
                401,
                "This needs an API key: send it as X-API-Key, or as Authorization: Bearer.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        await self._app(scope, receive, send)


class Limits:
    """How often a client may ask, and how much of it may be under way at once."""

    def __init__(self, app: Asgi, settings: GatewaySettings) -> None:
        self._app = app
        self._most = settings.gateway_max_requests_per_client
        self._under_way: Counter[str] = Counter()  # by account
        self._requests = _limiter(settings.gateway_rate_limit, settings.gateway_rate_burst)
        self._uploads = _limiter(
            settings.gateway_upload_rate_limit, settings.gateway_upload_rate_burst
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        account = scope["identity"].account
        if self._most and self._under_way[account] >= self._most:
            detail = f"Too many requests of yours are under way; at most {self._most} may be."
            raise self._refusal(scope, "concurrency", detail, 1)
        self._take(scope, account)
        self._under_way[account] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[account] -= 1
            if not self._under_way[account]:
                del self._under_way[account]

    def _take(self, scope: Scope, account: str) -> None:
        """The client's tokens; uploads have a bucket of their own besides."""
        fields: Fields = []
        what = "requests"
        row: Route | None = scope["row"] if scope["method"] == "POST" else None
        try:
            if self._requests is not None:
                fields = self._requests.take(account, row.cost if row else 1)
            if row and row.stores_file and self._uploads is not None:
                what = "uploads"
                fields = self._uploads.take(account)
        except OverLimit as over:
            scope["answer_fields"] += over.fields
            again = f"please try again in {over.retry_after} s."
            raise self._refusal(
                scope, what, f"Too many {what} from you; {again}", over.retry_after
            ) from None
        scope["answer_fields"] += fields

    def _refusal(self, scope: Scope, limit: str, detail: str, retry_after: int) -> Problem:
        scope["access"]["limited"] = limit
        LIMITED.labels(limit).inc()
        return Problem(429, detail, headers={"Retry-After": str(retry_after)})


def _limiter(rate: float, burst: int) -> RateLimiter | None:
    return RateLimiter(rate, burst) if rate > 0 else None
