"""The outbox on a real Postgres; the broker is a list that can be made to fail."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from confluent_kafka import KafkaError
from sqlalchemy import text, update

from shared.backoff import Backoff
from shared.context import request_context
from shared.database import Database, before_commit
from shared.failures import TransientFailure
from shared.kafka.producer import Outgoing
from shared.messages import DitherRequested, ImageDeleted
from shared.outbox import Outbox
from shared.relay import Relay
from tests.faults.scale import chosen_scale, chosen_seed
from tests.integration.outbox.outboxes import (
    TABLE,
    TIMED_OUT,
    TOO_LARGE,
    Broker,
    append,
    unpublished,
)


def test_a_message_is_published_as_it_was_appended_and_once(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    uuid = uuid4()
    with request_context("request-17"), db.transaction() as session:
        outbox.append(session, "images", ImageDeleted(uuid=uuid))
    relay = Relay(db, outbox, broker)
    assert (relay.publish_pending(), relay.publish_pending()) == (1, 0)
    [message] = broker.messages
    assert (message.topic, message.key) == ("images", str(uuid).encode())
    assert message.value == b'{"uuid":"%s"}' % str(uuid).encode()
    headers = dict(message.headers)
    UUID((headers.pop("message_id") or b"").decode())
    assert headers == {
        "message_type": b"IMAGE_DELETED",
        "version": b"1.1.0",
        "request_id": b"request-17",
    }


def test_what_was_rolled_back_was_never_there(db: Database, outbox: Outbox, broker: Broker) -> None:
    def change() -> None:
        with db.transaction() as session:
            outbox.append(session, "images", ImageDeleted(uuid=uuid4()))
            raise ZeroDivisionError

    relay = Relay(db, outbox, broker)
    with pytest.raises(ZeroDivisionError):
        change()
    assert relay.publish_pending() == 0


def test_a_broker_that_is_away_costs_no_message_and_no_claim(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    append(db, outbox, uuid4(), uuid4())
    broker.errors = {"images": TIMED_OUT}
    relay = Relay(db, outbox, broker)
    with pytest.raises(TransientFailure, match="did not take"):
        relay.publish_pending()
    broker.errors = {}
    assert relay.publish_pending() == 2


def test_what_the_broker_refuses_waits_and_does_not_hold_up_the_rest(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    append(db, outbox, uuid4(), topic="refused")
    append(db, outbox, uuid4())
    broker.errors = {"refused": TOO_LARGE}
    relay = Relay(db, outbox, broker)
    assert relay.publish_pending() == 1
    assert unpublished(db) == 1
    broker.errors = {}
    assert relay.publish_pending() == 0, "still claimed"
    expire_claims(db)
    assert relay.publish_pending() == 1


def expire_claims(db: Database) -> None:
    with db.transaction() as session:
        session.execute(update(TABLE).values(claimed_until=text("now() - interval '1 second'")))


def test_a_claim_keeps_others_away_until_it_runs_out(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    append(db, outbox, uuid4())
    dying = Relay(db, outbox, broker)
    assert len(dying._claim()[0]) == 1
    other = Relay(db, outbox, broker)
    assert other.publish_pending() == 0
    expire_claims(db)
    assert other.publish_pending() == 1


def test_messages_of_one_key_are_published_one_after_another_past_a_failure(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    uuid = uuid4()
    with db.transaction() as session:
        for channels in (2, 3, 4):
            body = DitherRequested(uuid=uuid, dither_id=uuid4(), channels=channels)
            outbox.append(session, "dithers", body)
    relay = Relay(db, outbox, broker)
    broker.errors = {"dithers": TIMED_OUT}
    with pytest.raises(TransientFailure):
        relay.publish_pending()
    broker.errors = {}
    assert relay.publish_pending() == 3
    values = [m.value or b"" for m in broker.messages]
    assert [v.find(b'"channels":%d' % n) > 0 for v, n in zip(values, (2, 3, 4), strict=True)]


def test_a_running_relay_is_woken_by_the_commit(
    db: Database, outbox: Outbox, broker: Broker
) -> None:
    relay = Relay(db, outbox, broker)
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        append(db, outbox, uuid4())
        deadline = time.monotonic() + 20
        while not broker.messages and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        relay.stop()
        thread.join(10)
    assert len(broker.messages) == 1
    assert not thread.is_alive()


def test_a_relay_survives_what_nobody_foresaw(
    db: Database, outbox: Outbox, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.BACKOFF", Backoff(first=0.01, most=0.01))
    publish, failed = broker.publish, threading.Event()

    def once(messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return publish(messages)

    monkeypatch.setattr(broker, "publish", once)
    relay = Relay(db, outbox, broker)
    append(db, outbox, uuid4())
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        assert failed.wait(20)
        expire_claims(db)
        deadline = time.monotonic() + 20
        while not broker.messages and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        relay.stop()
        thread.join(10)
    assert len(broker.messages) == 1


def test_health_rewind_and_purge(db: Database, outbox: Outbox, broker: Broker) -> None:
    append(db, outbox, uuid4(), uuid4())
    with db.transaction() as session:
        health = outbox.health(session)
    assert health.pending == 2
    assert health.age_seconds >= 0
    relay = Relay(db, outbox, broker)
    relay.publish_pending()
    with db.transaction() as session:
        assert outbox.health(session) == type(health)(0, 0.0)
        outbox.purge(session, timedelta(hours=1))
        assert outbox.rewind(session) == 2
    assert relay.publish_pending() == 2
    ids = [dict(m.headers)["message_id"] for m in broker.messages]
    assert len(set(ids)) == 2, "consumers know them by their ids"
    with db.transaction() as session:
        outbox.purge(session, timedelta(seconds=-1))
        assert outbox.rewind(session) == 0


MESSAGES_EACH, WRITERS = 10, 8
IMAGES = chosen_scale().outbox_rows // MESSAGES_EACH


@pytest.mark.timeout(3600)
def test_many_writers_and_two_relays_miss_nothing_and_keep_each_images_order(
    db: Database,
    outbox: Outbox,
    broker: Broker,
    record_property: Callable[[str, object], None],
) -> None:
    """Transactions stay open for random times, so ids are not committed in their order.

    Two processes, each with an outbox and a relay, append each image's messages in turns.
    """
    dice = random.Random(chosen_seed())
    uuids = [uuid4() for _ in range(IMAGES)]
    pauses = [dice.random() * 0.01 for _ in range(IMAGES)]
    outboxes = [outbox, Outbox(TABLE)]
    relays = [Relay(db, each, broker) for each in outboxes]
    threads = [threading.Thread(target=relay.run) for relay in relays]

    def write(number: int) -> None:
        for channels in range(2, 2 + MESSAGES_EACH):
            with db.transaction() as session:
                body = DitherRequested(uuid=uuids[number], dither_id=uuid4(), channels=channels)
                pause = pauses[(number + channels) % IMAGES]
                outboxes[channels * 2 // 5 % 2].append(session, "dithers", body)
                before_commit(session, lambda _, pause=pause: time.sleep(pause))  # type: ignore[misc]

    for thread in threads:
        thread.start()
    try:
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(write, range(IMAGES)))
        deadline = time.monotonic() + 60 + IMAGES / 10
        while unpublished(db) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        for relay in relays:
            relay.stop()
        for thread in threads:
            thread.join(10)
    orders: dict[bytes | None, list[int]] = defaultdict(list)
    for message in broker.messages:
        body = DitherRequested.model_validate_json(message.value or b"")
        orders[message.key].append(body.channels)
    record_property(
        "measured",
        f"{len(broker.messages)} messages of {IMAGES * MESSAGES_EACH} rows by {WRITERS} writers, "
        f"{len(orders)} images",
    )
    assert len(orders) == IMAGES
    assert all(order == list(range(2, 2 + MESSAGES_EACH)) for order in orders.values())
