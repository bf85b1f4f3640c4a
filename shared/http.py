"""What the HTTP apps of all processes have in common, around their routes.

Imports neither Kafka's client, nor SQLAlchemy, nor Cloudinary, because the gateway uses it too.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.context import REQUEST_ID_HEADER, request_context
from shared.exposition import Metrics
from shared.failures import TransientFailure
from shared.logs import log_access
from shared.principal import Caller, install_principals, is_shown_state, permit_state
from shared.problem_schema import REFUSALS, add_problem_schema
from shared.problems import (
    RETRY_AFTER_SECONDS,
    Problem,
    install_problem_handlers,
    problem_response,
)
from shared.redaction import shown_path
from shared.settings import AccessSettings
from shared.tracing import UNTRACED, exemplar, exemplar_of, is_on, provider

logger = logging.getLogger(__name__)

REQUESTS = Histogram(
    "http_request_duration_seconds", "HTTP requests, by route", ["method", "route", "status"]
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# For ``responses`` of a route that answers ``If-None-Match``.
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has it already"}}
_REQUEST_ID = REQUEST_ID_HEADER.encode("ascii")

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def binary(content_types: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """For ``responses`` of a route that answers with a file of one of these media types."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    # A document has the types without their parameters.
    return {200: {"content": {name.partition(";")[0]: schema for name in content_types}}}


class HealthReport(Protocol):
    def report(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status (503 when a part is down) and the body."""


def create_problem_app(title: str, **options: Any) -> FastAPI:
    """An app that answers every error as a problem, and declares this in its OpenAPI document.

    ``options``: FastAPI's own.
    """
    app = FastAPI(
        title=title,
        version="1.0.0",
        redoc_url=None,
        responses=REFUSALS,
        telemetry=_telemetry(),
        **options,
    )
    if is_on():
        app.add_middleware(_TraceOfRequest)
    install_problem_handlers(app)
    _install_failure_handlers(app)
    add_problem_schema(app)
    return app


def _telemetry() -> TelemetryConfig:
    """FastAPI records the requests in traces, if there are any; metrics and logs are our own."""
    return {
        "tracer_provider": provider(),
        "tracing": is_on(),
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "exclude": lambda scope: scope["path"] in UNTRACED,
    }


def create_app(title: str, health: HealthReport, settings: AccessSettings) -> FastAPI:
    """A service's app: besides its own routes it has ``/live``, ``/health`` and ``/metrics``."""
    app = create_problem_app(title)
    install_principals(app, settings)
    metrics = Metrics(health.report)

    @app.get("/live", include_in_schema=False)
    async def _live() -> Response:
        """The event loop runs. Nothing else is asked: a restart would not bring a database back."""
        return Response(status_code=204)

    @app.get("/metrics", include_in_schema=False)
    def _metrics(caller: Caller, request: Request) -> Response:
        permit_state(caller, settings)
        return metrics.response(request)

    @app.get("/health", tags=["system"], summary="How this service and its parts are")
    def _health(caller: Caller) -> JSONResponse:
        """The parts are shown to operators only."""
        status, report = health.report()
        if not is_shown_state(caller, settings):
            report = {"status": report["status"]}
        return JSONResponse(report, status, headers={"cache-control": "no-store"})

    return app


def _install_failure_handlers(app: FastAPI) -> None:
    """A part that is down may be up again soon: 503 with ``Retry-After``."""

    def unavailable(_: Request, error: Exception) -> Response:
        logger.warning("a request must wait", extra={"reason": str(error)})
        return problem_response(
            503,
            "A part of this service is not available at the moment; please try again.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    app.add_exception_handler(TransientFailure, unavailable)
    # Nobody receives this answer; the status (499, as in nginx) is for the access line.
    app.add_exception_handler(ClientDisconnect, lambda _, __: Response(status_code=499))


class _TraceOfRequest:
    """Inside FastAPI's span: puts the id of the trace into the access line."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.get("access", {}).update(exemplar() or {})
        await self._app(scope, receive, send)


class RequestScope:
    """Around the whole app: for each request its id, one access line and one observation.

    An app may add to its access line (``scope["access"]``, a dict) and to the header fields of the
    answer (``scope["answer_fields"]``). ``scope["is_answered"]``: an answer has begun.
    ``scope["peer"]`` is the other end of the connection, whatever a proxy says of the client.
    """

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        sent = 0
        scope.update(access={}, answer_fields=[], is_answered=False, peer=scope["client"])
        with request_context(_given_id(scope)) as request_id:
            own = (_REQUEST_ID, request_id.encode("ascii"))

            async def send_with_id(message: Message) -> None:
                nonlocal status, sent
                if message["type"] == "http.response.start":
                    status = message["status"]
                    scope["is_answered"] = True
                    fields = [f for f in message.get("headers", ()) if f[0] != _REQUEST_ID]
                    message["headers"] = [*fields, *scope["answer_fields"], own]
                else:
                    sent += len(message.get("body", b""))
                await send(message)

            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _observe(scope, status, sent, time.perf_counter() - started)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            return str(value.decode("latin-1"))
    return None


# Cached, because prometheus_client takes a lock for each lookup of a child.
_requests = lru_cache(2048)(REQUESTS.labels)


def _observe(scope: Scope, status: int, sent: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")
    method = scope["method"] if scope["method"] in METHODS else "other"
    trace_id = scope["access"].get("trace_id")
    _requests(method, route, status).observe(seconds, exemplar_of(trace_id))
    if route in UNTRACED:
        return
    fields: dict[str, object] = {
        "method": method,
        "path": shown_path(scope["path"]),
        "status": status,
        "bytes": sent,
        "milliseconds": round(seconds * 1000, 1),
    }
    log_access(logger, fields | scope["access"])


async def until_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is cancelled when the client goes. The body must be read.

    Raises ``ClientDisconnect`` then.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, watching = asyncio.create_task(work), asyncio.create_task(gone())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        watching.cancel()


class BodyLimit:
    """Refuses a body as soon as its declared or counted size is over the limit.

    larger: paths that take more, and how much.
    """

    def __init__(self, app: Asgi, max_bytes: int, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._max_bytes)
        too_large = Problem(
            413, f"The request's body is too large: at most {most:,} bytes are taken."
        )
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            await too_large.response()(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise too_large
            return message

        await self._app(scope, counted, send)
