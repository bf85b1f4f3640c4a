"""Errors on HTTP: RFC 9457 problem details, rendered in this one place.

A ``Problem`` says in a sentence what is wrong and what is allowed, and shows no internals.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from shared.context import current_request_id

logger = logging.getLogger(__name__)

PROBLEMS_PATH = "/docs/problems/"  # where the gateway explains each type of problem
PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = 5


class _ProblemTypes:
    """The address of the problem types' pages: set once, when the process starts."""

    path = PROBLEMS_PATH


def locate_problem_types(public_path: str) -> None:
    """``public_path``: the path of ``PUBLIC_URL``, without a slash at its end."""
    _ProblemTypes.path = f"{public_path}{PROBLEMS_PATH}"


class Problem(Exception):
    """An answer of status 4xx or 5xx with a sentence for the client."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def response(self) -> Response:
        return problem_response(self.status, self.detail, headers=self.headers, extra=self.extra)


class Unavailable(Problem):
    """503: a part that this request needs is down; the client may try again."""

    def __init__(self, detail: str, *, retry_after: int = RETRY_AFTER_SECONDS) -> None:
        super().__init__(503, detail, headers={"Retry-After": str(retry_after)})


class TooMany(Problem):
    """Too much was asked for; the client may ask again."""

    def __init__(self, detail: str, *, retry_after: int = RETRY_AFTER_SECONDS) -> None:
        super().__init__(429, detail, headers={"retry-after": str(retry_after)})


def problem_body(status: int, detail: str, extra: Mapping[str, Any] | None = None) -> bytes:
    """The JSON text of a problem; ``extra`` members never replace the standard ones."""
    body = {
        **(extra or {}),
        "type": f"{_ProblemTypes.path}{status}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if (request_id := current_request_id()) is not None:
        body["request_id"] = request_id
    return json.dumps(body).encode()


def problem_response(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    return Response(
        problem_body(status, detail, extra),
        status_code=status,
        headers=dict(headers or {}),
        media_type=PROBLEM_JSON,
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` a problem+json."""

    @app.exception_handler(Problem)
    def _problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_allowed_methods(app, request))
            detail = f"{request.method} is not allowed here; allowed: {allowed}."
            return problem_response(405, detail, headers={**headers, "Allow": allowed})
        if error.status_code == HTTPStatus.NOT_FOUND and error.detail == "Not Found":
            return problem_response(404, "There is nothing at this address.", headers=headers)
        return problem_response(error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    def _validation(_: Request, error: RequestValidationError) -> Response:
        errors = [_field_error(e) for e in error.errors()]
        detail = " ".join(f"{e['field']}: {e['message']}." for e in errors)
        return problem_response(422, detail, extra={"errors": errors})

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> Response:
        logger.error("unexpected error", exc_info=error, extra={"path": request.url.path})
        return problem_response(500, "The service failed to answer; it has been logged.")


def _field_error(error: Mapping[str, Any]) -> dict[str, str]:
    location: Sequence[object] = error["loc"]
    field = ".".join(str(part) for part in location[1:]) or str(location[0])
    return {"field": field, "message": str(error["msg"]).removeprefix("Value error, ").rstrip(".")}


def _flat(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes, with those of included routers."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from _flat(included.routes)


def _allowed_methods(app: FastAPI, request: Request) -> list[str]:
    """All methods of all routes at this path (Starlette names only the first route's)."""
    methods: set[str] = set()
    for route in _flat(app.router.routes):
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            methods |= set(getattr(route, "methods", None) or ())
    return sorted(methods)
