"""What every service's HTTP side has in common, around its routes."""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.context import REQUEST_ID_HEADER, request_context
from shared.failures import TransientFailure
from shared.health import Health
from shared.metrics import REQUESTS, metrics_response
from shared.problems import (
    RETRY_AFTER_SECONDS,
    Problem,
    install_problem_handlers,
    problem_response,
)
from shared.storage import StorageUnavailableError

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_app(title: str, health: Health) -> FastAPI:
    """An app that answers every error as a problem, and tells of its health and metrics."""
    app = FastAPI(title=title, version="1.0.0", redoc_url=None)
    install_problem_handlers(app)
    _install_failure_handlers(app)

    @app.get("/metrics", include_in_schema=False)
    def _metrics() -> Response:
        health.report()  # what is asked of the database (the outbox) is as fresh as health
        return metrics_response()

    @app.get("/health", tags=["system"], summary="How this service and its parts are")
    def _health() -> JSONResponse:
        status, report = health.report()
        return JSONResponse(report, status, headers={"cache-control": "no-store"})

    return app


def _install_failure_handlers(app: FastAPI) -> None:
    """What is down now may be up again soon: 503, and when to come back."""

    def unavailable(_: Request, error: Exception) -> Response:
        logger.warning("a request must wait", extra={"reason": str(error)})
        return problem_response(
            503,
            "A part of this service is not available at the moment; please try again.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    app.add_exception_handler(TransientFailure, unavailable)
    app.add_exception_handler(StorageUnavailableError, unavailable)
    # Nobody hears the answer; the status, nginx's for this, is for the access line.
    app.add_exception_handler(ClientDisconnect, lambda _, __: Response(status_code=499))


class RequestScope:
    """Around the whole app: the request id, one access line and one observation a request."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        with request_context(Headers(scope=scope).get(REQUEST_ID_HEADER)) as request_id:

            async def send_with_id(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
                await send(message)

            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _observe(scope, status, time.perf_counter() - started)


def _observe(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")
    REQUESTS.labels(scope["method"], route, status).observe(seconds)
    if route in {"/health", "/metrics"}:
        return
    logger.info(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        },
    )


class BodyLimit:
    """Refuses a body as soon as it is known to be too large, declared or counted."""

    def __init__(self, app: Asgi, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = Problem(
            413, f"The request's body is too large: at most {self._max_bytes:,} bytes are taken."
        )
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            await problem_response(413, too_large.detail)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise too_large
            return message

        await self._app(scope, counted, send)
