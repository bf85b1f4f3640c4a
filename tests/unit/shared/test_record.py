"""A message as it is taken over: whatever its producer wrote into it."""

from datetime import UTC, datetime
from typing import cast

import pytest
from confluent_kafka import Message

from shared.kafka.record import Record
from tests.support.kafka_fakes import FakeMessage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def produced_at(milliseconds: int) -> datetime:
    class Stamped(FakeMessage):
        def timestamp(self) -> tuple[int, int]:
            return 1, milliseconds

    return Record.of(cast(Message, Stamped())).produced_at


def test_a_message_is_as_old_as_it_says() -> None:
    assert produced_at(1_767_225_600_500) == datetime(2026, 1, 1, 0, 0, 0, 500_000, UTC)


@pytest.mark.parametrize("milliseconds", [4_102_444_800_000, 1_700_000_000_000_000, 2**63 - 1])
def test_a_clock_that_is_ahead_is_not_believed(milliseconds: int) -> None:
    before = datetime.now(UTC)
    assert before <= produced_at(milliseconds) <= datetime.now(UTC)


@pytest.mark.parametrize("milliseconds", [0, -1, -(2**63)])
def test_one_without_a_time_is_old(milliseconds: int) -> None:
    assert produced_at(milliseconds) == EPOCH
