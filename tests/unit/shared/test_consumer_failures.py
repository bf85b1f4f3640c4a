"""What the consumer loop does with messages that fail, on a fake client and clock."""

import threading
from itertools import pairwise
from uuid import uuid4

from prometheus_client import REGISTRY

from shared.failures import PermanentFailure, TransientFailure
from shared.kafka.codec import Received
from shared.kafka.consumer import State
from tests.support.kafka_fakes import (
    FakeClient,
    FakeDeadLetters,
    FakeMessage,
    build_loop,
    fail,
    messages,
)


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

    loop = build_loop(client, handler, workers=2)
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

    loop = build_loop(client, handler)
    client.run(loop, until)
    assert client.committed == {0: 1, 1: 1}


def test_a_permanent_failure_is_dead_lettered_as_it_was_and_committed() -> None:
    client, letters = (
        FakeClient([FakeMessage(value=b"{"), FakeMessage(offset=1)]),
        FakeDeadLetters(),
    )
    loop = build_loop(client, lambda _: fail(PermanentFailure("never")), letters)
    client.run(loop, lambda: client.committed.get(0) == 2)
    (undecodable, why), (refused, reason) = letters.written
    assert (undecodable.value, undecodable.offset, refused.offset) == (b"{", 0, 1)
    assert "Invalid JSON" in why
    assert reason == "never"
    assert loop.health().dead_letters == 2


def test_an_unexpected_error_is_tried_five_times_whatever_failed_before() -> None:
    client, letters = FakeClient(messages(1), tick=10), FakeDeadLetters()
    tries: list[int] = []

    def handler(_: Received) -> None:
        tries.append(1)
        raise TransientFailure("down") if len(tries) <= 7 else ZeroDivisionError

    loop = build_loop(client, handler, letters)
    client.run(loop, lambda: client.committed.get(0) == 1)
    assert len(tries) == 7 + 5
    assert letters.written[0][1] == "unexpected ZeroDivisionError"


def test_nothing_is_committed_while_the_dead_letter_is_not_taken() -> None:
    client, letters = FakeClient(messages(1), tick=10), FakeDeadLetters(down=3)
    loop = build_loop(client, lambda _: fail(PermanentFailure("never")), letters)
    client.run(loop, lambda: client.committed.get(0) == 1)
    assert letters.down == 0
    assert loop.health().retries == 3


def test_a_run_of_dead_letters_halts_the_consumer_with_the_last_uncommitted() -> None:
    client, letters = FakeClient(messages(10), tick=10), FakeDeadLetters()
    loop = build_loop(client, lambda _: fail(PermanentFailure("bad deploy")), letters, most=4)
    client.run(loop, lambda: False)
    assert len(letters.written) == 3
    assert client.committed == {0: 3}
    health = loop.health()
    assert (health.state, health.reason) == (
        State.HALTED,
        "4 messages in a row failed; last: bad deploy",
    )


def test_a_halted_consumer_starts_nothing_more() -> None:
    client, letters = (
        FakeClient([*messages(5), *messages(5, 1)], partitions=2, tick=10),
        FakeDeadLetters(),
    )
    handled: list[int] = []

    def handler(_: Received) -> None:
        handled.append(1)
        raise PermanentFailure("bad deploy")

    loop = build_loop(client, handler, letters, most=2)
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
    client, letters = FakeClient(sent, tick=10), FakeDeadLetters()
    loop = build_loop(client, lambda _: fail(PermanentFailure("bad deploy")), letters, most=3)
    client.run(loop, lambda: False)
    assert loop.health().state is State.HALTED
    assert [letter.offset for letter, _ in letters.written] == [0, 2]
    assert client.committed == {0: 4}


def test_what_is_counted_is_there_to_be_seen_from_the_start() -> None:
    client, letters = FakeClient(messages(2), tick=10), FakeDeadLetters(down=3)
    group = f"counted-{uuid4()}"
    loop = build_loop(client, lambda _: fail(PermanentFailure("never")), letters, group=group)
    names = ["consumer_retries_total", "consumer_dead_letters_total"]
    names += ["consumer_in_flight_messages", "consumer_lag_messages"]
    assert [REGISTRY.get_sample_value(name, {"group": group}) for name in names] == [0, 0, 0, 0]
    client.run(loop, lambda: client.committed.get(0) == 2)
    assert [REGISTRY.get_sample_value(name, {"group": group}) for name in names[:3]] == [3, 2, 0]
    assert (loop.health().retries, loop.health().dead_letters) == (3, 2)


def test_a_success_ends_a_run_of_dead_letters() -> None:
    client, letters = FakeClient(messages(9), tick=10), FakeDeadLetters()
    seen: list[int] = []

    def handler(_: Received) -> None:
        seen.append(1)
        if len(seen) % 3:
            raise PermanentFailure("two of three")

    loop = build_loop(client, handler, letters, most=3)
    client.run(loop, lambda: client.committed.get(0) == 9)
    assert len(letters.written) == 6
    assert loop.health().state is State.STOPPED
