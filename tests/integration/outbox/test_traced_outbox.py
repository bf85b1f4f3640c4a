"""A message's place in a trace survives the outbox: crash, sweep by another process, repeat."""

from uuid import uuid4

from shared.context import Origin, continued
from shared.database import Database
from shared.kafka.tracing import traced_publisher
from shared.messages import ImageDeleted
from shared.outbox import Outbox
from shared.relay import Relay
from tests.integration.outbox.outboxes import Broker
from tests.support.recording import recorded_spans

PLACES = [f"00-{number:032x}-{number:016x}-01" for number in (1, 2)]


def append_two(db: Database, outbox: Outbox) -> None:
    """Two messages of different requests, in one transaction."""
    with db.transaction() as session:
        outbox.append(session, "images", ImageDeleted(uuid=uuid4()), Origin(None, PLACES[0]))
        with continued(Origin("request-17", PLACES[1])):
            outbox.append(session, "images", ImageDeleted(uuid=uuid4()))


def traces(broker: Broker) -> list[str]:
    """The trace of each message, in the order of the traces."""
    return sorted((dict(m.headers)["traceparent"] or b"").decode()[:35] for m in broker.messages)


def test_messages_keep_their_traces_on_every_way_through_the_outbox(
    db: Database, outbox: Outbox
) -> None:
    both = [place[:35] for place in PLACES]
    memory, swept, repeated = Broker(), Broker(), Broker()
    with recorded_spans() as spans:
        relay = Relay(db, outbox, traced_publisher(memory))
        append_two(db, outbox)
        assert relay.publish_pending() == 2

        relay.stop()  # it claims nothing any more: rows are left in the table
        append_two(db, outbox)
        assert Relay(db, outbox, traced_publisher(swept)).publish_pending() == 2

        with db.transaction() as session:
            assert outbox.rewind(session) == 4
        assert Relay(db, outbox, traced_publisher(repeated)).publish_pending() == 4

    assert (traces(memory), traces(swept)) == (both, both)
    assert traces(repeated) == sorted(both * 2)
    parents = [each.parent.span_id for each in spans.get_finished_spans() if each.parent]
    assert sorted(parents) == [1] * 4 + [2] * 4
