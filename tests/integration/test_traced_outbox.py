"""A message's place in a trace survives the outbox: crash, sweep by another process, repeat."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError
from pydantic import SecretStr
from sqlalchemy import MetaData

from shared.context import Origin, continued
from shared.database import Database
from shared.kafka.producer import Outgoing
from shared.kafka.tracing import traced_publisher
from shared.messages import ImageDeleted
from shared.outbox import Outbox, outbox_table
from shared.relay import Relay
from shared.settings import DatabaseSettings
from tests.support.recording import recorded_spans

METADATA = MetaData()
OUTBOX = Outbox(outbox_table(METADATA))
PLACES = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)]


class Broker:
    def __init__(self) -> None:
        self.messages: list[Outgoing] = []

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        self.messages += messages
        return [None] * len(messages)

    def traces(self) -> list[str]:
        """The trace of each message, in the order of the traces."""
        return sorted((dict(m.headers)["traceparent"] or b"").decode()[:35] for m in self.messages)


@pytest.fixture(scope="module")
def db(database: str) -> Iterator[Database]:
    connected = Database(DatabaseSettings(database_url=SecretStr(database)), "test")
    METADATA.create_all(connected.engine)
    yield connected
    connected.close()


def append(db: Database) -> None:
    """Two messages of different requests, in one transaction."""
    with db.transaction() as session:
        OUTBOX.append(session, "images", ImageDeleted(uuid=uuid4()), Origin(None, PLACES[0]))
        with continued(Origin("request-17", PLACES[1])):
            OUTBOX.append(session, "images", ImageDeleted(uuid=uuid4()))


def test_messages_keep_their_traces_on_every_way_through_the_outbox(db: Database) -> None:
    traces = [place[:35] for place in PLACES]
    memory, swept, repeated = Broker(), Broker(), Broker()
    with recorded_spans() as spans:
        relay = Relay(db, OUTBOX, traced_publisher(memory))
        append(db)
        assert relay.publish_pending() == 2

        relay.stop()  # it claims nothing any more: rows are left in the table
        append(db)
        assert Relay(db, OUTBOX, traced_publisher(swept)).publish_pending() == 2

        with db.transaction() as session:
            assert OUTBOX.rewind(session) == 4
        assert Relay(db, OUTBOX, traced_publisher(repeated)).publish_pending() == 4

    assert (memory.traces(), swept.traces()) == (traces, traces)
    assert repeated.traces() == sorted(traces * 2)
    parents = [each.parent.span_id for each in spans.get_finished_spans() if each.parent]
    assert sorted(parents) == [1] * 4 + [2] * 4
