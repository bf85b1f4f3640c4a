"""What a process has just committed is published from memory, without claiming its rows."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import event

from shared.database import Database
from shared.failures import TransientFailure
from shared.kafka.producer import Outgoing
from shared.outbox import Outbox
from shared.relay import Relay
from tests.integration.outbox.outboxes import TABLE, TIMED_OUT, Broker, append, unpublished


@pytest.fixture
def commits(db: Database) -> Iterator[list[int]]:
    """Grows with each transaction."""
    found: list[int] = []

    def note(_: object) -> None:
        found.append(1)

    event.listen(db.engine, "commit", note)
    yield found
    event.remove(db.engine, "commit", note)


def test_a_relay_s_own_transactions_are_no_use_of_the_service(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    """Otherwise scheduled jobs, which trigger sweeps, would run for ever."""
    relay = Relay(db, outbox, broker)
    append(db, outbox, uuid4())
    used: list[int] = []
    db.on_use = lambda: used.append(1)
    assert relay.publish_pending() == 1
    relay.health()
    assert used == []


def test_what_was_just_committed_is_published_unclaimed_and_marked_together(
    db: Database, outbox: Outbox, broker: Broker, commits: list[int]
) -> None:
    now = [100.0]
    relay = Relay(db, outbox, broker, clock=lambda: now[0])
    relay.publish_pending()
    append(db, outbox, uuid4())
    append(db, outbox, uuid4())
    commits.clear()
    assert relay._step() == 2
    assert commits == [], "neither claimed nor marked yet"
    assert unpublished(db) == 2
    now[0] += 0.2
    commits.clear()
    relay._step()
    assert len(commits) == 1
    assert unpublished(db) == 0
    assert relay._pause() is None, "nothing is left to do, and nothing will be asked"


def test_rows_behind_another_process_are_left_for_the_sweep(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    uuid, other = uuid4(), Outbox(TABLE)
    first, second = Relay(db, outbox, broker), Relay(db, other, broker)
    second.publish_pending()
    append(db, outbox, uuid, topic="first")
    append(db, other, uuid, topic="second")
    assert second.publish_pending() == 0, "the other process' row comes first"
    assert second._pause() is not None
    first.publish_pending()
    second.publish_pending()
    assert [message.topic for message in broker.messages] == ["first", "second"]


def test_a_row_waits_for_an_earlier_one_whose_end_is_not_known_yet(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    relay = Relay(db, outbox, broker)
    message = Outgoing("images", b"key", b"{}", [])
    owner = relay.owner
    assert owner is not None
    relay.expect(owner, [(1, message), (2, message)])
    relay.settled([2], 1, committed=True)
    assert relay._take() == {}
    relay.settled([1], 1, committed=True)
    assert list(relay._take()) == [1, 2]


def test_after_a_failure_memory_is_given_up_and_the_sweep_publishes_in_order(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    relay, uuid = Relay(db, outbox, broker), uuid4()
    relay.publish_pending()
    former = relay.owner
    append(db, outbox, uuid, topic="first")
    broker.errors = {"first": TIMED_OUT}
    with pytest.raises(TransientFailure):
        relay._step()
    assert relay.owner != former
    append(db, outbox, uuid, topic="second")
    broker.errors = {}
    assert relay.publish_pending() == 2
    assert [message.topic for message in broker.messages] == ["first", "second"]


def test_a_relay_that_was_full_leaves_rows_for_the_sweep(
    db: Database, outbox: Outbox, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.MEMORY_ROWS", 0)
    relay = Relay(db, outbox, broker)
    relay.publish_pending()
    append(db, outbox, uuid4())
    assert relay.health().pending == 1
    assert relay.publish_pending() == 1
    assert relay.health().pending == 0


def test_a_relay_that_stops_leaves_no_claims(db: Database, outbox: Outbox, broker: Broker) -> None:
    relay = Relay(db, outbox, broker)
    relay.publish_pending()
    append(db, outbox, uuid4())
    relay.stop()
    append(db, outbox, uuid4())
    relay.run()
    assert broker.messages == []
    assert Relay(db, Outbox(TABLE), broker).publish_pending() == 2
