from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError

from shared.failures import TransientFailure
from shared.kafka.deadletters import DeadLetterWriter, dead_letter_headers, original
from shared.kafka.producer import Outgoing
from shared.kafka.record import Record
from tests.support.kafka_fakes import GOOD_HEADERS, record


class Publisher:
    """Answers with these errors, one a message, then with success."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.sent: list[Outgoing] = []

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        self.sent.extend(messages)
        return [KafkaError(self.errors.pop(0)) if self.errors else None for _ in messages]


def write(publisher: Publisher, message: Record, reason: str = "why") -> Record:
    """The letter as somebody would read it from the dead-letter topic."""
    DeadLetterWriter(publisher, "letters", "group").write(message, reason)
    sent = publisher.sent[-1]
    return Record(sent.topic, 0, 0, sent.key, sent.value, tuple(sent.headers), message.produced_at)


def test_a_letter_is_the_original_and_says_where_it_stood_and_why() -> None:
    message = record(b"\xff\x00", offset=7)
    letter = write(Publisher(), message)
    assert (letter.topic, letter.key, letter.value) == ("letters", message.key, message.value)
    assert letter.headers is not None
    assert list(letter.headers[:2]) == GOOD_HEADERS
    assert dead_letter_headers(letter) == {
        "reason": "why",
        "group": "group",
        "topic": "images",
        "partition": "0",
        "offset": "7",
    }


def test_sent_back_it_is_what_it_was_even_after_two_deaths() -> None:
    message = record(b"{")
    first = write(Publisher(), message)
    second = write(Publisher(), first, "again")
    assert dead_letter_headers(second)["reason"] == "again"
    assert original(first) == Outgoing("images", message.key, message.value, GOOD_HEADERS)
    assert original(second).headers == GOOD_HEADERS


def test_one_too_large_for_the_topic_goes_without_its_body() -> None:
    publisher = Publisher(KafkaError.MSG_SIZE_TOO_LARGE)
    letter = write(publisher, record(b"x" * 100))
    assert len(publisher.sent) == 2
    assert letter.value is None
    with pytest.raises(ValueError, match="without the original's body"):
        original(letter)


def test_headers_that_cannot_be_read_are_said_to_be_missing() -> None:
    letter = write(Publisher(), record(b"x", headers=None))
    assert (letter.value, dead_letter_headers(letter)["without"]) == (b"x", "headers")
    with pytest.raises(ValueError, match="without the original's headers"):
        original(letter)


def test_a_letter_that_is_not_taken_is_a_transient_failure() -> None:
    with pytest.raises(TransientFailure, match="not taken"):
        write(Publisher(KafkaError._MSG_TIMED_OUT), record())


def test_a_long_reason_is_cut() -> None:
    assert len(dead_letter_headers(write(Publisher(), record(), "x" * 5000))["reason"]) == 1000


def test_a_message_that_came_into_the_topic_otherwise_is_not_sent_anywhere() -> None:
    with pytest.raises(ValueError, match="not a dead letter"):
        original(record())
