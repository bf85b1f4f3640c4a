"""Batches in the consumer loop, on a fake client and clock."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from shared.failures import PermanentFailure
from shared.kafka.codec import Received
from shared.kafka.processing import Handlers
from shared.messages import ImageDeleted
from tests.support.kafka_fakes import (
    FakeClient,
    FakeDeadLetters,
    FakeMessage,
    build_loop,
    deleted,
    messages,
)


def test_what_waits_is_handled_together_and_what_comes_alone_at_once() -> None:
    client = FakeClient(messages(1))
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        if len(sizes) == 1:
            client.waiting.extend(FakeMessage(0, 1 + n) for n in range(10))
        return len(batch)

    loop = build_loop(client, lambda _: None, handlers={ImageDeleted: handler})
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

    loop = build_loop(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 20)
    assert sizes == [7, 7, 1, 1, 1, 1, 1, 1]


def test_what_a_handler_leaves_of_a_batch_is_given_to_it_again() -> None:
    client = FakeClient(messages(10))
    seen: list[bytes] = []

    def handler(batch: Sequence[Received]) -> int:
        seen.extend(deleted(received.body.uuid) for received in batch[:3])
        return min(3, len(batch))

    wanted = [message.value() for message in client.waiting]
    loop = build_loop(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 10)
    assert seen == wanted


def test_a_batch_that_fails_is_handled_one_by_one_and_only_the_guilty_is_judged() -> None:
    client, letters = FakeClient(messages(6)), FakeDeadLetters()
    guilty = client.waiting[2].value()
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        if guilty in [deleted(received.body.uuid) for received in batch]:
            raise PermanentFailure("never")
        return len(batch)

    loop = build_loop(client, lambda _: None, letters, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed.get(0) == 6)
    assert [letter.offset for letter, _ in letters.written] == [2]
    assert sizes == [6, 1, 1, 1, 1, 1, 1]


def test_an_unknown_type_is_ignored_and_does_not_part_a_batch() -> None:
    newer = [("message_type", b"IMAGE_EATEN"), ("version", b"1.0.0")]
    sent = [FakeMessage(0, 0), FakeMessage(0, 1, headers=[*newer]), FakeMessage(0, 2)]
    client, letters = FakeClient(sent), FakeDeadLetters()
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        return len(batch)

    group = f"unknown-{uuid4()}"
    handlers: Handlers = {ImageDeleted: handler}
    loop = build_loop(client, lambda _: None, letters, handlers=handlers, group=group)
    client.run(loop, lambda: client.committed.get(0) == 3)
    assert (sizes, letters.written) == ([2], [])
    counted = {"group": group, "message_type": "unknown", "outcome": "ignored"}
    assert REGISTRY.get_sample_value("consumer_messages_total", counted) == 1


def test_partitions_share_a_batch_within_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.partition.BATCH_MESSAGES", 5)
    client = FakeClient(
        [FakeMessage(number, n) for number in range(3) for n in range(2)], partitions=3
    )
    sizes: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        sizes.append(len(batch))
        return len(batch)

    loop = build_loop(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed == {0: 2, 1: 2, 2: 2})
    assert sorted(sizes) == [2, 4]


def test_a_bad_message_costs_the_other_partitions_of_its_batch_nothing() -> None:
    sent = [FakeMessage(number, n) for number in range(3) for n in range(3)]
    client, letters = FakeClient(sent, partitions=3), FakeDeadLetters()
    guilty = sent[4].value()
    seen: dict[int, list[bytes]] = {1: [], 9: []}

    def handler(batch: Sequence[Received]) -> int:
        bodies = [deleted(received.body.uuid) for received in batch]
        seen[len(batch)] += bodies
        if guilty in bodies:
            raise PermanentFailure("never")
        return len(batch)

    wanted = [[m.value() for m in sent if m.partition() == number] for number in range(3)]
    loop = build_loop(client, lambda _: None, letters, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed == {0: 3, 1: 3, 2: 3})
    assert [(letter.partition, letter.offset) for letter, _ in letters.written] == [(1, 1)]
    for bodies in wanted:
        assert [body for body in seen[1] if body in bodies] == bodies, "in order, each by itself"


def test_what_a_handler_leaves_is_counted_over_the_partitions() -> None:
    sent = [FakeMessage(number, n) for number in range(3) for n in range(3)]
    client = FakeClient(sent, partitions=3)
    done: list[bytes] = []

    def handler(batch: Sequence[Received]) -> int:
        done.extend(deleted(received.body.uuid) for received in batch[:4])
        return min(4, len(batch))

    loop = build_loop(client, lambda _: None, handlers={ImageDeleted: handler})
    client.run(loop, lambda: client.committed == {0: 3, 1: 3, 2: 3})
    assert sorted(done) == sorted(message.value() for message in sent), "each once"
