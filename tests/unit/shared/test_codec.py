from typing import cast
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Message

from shared.context import Origin
from shared.failures import PermanentFailure
from shared.kafka.codec import decode, encode_headers
from shared.kafka.record import Record
from shared.messages import ImageDeleted, ImageUploaded
from tests.support.kafka_fakes import GOOD_HEADERS, FakeMessage, deleted, record

UPLOADED: list[tuple[str, bytes | None]] = [
    ("message_type", b"IMAGE_UPLOADED"),
    ("version", b"1.0.0"),
]
TYPE, VERSION = GOOD_HEADERS


def test_a_message_with_the_two_headers_alone_is_valid() -> None:
    uuid = uuid4()
    received = decode(record(deleted(uuid)))
    assert received.body == ImageDeleted(uuid=uuid)
    assert (received.version, received.message_id, received.request_id) == ("1.0.0", None, None)


def test_what_is_encoded_is_decoded() -> None:
    message_id = uuid4()
    headers = encode_headers("IMAGE_DELETED", message_id, Origin("request-1"))
    received = decode(record(headers=[*headers]))
    assert (received.message_id, received.origin) == (message_id, Origin("request-1"))


def test_a_newer_minor_version_with_fields_unknown_here_is_read() -> None:
    value = b'{"uuid": "%s", "mood": {"of": "the day"}}' % str(uuid4()).encode()
    assert decode(record(value, headers=[TYPE, ("version", b"1.17.3")])).version == "1.17.3"


POISON: dict[str, tuple[Record, str]] = {
    "no headers": (record(headers=[]), "message_type must be there once; it is there 0 times"),
    "no message_type": (record(headers=[VERSION]), "message_type must be there once"),
    "no version": (record(headers=[TYPE]), "version must be there once"),
    "header twice": (record(headers=[TYPE, TYPE, VERSION]), "it is there 2 times"),
    "unknown type": (
        record(headers=[("message_type", b"IMAGE_EATEN"), VERSION]),
        "unknown message_type 'IMAGE_EATEN'",
    ),
    "null type": (
        record(headers=[("message_type", None), VERSION]),
        "message_type '' is not the name of a type",
    ),
    "major version": (
        record(headers=[TYPE, ("version", b"2.0.0")]),
        "version 2.0.0 is not understood",
    ),
    "no version number": (record(headers=[TYPE, ("version", b"abc")]), "not major.minor.patch"),
    "non-UTF-8 value": (record(headers=[("message_type", b"\xff"), VERSION]), "is not UTF-8"),
    "non-UTF-8 name": (record(headers=None), "the name of a header is not UTF-8"),
    "bad JSON": (record(b"{"), "body: JSON: Invalid JSON"),
    "not an object": (record(b"[]"), "body: JSON"),
    "empty body": (record(b""), "body: JSON"),
    "missing field": (
        record(b'{"uuid": "%s"}' % str(uuid4()).encode(), headers=UPLOADED),
        "url: Field required; filename: Field required",
    ),
    "1 MB body": (
        record(
            b'{"uuid": "%s", "url": "http://x/y", "filename": "%s"}'
            % (str(uuid4()).encode(), b"x" * 1_000_000),
            headers=UPLOADED,
        ),
        "filename: String should have at most 255",
    ),
    "control character": (
        record(
            b'{"uuid": "%s", "url": "http://x/y", "filename": "a\\r\\nBcc: b"}'
            % str(uuid4()).encode(),
            headers=UPLOADED,
        ),
        "filename: String should match",
    ),
}


@pytest.mark.parametrize("kind", POISON)
def test_poison_is_a_permanent_failure_that_says_why(kind: str) -> None:
    poison, reason = POISON[kind]
    with pytest.raises(PermanentFailure) as caught:
        decode(poison)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", [b"\xff", b"42", None], ids=["not UTF-8", "no UUID", "null"])
def test_an_optional_header_that_means_nothing_here_is_not_there(value: bytes | None) -> None:
    received = decode(record(headers=[TYPE, VERSION, ("message_id", value)]))
    assert received.message_id is None


def test_an_optional_header_that_is_there_twice_is_not_there() -> None:
    twice: list[tuple[str, bytes | None]] = [("message_id", str(uuid4()).encode())] * 2
    assert decode(record(headers=[TYPE, VERSION, *twice])).message_id is None


def test_all_fields_of_a_body_survive() -> None:
    body = ImageUploaded(
        uuid=UUID(int=1), url="https://x/y", filename="a b.png", email="a@b.c", options={"k": [1]}
    )
    encoded = body.model_dump_json(exclude_none=True).encode()
    assert decode(record(encoded, headers=UPLOADED)).body == body


class UnreadableHeaders(FakeMessage):
    """As confluent-kafka behaves for a name that is not UTF-8, but for the crash."""

    asked = 0

    def headers(self) -> list[tuple[str, bytes | None]]:
        self.asked += 1
        assert self.asked == 1, "the second time crashes the process"
        raise SystemError("returned a result with an exception set")


def test_headers_that_the_client_cannot_read_are_asked_for_once() -> None:
    message = UnreadableHeaders(3, 17)
    taken = Record.of(cast(Message, message))
    assert taken.headers is None
    assert taken.place == {"topic": "images", "partition": 3, "offset": 17}
    assert taken.value == message.value()
