"""How a service is put together: the parts that every service has besides its use cases."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial

from shared.database import Database
from shared.exposition import Metrics
from shared.failures import TransientFailure
from shared.health import Check, Health, Part, consumer_part
from shared.http import Asgi
from shared.inbox import Inbox
from shared.kafka.access import AccessError, check_access
from shared.kafka.brokers import Brokers
from shared.kafka.client import client_config, consumer_client
from shared.kafka.codec import Received
from shared.kafka.consumer import ConsumerLoop
from shared.kafka.deadletters import DeadLetterWriter
from shared.kafka.processing import Handler, Handlers
from shared.kafka.producer import LazyProducer
from shared.kafka.tracing import traced_publisher
from shared.messages import Body
from shared.outbox import Outbox
from shared.process import Runnable, Threads, serve, wait_until_ready
from shared.relay import Relay
from shared.schema import bring_up_to_date
from shared.settings import ServiceSettings
from shared.sweeper import Sweeper, Task

logger = logging.getLogger(__name__)

# An outbox message older than this means that the broker is not reachable.
OUTBOX_DEGRADED_SECONDS = 30.0


class Consumer:
    """A service's subscriptions; the loop of each can be rebuilt after a crash.

    Each topic has its own consumer group, and therefore its own loop: Kafka then shares every
    topic among the replicas. In a group with several topics, the sticky assignor would give a new
    replica whole topics, and so all of the work or none of it.

    patient: topics whose messages may come late, see ``consumer_client``.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        service: str,
        topics: Sequence[str],
        handlers: Handlers,
        writes: Sequence[str] = (),
        *,
        patient: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._service = service
        self._topics = list(topics)
        self._handlers = _at_most(settings.consumer_workers, handlers)
        self._writes = [*writes, settings.kafka_dead_letter_topic]
        self._patient = patient
        self._loops: dict[str, ConsumerLoop] = {}
        self._trouble: dict[str, str] = {}
        # Called when partitions are assigned: this process may have taken over another's work.
        self.on_assigned: Callable[[], None] = _nobody

    def factories(self) -> dict[str, Callable[[], ConsumerLoop]]:
        return {f"consumer of {topic}": partial(self._build, topic) for topic in self._topics}

    def health(self) -> Part:
        if self._trouble:
            return Part("down", {"detail": "; ".join(self._trouble.values())})
        if len(self._loops) < len(self._topics):
            return Part("degraded")
        return consumer_part(list(self._loops.values()))

    def _build(self, topic: str) -> ConsumerLoop:
        """Raises ``TransientFailure`` while the broker, a topic or a right is missing."""
        settings = self._settings
        name = f"{self._service}-{topic.removeprefix(settings.kafka_prefix)}"
        group = f"{settings.kafka_group_prefix}{name}"
        self._check(topic, group)
        letters = LazyProducer(client_config(settings, f"{name}-dead-letters"))
        brokers = Brokers()
        self._loops[topic] = ConsumerLoop(
            consumer_client(settings, name, brokers, patient=topic in self._patient),
            brokers=brokers,
            group=group,
            topics=[topic],
            handlers=self._handlers,
            dead_letters=DeadLetterWriter(letters, settings.kafka_dead_letter_topic, group),
            workers=settings.consumer_workers,
            max_consecutive_failures=settings.consumer_max_consecutive_failures,
            on_assigned=self.on_assigned,
        )
        return self._loops[topic]

    def _check(self, topic: str, group: str) -> None:
        """Log each missing topic or right once, by name; Kafka itself would report nothing."""
        settings = self._settings
        if settings.kafka_ephemeral:
            return  # it creates topics by itself and has no access control
        writes = self._writes if topic == self._topics[0] else []  # checked once
        try:
            check_access(settings, group=group, reads=[topic], writes=writes)
        except AccessError as error:
            if str(error) != self._trouble.get(topic):
                logger.critical("%s", error)
            self._trouble[topic] = str(error)
            raise TransientFailure("Kafka is not set up for this service") from error
        self._trouble.pop(topic, None)


def _nobody() -> None:
    """The default callback: does nothing."""


def _at_most(workers: int, handlers: Handlers) -> dict[type[Body], Handler]:
    """Limit the handlers that run at once to ``workers`` for all loops of the process together."""
    slots = threading.BoundedSemaphore(workers)

    def limited(handler: Handler) -> Handler:
        def handle(batch: Sequence[Received]) -> int:
            with slots:
                return handler(batch)

        return handle

    # A handler of several message types stays one handler: it takes all of them in one batch.
    known = {handler: limited(handler) for handler in set(handlers.values())}
    return {body: known[handler] for body, handler in handlers.items()}


def prepare_database(
    settings: ServiceSettings, database: Database, package: str, outbox: Outbox | None = None
) -> None:
    """Before a service starts: migrate its tables; republish the outbox to an in-memory broker."""

    def prepare() -> None:
        if settings.migrate_on_start:
            bring_up_to_date(database, package)
        if settings.kafka_ephemeral and outbox is not None:
            with database.transaction() as session:
                logger.info("publishing again", extra={"messages": outbox.rewind(session)})

    wait_until_ready(prepare, "the database")


def purge_task(
    settings: ServiceSettings, database: Database, inbox: Inbox, outbox: Outbox | None = None
) -> Task:
    """Deletes outbox and inbox rows that are older than their retention time."""
    retention = timedelta(seconds=settings.outbox_retention_seconds)

    def purge() -> None:
        with database.transaction() as session:
            inbox.purge(session)
            if outbox is not None:
                outbox.purge(session, retention)

    return purge


def build_sweeper(settings: ServiceSettings, database: Database, tasks: Sequence[Task]) -> Sweeper:
    """The sweeper for a service's scheduled jobs; it is told of each use of the database."""
    sweeper = Sweeper(
        tasks,
        interval_seconds=settings.sweep_interval_seconds,
        idle_seconds=settings.idle_sweep_interval_seconds,
    )
    database.on_use = sweeper.note_use
    return sweeper


def build_relay(name: str, settings: ServiceSettings, database: Database, outbox: Outbox) -> Relay:
    producer = LazyProducer(client_config(settings, f"{name}-relay"))
    return Relay(database, outbox, traced_publisher(producer))


def run_service(
    name: str,
    settings: ServiceSettings,
    database: Database,
    *,
    app: Callable[[Health], Asgi],
    parts: Mapping[str, Runnable],
    consumer: Consumer | None = None,
    relay: Relay | None = None,
    checks: Mapping[str, Check] | None = None,
) -> None:
    """Run a service until a signal ends it: its app, ``parts``, and the relay and the consumer.

    ``GET /health`` shows ``checks`` besides the checks of the parts that are run here.
    """
    asked: dict[str, Check] = {"database": lambda: _database_part(database), **(checks or {})}
    factories: dict[str, Callable[[], Runnable]] = {
        part_name: _always(part) for part_name, part in parts.items()
    }
    if relay is not None:
        asked["outbox"] = lambda: _outbox_part(relay)
        factories["relay"] = lambda: relay
    if consumer is not None:
        asked["consumer"] = consumer.health
        factories |= consumer.factories()
        if relay is not None:
            consumer.on_assigned = _both(consumer.on_assigned, relay.sweep_soon)
    try:
        health = Health(name, asked)
        Metrics(health.report).serve(settings)  # the report updates the outbox's metrics
        serve(app(health), settings, Threads(factories))
    finally:
        database.close()


def _database_part(database: Database) -> Part:
    database.check()
    return Part("ok")


def _outbox_part(relay: Relay) -> Part:
    health = relay.health()
    status = "ok" if health.age_seconds < OUTBOX_DEGRADED_SECONDS else "degraded"
    return Part(status, {"pending": health.pending, "age_seconds": round(health.age_seconds, 1)})


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call


def _always(part: Runnable) -> Callable[[], Runnable]:
    return lambda: part
