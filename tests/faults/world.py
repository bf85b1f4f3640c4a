"""The whole system on real parts, with the access that clients and the audit need."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.faults.clients import Clients
from tests.faults.ledger import Ledger
from tests.support.broker import Broker
from tests.support.cloudinary_server import CloudinaryServer
from tests.support.mailserver import MailServer
from tests.support.system import System, wait_for

SERVICES = ("upload", "dither", "notification")

# No sweep repairs anything: a message that the message path loses stays lost, and is found.
NO_SECOND_CHANCE = "3600"

_UNFINISHED = """
    SELECT (SELECT count(*) FROM upload.outbox WHERE published_at IS NULL)
         + (SELECT count(*) FROM dither.outbox WHERE published_at IS NULL)
         + (SELECT count(*) FROM upload.images WHERE status = 'uploaded')
         + (SELECT count(*) FROM upload.dithers WHERE status = 'queued')
         + (SELECT count(*) FROM dither.dithers WHERE status = 'queued')
         + (SELECT count(*) FROM upload.file_removals WHERE due_at <= now())
         + (SELECT count(*) FROM dither.file_removals WHERE due_at <= now())
         + (SELECT count(*) FROM notification.notifications WHERE status = 'pending')
         + (SELECT count(*) FROM upload.images u LEFT JOIN dither.images i ON i.uuid = u.uuid
              WHERE i.has_recipient IS NULL OR i.has_recipient AND NOT EXISTS
                (SELECT FROM notification.recipients r
                 WHERE r.image_uuid = u.uuid AND r.email IS NOT NULL))
         + (SELECT count(*) FROM dither.dithers d WHERE d.status = 'done' AND NOT EXISTS
              (SELECT FROM upload.dithers u WHERE u.dither_id = d.dither_id)
              AND EXISTS (SELECT FROM upload.images i WHERE i.uuid = d.image_uuid))
         + (SELECT count(*) FROM dither.dithers d JOIN notification.recipients r
              ON r.image_uuid = d.image_uuid AND r.email IS NOT NULL WHERE d.status = 'done'
              AND NOT EXISTS
                (SELECT FROM notification.notifications n WHERE n.dither_id = d.dither_id))
         + (SELECT count(*) FROM unnest(%s::uuid[]) AS gone WHERE NOT EXISTS
              (SELECT FROM dither.images i WHERE i.uuid = gone AND i.deleted_at IS NOT NULL)
              OR NOT EXISTS
              (SELECT FROM notification.recipients r
               WHERE r.image_uuid = gone AND r.deleted_at IS NOT NULL))
"""


class World:
    """``broker`` and the database at ``dsn`` are the caller's; the rest is the world's own."""

    def __init__(
        self,
        directory: Path,
        broker: Broker,
        dsn: str,
        environment: Mapping[str, str] | None = None,
        *,
        database_url: str | None = None,
    ) -> None:
        self.broker = broker
        self.dsn = dsn
        self.storage = CloudinaryServer()
        self.mail = MailServer(directory / "mails")
        self.ledger = Ledger()
        self.dead_letters = 0  # how many there must be in the end
        self.mails_repeated = 0  # how often a process died, perhaps during an SMTP dialogue
        self.storage.start()
        self.mail.start()
        self.system = System(
            directory,
            kafka_server=broker.bootstrap_servers,
            database_url=database_url or dsn,
            environment={
                **self.storage.environment(),
                "STORAGE_TIMEOUT_SECONDS": "3",
                "SMTP_HOST": self.mail.host,
                "SMTP_PORT": str(self.mail.port),
                "SMTP_SECURITY": "none",
                "SMTP_TIMEOUT_SECONDS": "5",
                "MAILS_PER_HOUR": "1000",
                "MAILS_PER_DAY": "100000",
                "MAILS_PER_HOUR_IN_ALL": "100000",
                "UNFINISHED_AFTER_SECONDS": NO_SECOND_CHANCE,
                "MAX_ATTEMPTS": "100",  # when a process is killed here, no image is to blame
                **(environment or {}),
            },
        )
        self.clients = Clients(self.system.url, self.ledger)

    def start(self) -> None:
        self.system.start()

    def stop(self) -> None:
        self.system.stop()
        self.mail.stop()
        self.storage.stop()

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Queries the database directly, even if the services use a pooler."""
        with (
            closing(psycopg2.connect(self.dsn, connect_timeout=10)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def unfinished(self) -> int:
        """The amount of unfinished work in all services, uploads and deletes included."""
        deleted = [promise.uuid for promise in self.ledger.promises.values() if promise.deleted]
        [(count,)] = self.query(_UNFINISHED, deleted)
        return int(count)

    def settle(self, seconds: float = 300.0) -> None:
        """Wait until every service is healthy and no work is left."""
        wait_for(lambda: self.unfinished() == 0, "end of all work", seconds=seconds)

    def revive(self, name: str, failpoint: str = "") -> None:
        """Start a service that has died or was stopped, with a failpoint armed or none."""
        child = self.system.child(name)
        child.environment = {**child.environment, "FAILPOINTS": failpoint}
        self.system.services.start(name)

    def healthy(self, name: str) -> bool:
        return self.system.child(name).health() in {"ok", "degraded"}


@contextmanager
def running(world: World) -> Iterator[World]:
    world.broker.create_topics(*world.system.names.values())
    try:
        world.start()
        yield world
    finally:
        world.stop()
