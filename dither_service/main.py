"""The dither service: ``python -m dither_service.main [--only api|consumer]``."""

from dither_service.api import create_api
from dither_service.consumer import handlers
from dither_service.pool import DitherPool
from dither_service.preview import Previews
from dither_service.service import DitherService
from dither_service.settings import DitherSettings
from dither_service.upload_client import UploadClient
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
from shared.principal import Principals
from shared.process import Runnable, parse_only
from shared.storage import build_storage
from shared.storage.observed import ObservedStorage
from shared.tracing import start_tracing

NAME = "dither"


def run(settings: DitherSettings, *, with_api: bool, with_consumer: bool) -> None:
    """Build all parts of this service and run them until a signal ends the process."""
    database = Database(settings, NAME)
    storage = ObservedStorage(build_storage(settings))
    uploads = UploadClient(
        settings.upload_service_url, settings.upload_service_timeout_seconds, Principals(settings)
    )
    pool = DitherPool(settings)
    pool.start()
    service = DitherService(settings, database, storage, uploads, pool)
    prepare_database(settings, database, "dither_service", service.outbox)

    topics = [settings.kafka_image_topic, settings.kafka_dither_topic]
    consumer = Consumer(
        settings,
        NAME,
        topics,
        handlers(service),
        writes=[settings.kafka_dither_topic],
        patient=[settings.kafka_dither_topic],  # requests seldom wait for their messages
    )
    relay = build_relay(NAME, settings, database, service.outbox)
    sweeper = build_sweeper(
        settings,
        database,
        [
            service.request_task,
            service.removals.task(database, storage),
            service.forget_deleted,
            purge_task(settings, database, service.inbox, service.outbox),
            relay.sweep_soon,
        ],
    )
    service.on_removal = sweeper.sweep_soon

    parts: dict[str, Runnable] = {"sweeper": sweeper}
    if with_consumer:
        parts["dispatcher"] = service.dispatcher
        service.works_here = True
        consumer.on_assigned = service.dispatcher.look_soon
    run_service(
        NAME,
        settings,
        database,
        app=lambda health: (
            create_api(settings, service, Previews(settings, pool), health)
            if with_api
            else create_app("Dither service", health, settings)
        ),
        parts=parts,
        consumer=consumer if with_consumer else None,
        relay=relay,
        checks={"dispatcher": service.dispatcher.health} if with_consumer else None,
    )


def main() -> None:
    with_api, with_consumer = parse_only("dither_service")
    settings = DitherSettings.load()
    configure_logging(NAME, level=settings.log_level, log_format=settings.log_format)
    start_tracing(NAME, settings)
    run(settings, with_api=with_api, with_consumer=with_consumer)


if __name__ == "__main__":
    main()
