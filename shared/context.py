"""The request id: one value that follows a piece of work through every service.

It enters at the gateway (or at whichever service is called first), travels as the HTTP header
``X-Request-ID`` and as the message header ``request_id``, and is part of every log line.
"""

import re
from contextvars import ContextVar
from random import getrandbits

REQUEST_ID_HEADER = "x-request-id"

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
