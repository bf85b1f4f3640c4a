"""A table of messages, and a broker that is a list and can be made to fail."""

from collections.abc import Sequence
from uuid import UUID

from confluent_kafka import KafkaError
from sqlalchemy import MetaData, select

from shared.database import Database
from shared.kafka.producer import Outgoing
from shared.messages import ImageDeleted
from shared.outbox import Outbox, outbox_table

METADATA = MetaData()
TABLE = outbox_table(METADATA)
TIMED_OUT = KafkaError._MSG_TIMED_OUT
TOO_LARGE = KafkaError.MSG_SIZE_TOO_LARGE


class Broker:
    """Keeps the messages, unless ``errors`` has an error code for the topic."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        self.messages: list[Outgoing] = []

    def publish(self, messages: Sequence[Outgoing]) -> list[KafkaError | None]:
        outcomes = []
        for message in messages:
            code = self.errors.get(message.topic)
            if code is None:
                self.messages.append(message)
            outcomes.append(None if code is None else KafkaError(code))
        return outcomes


def append(db: Database, outbox: Outbox, *uuids: UUID, topic: str = "images") -> None:
    with db.transaction() as session:
        for uuid in uuids:
            outbox.append(session, topic, ImageDeleted(uuid=uuid))


def unpublished(db: Database) -> int:
    with db.transaction() as session:
        return len(session.execute(select(TABLE.c.id).where(TABLE.c.published_at.is_(None))).all())
