"""The consumer loop on a fake client and clock; its workers are real threads."""

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.failures import PermanentFailure, TransientFailure
from shared.kafka.codec import Received
from shared.kafka.consumer import ConsumerLoop, State
from shared.kafka.partition import BUFFER_HIGH, Partition
from shared.kafka.processing import Handlers
from shared.kafka.record import Record
from shared.messages import ImageDeleted
from tests.support.kafka_fakes import (
    TOPIC,
    FakeClient,
    FakeMessage,
    deleted,
    one_by_one,
    record,
)


class Letters:
    """A dead-letter topic that refuses the first ``down`` letters."""

    def __init__(self, down: int = 0) -> None:
        self.down = down
        self.written: list[tuple[Record, str]] = []

    def write(self, record: Record, reason: str) -> None:
        if self.down:
            self.down -= 1
            raise TransientFailure("the broker is away")
        self.written.append((record, reason))


def build(
    client: FakeClient,
    handler: Callable[[Received], None],
    letters: Letters | None = None,
    *,
    workers: int = 1,
    most: int = 20,
    handlers: Handlers | None = None,
    group: str = "group",
) -> ConsumerLoop:
    return ConsumerLoop(
        client,
        group=group,
        topics=[TOPIC],
        handlers={ImageDeleted: one_by_one(handler)} if handlers is None else handlers,
        dead_letters=letters or Letters(),
        workers=workers,
        max_consecutive_failures=most,
        clock=client.clock,
        jitter=lambda: 1.0,
    )


def messages(count: int, partition: int = 0) -> list[FakeMessage]:
    return [FakeMessage(partition, offset) for offset in range(count)]


def fail(error: Exception) -> None:
    raise error


def test_an_offset_is_committed_after_its_message_was_handled() -> None:
    client = FakeClient(messages(3))
    committed_before: list[int] = []
    loop = build(client, lambda _: committed_before.append(client.committed.get(0, 0)))
    client.run(loop, lambda: client.committed.get(0) == 3)
    assert all(before <= handled for handled, before in enumerate(committed_before))
    assert client.closed
    assert loop.health().state is State.STOPPED


def test_a_transient_failure_is_tried_again_ever_later_and_holds_up_only_its_partition() -> None:
    client = FakeClient([*messages(2), *messages(2, partition=1)], partitions=2, tick=0.1)
    attempts: list[float] = []
    first = client.waiting[0].value()
    order: list[bytes] = []

    def handler(received: Received) -> None:
        body = str(received.body.uuid).encode()
        if body in first and len(attempts) < 8:
            attempts.append(client.now)
            raise TransientFailure("down")
        order.append(body)

    loop = build(client, handler, workers=2)
    client.run(loop, lambda: client.committed == {0: 2, 1: 2})
    waits = [later - earlier for earlier, later in pairwise(attempts)]
    for wait, least in zip(waits, [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], strict=True):
        assert wait >= least - 0.01
    assert [body in first for body in order] == [False, False, True, False]
    assert loop.health().retries == 8


def test_what_is_back_for_one_message_is_tried_at_once_by_all_that_wait() -> None:
    client = FakeClient(messages(1, partition=1), partitions=2, tick=0)
    other, waiting = FakeMessage(0, 0), client.waiting[0].value()
    tries: dict[bool, int] = {True: 0, False: 0}
    back = threading.Event()

    def handler(received: Received) -> None:
        waits = str(received.body.uuid).encode() in waiting
        tries[waits] += 1
        if waits and tries[waits] == 4:
            client.waiting.append(other)
        if not waits and tries[waits] == 2:
            back.set()
        if not back.is_set():
            raise TransientFailure("down")

    def until() -> bool:
        if not back.is_set() and loop.health().in_flight == 0:
            client.now += 0.4  # once it is back the clock stands still, and no pause ends by itself
        return tries[True] == 5

    loop = build(client, handler)
    client.run(loop, until)
    assert client.committed == {0: 1, 1: 1}


def test_a_permanent_failure_is_dead_lettered_as_it_was_and_committed() -> None:
    client, letters = FakeClient([FakeMessage(value=b"{"), FakeMessage(offset=1)]), Letters()
    loop = build(client, lambda _: fail(PermanentFailure("never")), letters)
    client.run(loop, lambda: client.committed.get(0) == 2)
    (undecodable, why), (refused, reason) = letters.written
    assert (undecodable.value, undecodable.offset, refused.offset) == (b"{", 0, 1)
    assert "Invalid JSON" in why
    assert reason == "never"
    assert loop.health().dead_letters == 2


def test_an_unexpected_error_is_tried_five_times_whatever_failed_before() -> None:
    client, letters = FakeClient(messages(1), tick=10), Letters()
    tries: list[int] = []

    def handler(_: Received) -> None:
        tries.append(1)
        raise TransientFailure("down") if len(tries) <= 7 else ZeroDivisionError

    loop = build(client, handler, letters)
    client.run(loop, lambda: client.committed.get(0) == 1)
    assert len(tries) == 7 + 5
    assert letters.written[0][1] == "unexpected ZeroDivisionError"


def test_nothing_is_committed_while_the_dead_letter_is_not_taken() -> None:
    client, letters = FakeClient(messages(1), tick=10), Letters(down=3)
    loop = build(client, lambda _: fail(PermanentFailure("never")), letters)
    client.run(loop, lambda: client.committed.get(0) == 1)
    assert letters.down == 0
    assert loop.health().retries == 3


def test_a_run_of_dead_letters_halts_the_consumer_with_the_last_uncommitted() -> None:
    client, letters = FakeClient(messages(10), tick=10), Letters()
    loop = build(client, lambda _: fail(PermanentFailure("bad deploy")), letters, most=4)
    client.run(loop, lambda: False)
    assert len(letters.written) == 3
    assert client.committed == {0: 3}
    health = loop.health()
    assert (health.state, health.reason) == (
        State.HALTED,
        "4 messages in a row failed; last: bad deploy",
    )


def test_a_halted_consumer_starts_nothing_more() -> None:
    client, letters = FakeClient([*messages(5), *messages(5, 1)], partitions=2, tick=10), Letters()
    handled: list[int] = []

    def handler(_: Received) -> None:
        handled.append(1)
        raise PermanentFailure("bad deploy")

    loop = build(client, handler, letters, most=2)
    client.run(loop, lambda: False)
    assert loop.health().state is State.HALTED
    assert len(handled) == 2


def test_what_is_ignored_does_not_end_a_run_of_dead_letters() -> None:
    other = [("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")]
    value = b'{"uuid": "%s", "url": "https://a.test/1.png", "filename": "1.png"}' % (
        str(uuid4()).encode()
    )
    sent = [
        FakeMessage(offset=n, value=value, headers=[*other]) if n % 2 else FakeMessage(offset=n)
        for n in range(10)
    ]
    client, letters = FakeClient(sent, tick=10), Letters()
    loop = build(client, lambda _: fail(PermanentFailure("bad deploy")), letters, most=3)
    client.run(loop, lambda: False)
    assert loop.health().state is State.HALTED
    assert [letter.offset for letter, _ in letters.written] == [0, 2]
    assert client.committed == {0: 4}


def test_what_is_counted_is_there_to_be_seen_from_the_start() -> None:
    client, letters = FakeClient(messages(2), tick=10), Letters(down=3)
    group = f"counted-{uuid4()}"
    loop = build(client, lambda _: fail(PermanentFailure("never")), letters, group=group)
    names = ["consumer_retries_total", "consumer_dead_letters_total"]
    names += ["consumer_in_flight_messages", "consumer_lag_messages"]
    assert [REGISTRY.get_sample_value(name, {"group": group}) for name in names] == [0, 0, 0, 0]
    client.run(loop, lambda: client.committed.get(0) == 2)
    assert [REGISTRY.get_sample_value(name, {"group": group}) for name in names[:3]] == [3, 2, 0]
    assert (loop.health().retries, loop.health().dead_letters) == (3, 2)


def test_a_success_ends_a_run_of_dead_letters() -> None:
    client, letters = FakeClient(messages(9), tick=10), Letters()
    seen: list[int] = []

    def handler(_: Received) -> None:
        seen.append(1)
        if len(seen) % 3:
            raise PermanentFailure("two of three")

    loop = build(client, handler, letters, most=3)
    client.run(loop, lambda: client.committed.get(0) == 9)
    assert len(letters.written) == 6
    assert loop.health().state is State.STOPPED


def test_a_type_without_a_handler_is_someone_elses() -> None:
    client, letters = FakeClient(messages(2)), Letters()
    loop = build(client, lambda _: None, letters, handlers={})
    client.run(loop, lambda: client.committed.get(0) == 2)
    assert letters.written == []


def test_a_full_partition_is_paused_and_goes_on_later_in_order() -> None:
    count = BUFFER_HIGH * 2
    client = FakeClient(messages(count))
    wanted = [message.value() for message in client.waiting]
    handled: list[bytes] = []
    loop = build(client, lambda r: handled.append(deleted(r.body.uuid)))
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
    loop = build(client, lambda _: None)
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


# Batches.


def test_what_waits_is_handled_together_and_what_comes_alone_at_once() -> None:
    client = FakeClient(messages(1))
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        if len(sizes) == 1:
            client.waiting.extend(FakeMessage(0, 1 + n) for n in range(10))
        return len(batch)

    loop = build(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 11)
    assert sizes == [1, 10]


def test_a_batch_is_bounded_in_number_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.partition.BATCH_MESSAGES", 7)
    client = FakeClient(messages(20))
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        if len(sizes) == 2:
            monkeypatch.setattr("shared.kafka.partition.BATCH_BYTES", 1)
        return len(batch)

    loop = build(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 20)
    assert sizes == [7, 7, 1, 1, 1, 1, 1, 1]


def test_what_a_handler_leaves_of_a_batch_is_given_to_it_again() -> None:
    client = FakeClient(messages(10))
    seen: list[bytes] = []

    def handler(batch: Sequence[Received]) -> int:
        seen.extend(deleted(received.body.uuid) for received in batch[:3])
        return min(3, len(batch))

    wanted = [message.value() for message in client.waiting]
    loop = build(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 10)
    assert seen == wanted


def test_a_batch_that_fails_is_handled_one_by_one_and_only_the_guilty_is_judged() -> None:
    client, letters = FakeClient(messages(6)), Letters()
    guilty = client.waiting[2].value()
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        if guilty in [deleted(received.body.uuid) for received in batch]:
            raise PermanentFailure("never")
        return len(batch)

    loop = build(client, lambda _: None, letters, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 6)
    assert [letter.offset for letter, _ in letters.written] == [2]
    assert sizes == [6, 1, 1, 1, 1, 1, 1]


def test_an_unknown_type_is_ignored_and_does_not_part_a_batch() -> None:
    newer = [("message_type", b"IMAGE_EATEN"), ("version", b"1.0.0")]
    sent = [FakeMessage(0, 0), FakeMessage(0, 1, headers=[*newer]), FakeMessage(0, 2)]
    client, letters = FakeClient(sent), Letters()
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        return len(batch)

    group = f"unknown-{uuid4()}"
    handlers: Handlers = {ImageDeleted: handler}
    loop = build(client, lambda _: None, letters, handlers=handlers, group=group)
    client.run(loop, lambda: client.committed.get(0) == 3)
    assert (sizes, letters.written) == ([2], [])
    counted = {"group": group, "message_type": "unknown", "outcome": "ignored"}
    assert REGISTRY.get_sample_value("consumer_messages_total", counted) == 1


def test_partitions_take_turns() -> None:
    client = FakeClient([*messages(50), FakeMessage(1, 0)], partitions=2)
    other = client.waiting[-1].value()
    order: list[bool] = []
    loop = build(client, lambda r: order.append(deleted(r.body.uuid) == other))
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

    loop = build(client, handler)
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

    loop = build(client, handler)
    client.events.extend([lambda: None, lose])
    client.run(loop, lambda: True)
    assert client.commits == []


def test_a_stop_waits_for_the_work_in_flight_and_commits_it_alone() -> None:
    client = FakeClient(messages(5))
    started, let_go = threading.Event(), threading.Event()

    def handler(_: Received) -> None:
        started.set()
        assert let_go.wait(10)

    loop = build(client, handler)

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
    client.run(build(client, lambda _: None), lambda: True)
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
    loop = build(client, lambda _: None)
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
        client.run(build(client, lambda _: None), lambda: False)
    assert client.closed


def test_the_health_tells_how_far_behind_it_is() -> None:
    client = FakeClient(messages(10))
    loop = build(client, lambda _: None)
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
    client, letters = FakeClient(list(todo), partitions=3, tick=100), Letters(down=1)
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

    loop = build(client, handler, letters, workers=workers, most=1000)
    finished = {partition: count for partition, count in counts.items() if count}
    client.run(loop, lambda: client.committed == finished)
    dead = [(r.partition, r.offset) for r, _ in letters.written]
    assert sorted(ended + dead) == sorted(places.values())
    for order in (ended, dead):
        for partition in counts:
            offsets = [offset for number, offset in order if number == partition]
            assert offsets == sorted(offsets)
