"""What follows a piece of work through every service: a request id, and a place in a trace.

The request id enters at the gateway (or at whichever service is called first), travels as the HTTP
header ``X-Request-ID`` and as the message header ``request_id``, and is part of every log line. The
place in the trace is W3C's ``traceparent``, in HTTP and in messages; it exists only where traces
are recorded (``shared/tracing.py``).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits
from typing import NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

REQUEST_ID_HEADER = "x-request-id"
TRACEPARENT = "traceparent"

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
# Ids that a client may choose: no characters that could forge a log line or a header.
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")


def current_request_id() -> str | None:
    return _request_id.get()


def new_request_id() -> str:
    """A unique id; it is not a secret, so it need not be hard to guess."""
    return f"{getrandbits(128):032x}"


def accept_request_id(value: str | None) -> str:
    """The caller's id if it is valid, else a new one."""
    return value if value is not None and _ACCEPTED.fullmatch(value) else new_request_id()


class request_context:  # noqa: N801 - used as contextlib's functions are
    """Runs the block under this request id, or a new one; ``with … as`` gives the id.

    A class, because entering a generator costs several times as much and the gateway does it
    twice for each request.
    """

    __slots__ = ("_id", "_token")

    def __init__(self, request_id: str | None) -> None:
        self._id = accept_request_id(request_id)

    def __enter__(self) -> str:
        self._token = _request_id.set(self._id)
        return self._id

    def __exit__(self, *_: object) -> None:
        _request_id.reset(self._token)


class Origin(NamedTuple):
    """What a piece of work belongs to. It is stored with work that is done later."""

    request_id: str | None = None
    traceparent: str | None = None

    def columns(self) -> dict[str, str]:
        """The values for a row's columns ``request_id`` and ``traceparent``, without NULLs."""
        return {name: value for name, value in self._asdict().items() if value is not None}


_w3c = TraceContextTextMapPropagator()
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def current_origin() -> Origin:
    return Origin(_request_id.get(), current_traceparent())


def current_traceparent(context: Context | None = None) -> str | None:
    """The place in the trace now, or in ``context``."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier, context)
    return carrier.get(TRACEPARENT)


def current_trace_id() -> str | None:
    """The id of the trace that is being recorded; None if none is."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.trace_flags.sampled else None


def sampled_trace_id(traceparent: str | None) -> str | None:
    """The id of the trace, if it is being recorded."""
    if traceparent is None:
        return None
    _, trace_id, _, flags = traceparent.split("-")
    return trace_id if int(flags, 16) & 1 else None


def accept_traceparent(value: str | None) -> str | None:
    """Another program's place in a trace, if it is one."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None


def trace_context(traceparent: str | None) -> Context:
    return _w3c.extract({} if traceparent is None else {TRACEPARENT: traceparent}, Context())


@contextmanager
def continued(origin: Origin) -> Iterator[None]:
    """Runs the block as a part of that request and of its trace."""
    with request_context(origin.request_id):
        token = attach(trace_context(origin.traceparent))
        try:
            yield
        finally:
            detach(token)
