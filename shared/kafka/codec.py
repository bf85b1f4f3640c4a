"""Between a message as objects and a message as headers and bytes.

On the wire: headers ``message_type`` and ``version`` (required, once each, UTF-8), ``message_id``
and ``request_id`` (optional); key: the image's uuid as text; body: a JSON object.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from confluent_kafka import Message
from pydantic import ValidationError

from shared.failures import PermanentFailure
from shared.messages import BODIES, VERSION, Body

Headers = Sequence[tuple[str, bytes | str | None]]

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


def encode_headers(
    message_type: str, message_id: UUID, request_id: str | None
) -> list[tuple[str, bytes]]:
    headers = [
        ("message_type", message_type.encode()),
        ("version", VERSION.encode()),
        ("message_id", str(message_id).encode()),
    ]
    if request_id is not None:
        headers.append(("request_id", request_id.encode()))
    return headers


def decode(message: Message) -> Received:
    """Raises ``PermanentFailure`` with the reason when the message breaks the contract."""
    headers = header_list(message)
    message_type = _required(headers, "message_type")
    version = _required(headers, "version")
    body_class = BODIES.get(message_type)
    if body_class is None:
        raise PermanentFailure(f"unknown message_type {message_type!a}")
    if (match := _VERSION.fullmatch(version)) is None:
        raise PermanentFailure(f"version {version!a} is not major.minor.patch")
    if match[1] != _MAJOR:
        raise PermanentFailure(f"version {version} is not understood; this is {VERSION}")
    try:
        body = body_class.model_validate_json(message.value() or b"")
    except ValidationError as error:
        raise PermanentFailure(f"body: {_sentence(error)}") from error
    return Received(
        body=body,
        version=version,
        message_id=_message_id(headers),
        request_id=_optional(headers, "request_id"),
        produced_at=datetime.fromtimestamp(max(message.timestamp()[1], 0) / 1000, UTC),
    )


def header_list(message: Message) -> list[tuple[str, bytes | str | None]]:
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else headers


def _values(headers: Headers, name: str) -> list[str]:
    values = [value for key, value in headers if key == name]
    try:
        return [v.decode() if isinstance(v, bytes) else (v or "") for v in values]
    except UnicodeDecodeError as error:
        raise PermanentFailure(f"header {name} is not UTF-8") from error


def _required(headers: Headers, name: str) -> str:
    values = _values(headers, name)
    if len(values) != 1:
        raise PermanentFailure(f"header {name} must be there once; it is there {len(values)} times")
    return values[0]


def _optional(headers: Headers, name: str) -> str | None:
    values = _values(headers, name)
    return values[0] if len(values) == 1 else None


def _message_id(headers: Headers) -> UUID | None:
    text = _optional(headers, "message_id")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise PermanentFailure("header message_id is not a UUID") from error


def _sentence(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False)
    )
