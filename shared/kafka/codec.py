"""Convert between a message as objects and a message as headers and bytes.

On the wire: headers ``message_type`` and ``version`` (required, once each, UTF-8), ``message_id``,
``request_id`` and ``traceparent`` (optional); key: the image's uuid as text; body: a JSON object.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from shared.context import TRACEPARENT, Origin, accept_traceparent
from shared.failures import PermanentFailure
from shared.kafka.record import Headers, Record
from shared.messages import BODIES, VERSION, Body


class UnknownMessageType(PermanentFailure):
    """The type is not known here; perhaps the producer is a newer version."""


_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_MAJOR = VERSION.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Received:
    """A decoded message and where it came from."""

    body: Body
    version: str
    message_id: UUID | None
    request_id: str | None
    produced_at: datetime
    traceparent: str | None = None

    @property
    def origin(self) -> Origin:
        return Origin(self.request_id, self.traceparent)


def encode_headers(
    message_type: str, message_id: UUID, origin: Origin = Origin()
) -> list[tuple[str, bytes]]:
    headers = [
        ("message_type", message_type.encode()),
        ("version", VERSION.encode()),
        ("message_id", str(message_id).encode()),
    ]
    headers += [(name, value.encode()) for name, value in origin.columns().items()]
    return headers


def decode(record: Record) -> Received:
    """Raises ``PermanentFailure`` with the reason when the message breaks the contract.

    ``UnknownMessageType`` is raised if the type is not known here.
    """
    if record.headers is None:
        raise PermanentFailure("the name of a header is not UTF-8")
    message_type = _required(record.headers, "message_type")
    version = _required(record.headers, "version")
    body_class = BODIES.get(message_type)
    if not _TYPE.fullmatch(message_type):
        raise PermanentFailure(f"message_type {message_type!a} is not the name of a type")
    if body_class is None:
        raise UnknownMessageType(f"unknown message_type {message_type!a}")
    if (match := _VERSION.fullmatch(version)) is None:
        raise PermanentFailure(f"version {version!a} is not major.minor.patch")
    if match[1] != _MAJOR:
        raise PermanentFailure(f"version {version} is not understood; this is {VERSION}")
    try:
        body = body_class.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise PermanentFailure(f"body: {_sentence(error)}") from error
    return Received(
        body=body,
        version=version,
        message_id=_message_id(record.headers),
        request_id=_optional(record.headers, "request_id"),
        produced_at=record.produced_at,
        traceparent=accept_traceparent(_optional(record.headers, TRACEPARENT)),
    )


def _required(headers: Headers, name: str) -> str:
    values = [value for key, value in headers if key == name]
    if len(values) != 1:
        raise PermanentFailure(f"header {name} must be there once; it is there {len(values)} times")
    try:
        return (values[0] or b"").decode()
    except UnicodeDecodeError as error:
        raise PermanentFailure(f"header {name} is not UTF-8") from error


def _optional(headers: Headers, name: str) -> str | None:
    """Other producers may use these names differently: an unreadable header counts as missing."""
    values = [value for key, value in headers if key == name]
    if len(values) != 1 or values[0] is None:
        return None
    return values[0].decode(errors="replace")


def _message_id(headers: Headers) -> UUID | None:
    try:
        return UUID(_optional(headers, "message_id") or "")
    except ValueError:
        return None


def _sentence(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False)
    )
