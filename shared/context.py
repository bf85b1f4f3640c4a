"""The request id: one value that follows a piece of work through every service.

It enters at the gateway (or at whichever service is called first), travels as the HTTP header
``X-Request-ID`` and as the message header ``request_id``, and is part of every log line.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST_ID_HEADER = "x-request-id"

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
# What a client may choose itself: nothing that could forge a log line or a header.
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}")


def current_request_id() -> str | None:
    return _request_id.get()


def new_request_id() -> str:
    return uuid.uuid4().hex


def accept_request_id(value: str | None) -> str:
    """The caller's id when it is harmless, else a new one."""
    return value if value is not None and _ACCEPTED.fullmatch(value) else new_request_id()


@contextmanager
def request_context(request_id: str | None) -> Iterator[str]:
    """Everything inside runs under this request id."""
    accepted = accept_request_id(request_id)
    token = _request_id.set(accepted)
    try:
        yield accepted
    finally:
        _request_id.reset(token)
