"""The consumer loop on a fake client and clock; its workers are real threads."""

import logging
import threading

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.failures import PermanentFailure, TransientFailure
from shared.kafka.codec import Received
from shared.kafka.consumer import State
from shared.kafka.partition import BUFFER_HIGH, Partition
from tests.support.kafka_fakes import (
    TOPIC,
    FakeClient,
    FakeDeadLetters,
    FakeMessage,
    build_loop,
    deleted,
    messages,
    record,
)


def test_an_offset_is_committed_after_its_message_was_handled() -> None:
    client = FakeClient(messages(3))
    committed_before: list[int] = []
    loop = build_loop(client, lambda _: committed_before.append(client.committed.get(0, 0)))
    client.run(loop, lambda: client.committed.get(0) == 3)
    assert all(before <= handled for handled, before in enumerate(committed_before))
    assert client.closed
    assert loop.health().state is State.STOPPED


def test_a_type_without_a_handler_is_someone_elses() -> None:
    client, letters = FakeClient(messages(2)), FakeDeadLetters()
    loop = build_loop(client, lambda _: None, letters, handlers={})
    client.run(loop, lambda: client.committed.get(0) == 2)
    assert letters.written == []


def test_a_full_partition_is_paused_and_goes_on_later_in_order() -> None:
    count = BUFFER_HIGH * 2
    client = FakeClient(messages(count))
    wanted = [message.value() for message in client.waiting]
    handled: list[bytes] = []
    loop = build_loop(client, lambda r: handled.append(deleted(r.body.uuid)))
    client.run(loop, lambda: client.committed.get(0) == count)
    assert handled == wanted
    assert client.pauses >= 1
    assert client.paused == set()


def test_a_partition_of_large_messages_is_paused_by_their_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.kafka.partition.BYTES_HIGH", 1000)
    monkeypatch.setattr("shared.kafka.partition.BYTES_LOW", 500)
    client = FakeClient(messages(150))
    loop = build_loop(client, lambda _: None)
    client.run(loop, lambda: client.committed.get(0) == 150)
    assert client.pauses >= 1
    assert client.paused == set()


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 20))
def test_a_partition_knows_how_many_bytes_wait(values: list[bytes], done: int) -> None:
    partition = Partition(TOPIC, 0)
    for value in values:
        partition.take(record(value))
    for _ in values[:done]:
        partition.advance()
    assert partition.bytes == sum(len(b"key") + len(value) for value in values[done:])


def test_partitions_take_turns() -> None:
    client = FakeClient([*messages(50), FakeMessage(1, 0)], partitions=2)
    other = client.waiting[-1].value()
    order: list[bool] = []
    loop = build_loop(client, lambda r: order.append(deleted(r.body.uuid) == other))
    client.run(loop, lambda: client.committed == {0: 50, 1: 1})
    assert order.index(True) <= 2


def test_revoked_partitions_finish_their_work_and_are_committed_before_they_go() -> None:
    client = FakeClient(messages(2))
    started, let_go = threading.Event(), threading.Event()

    def handler(_: Received) -> None:
        started.set()
        assert let_go.wait(10)

    def revoke() -> None:
        if not started.is_set():
            client.events.append(revoke)
            return
        threading.Timer(0.05, let_go.set).start()
        client.revoke(0)

    loop = build_loop(client, handler)
    client.events.extend([lambda: None, revoke])
    client.run(loop, lambda: True)
    assert client.commits == [({0: 1}, False)]


def test_what_was_lost_meanwhile_is_not_committed() -> None:
    client = FakeClient(messages(1))
    started, let_go = threading.Event(), threading.Event()

    def handler(_: Received) -> None:
        started.set()
        assert let_go.wait(10)

    def lose() -> None:
        if not started.is_set():
            client.events.append(lose)
            return
        client.lose(0)
        let_go.set()

    loop = build_loop(client, handler)
    client.events.extend([lambda: None, lose])
    client.run(loop, lambda: True)
    assert client.commits == []


def test_a_stop_waits_for_the_work_in_flight_and_commits_it_alone() -> None:
    client = FakeClient(messages(5))
    started, let_go = threading.Event(), threading.Event()

    def handler(_: Received) -> None:
        started.set()
        assert let_go.wait(10)

    loop = build_loop(client, handler)

    def stop() -> None:
        if not started.is_set():
            client.events.append(stop)
            return
        loop.stop()
        threading.Timer(0.05, let_go.set).start()

    client.events.extend([lambda: None, stop])
    client.run(loop, lambda: False)
    assert client.committed == {0: 1}
    assert client.closed


def test_a_client_that_does_not_close_does_not_hold_up_the_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shared.kafka.consumer.CLOSE_SECONDS", 0.01)
    client, gone = FakeClient([]), threading.Event()
    monkeypatch.setattr(client, "close", lambda: gone.wait(10))
    client.run(build_loop(client, lambda _: None), lambda: True)
    assert "the broker did not answer" in caplog.text
    gone.set()


def missing_topic() -> FakeMessage:
    error = KafkaError(
        KafkaError.UNKNOWN_TOPIC_OR_PART, "Subscribed topic not available: images: unknown"
    )
    return FakeMessage(error=error)


def test_a_missing_topic_is_said_once_and_forgotten_when_it_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = FakeClient([missing_topic(), missing_topic()])
    loop = build_loop(client, lambda _: None)
    reasons: list[str] = []

    def look() -> None:
        reasons.append(loop.health().reason)

    client.events.clear()
    client.events.extend([look, look, look, lambda: client.assign(0)])
    with caplog.at_level(logging.WARNING):
        client.run(loop, lambda: True)
    assert "images" in reasons[-1]
    assert sum("not available" in line.getMessage() for line in caplog.records) == 1
    assert loop.health().reason == ""


def test_a_fatal_error_ends_the_loop_and_closes_the_client() -> None:
    client = FakeClient([FakeMessage(error=KafkaError(KafkaError._FATAL, "fenced", fatal=True))])
    with pytest.raises(KafkaException):
        client.run(build_loop(client, lambda _: None), lambda: False)
    assert client.closed


def test_the_health_tells_how_far_behind_it_is() -> None:
    client = FakeClient(messages(10))
    loop = build_loop(client, lambda _: None)
    client.run(loop, lambda: client.committed.get(0) == 10 and loop.health().lag == 990)
    assert loop.health().retries == 0


@given(end=st.none() | st.integers(0, 100), taken=st.integers(0, 5), start=st.integers(0, 50))
def test_lag_is_never_less_than_what_waits_here(end: int | None, taken: int, start: int) -> None:
    partition = Partition(TOPIC, 0)
    partition.buffer.extend(record(offset=start + n) for n in range(taken))
    behind = partition.lag(end)
    assert behind >= taken
    if end is not None and taken and end > start + taken:
        assert behind == end - start


OUTCOMES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["done", "retry", "dead", "bug"])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(plan=OUTCOMES, workers=st.integers(1, 3))
def test_whatever_happens_each_message_ends_once_in_order(
    plan: list[tuple[int, str]], workers: int
) -> None:
    counts = {0: 0, 1: 0, 2: 0}
    todo: list[FakeMessage] = []
    fates: dict[bytes, str] = {}
    for partition, fate in plan:
        message = FakeMessage(partition, counts[partition])
        counts[partition] += 1
        todo.append(message)
        fates[message.value()] = fate
    places = {m.value(): (m.partition(), m.offset()) for m in todo}
    client, letters = FakeClient(list(todo), partitions=3, tick=100), FakeDeadLetters(down=1)
    lock, tried = threading.Lock(), dict.fromkeys(fates, 0)
    ended: list[tuple[int, int]] = []

    def handler(received: Received) -> None:
        value = deleted(received.body.uuid)
        with lock:
            tried[value] += 1
            if fates[value] == "dead":
                raise PermanentFailure("never")
            if fates[value] == "bug":
                raise ZeroDivisionError
            if fates[value] == "retry" and tried[value] < 3:
                raise TransientFailure("later")
            ended.append(places[value])

    loop = build_loop(client, handler, letters, workers=workers, most=1000)
    finished = {partition: count for partition, count in counts.items() if count}
    client.run(loop, lambda: client.committed == finished)
    dead = [(r.partition, r.offset) for r, _ in letters.written]
    assert sorted(ended + dead) == sorted(places.values())
    for order in (ended, dead):
        for partition in counts:
            offsets = [offset for number, offset in order if number == partition]
            assert offsets == sorted(offsets)
