"""The upload service: ``python -m upload_service.main [--only api|consumer]``."""

from shared.assembly import (
    Consumer,
    build_relay,
    build_sweeper,
    prepare_database,
    purge_task,
    run_service,
)
from shared.database import Database
from shared.http import create_app
from shared.logs import configure_logging
from shared.process import Runnable, parse_only
from shared.storage import build_storage
from shared.storage.observed import ObservedStorage
from shared.tracing import start_tracing
from upload_service.api import create_api
from upload_service.consumer import handlers
from upload_service.events import ImageEvents
from upload_service.inspector import Inspector
from upload_service.service import UploadService
from upload_service.settings import UploadSettings

NAME = "upload"


def run(settings: UploadSettings, *, with_api: bool, with_consumer: bool) -> None:
    """Build all parts of this service and run them until a signal ends the process."""
    database = Database(settings, NAME)
    storage = build_storage(settings, private_originals=not settings.is_open)
    inspector = Inspector(settings)
    inspector.start()
    observed = ObservedStorage(storage)
    service = UploadService(settings, database, observed, inspect=inspector)
    prepare_database(settings, database, "upload_service", service.outbox)

    consumer = Consumer(
        settings,
        NAME,
        [settings.kafka_dither_topic],
        handlers(service),
        writes=[settings.kafka_image_topic],
    )
    events = ImageEvents(
        service,
        poll_seconds=settings.event_poll_seconds,
        max_watchers=settings.max_event_streams,
    )
    relay = build_relay(NAME, settings, database, service.outbox)
    sweeper = build_sweeper(
        settings,
        database,
        [
            service.announce_task,
            service.forget_task,
            service.expire_task,
            service.removals.task(database, observed),
            purge_task(settings, database, service.inbox, service.outbox),
            relay.sweep_soon,
        ],
    )
    service.on_removal = sweeper.sweep_soon

    parts: dict[str, Runnable] = {"sweeper": sweeper}
    if with_api:
        parts["events"] = events
    run_service(
        NAME,
        settings,
        database,
        app=lambda health: (
            create_api(settings, service, storage, events, health)
            if with_api
            else create_app("Upload service", health, settings)
        ),
        parts=parts,
        consumer=consumer if with_consumer else None,
        relay=relay,
    )


def main() -> None:
    with_api, with_consumer = parse_only("upload_service")
    settings = UploadSettings.load()
    configure_logging(NAME, level=settings.log_level, log_format=settings.log_format)
    start_tracing(NAME, settings)
    run(settings, with_api=with_api, with_consumer=with_consumer)


if __name__ == "__main__":
    main()
