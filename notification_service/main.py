"""The notification service: ``python -m notification_service.main [--only api|consumer]``."""

from datetime import UTC, datetime, timedelta

from notification_service import mailboxes
from notification_service.api import create_api
from notification_service.composing import Composer
from notification_service.consumer import handlers
from notification_service.links import Links
from notification_service.mailer import DirectoryMailer, build_mailer
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
from notification_service.upload_client import UploadClient
from shared.assembly import (
    Consumer,
    build_sweeper,
    prepare_database,
    purge_task,
    run_service,
)
from shared.database import Database
from shared.health import Part
from shared.http import create_app
from shared.logs import configure_logging
from shared.principal import Principals
from shared.process import Runnable, parse_only
from shared.replicas import Replicas
from shared.storage import build_storage
from shared.storage.observed import ObservedStorage
from shared.tracing import start_tracing

NAME = "notification"


def run(settings: NotificationSettings, *, with_api: bool, with_consumer: bool) -> None:
    """Build all parts of this service and run them until a signal ends the process."""
    database = Database(settings, NAME)
    prepare_database(settings, database, "notification_service")
    secret = _secret(settings, database)
    links = Links(settings, secret)
    uploads = UploadClient(
        Replicas(
            settings.upload_service_url,
            settings.upload_service_timeout_seconds,
            Principals(settings),
        )
    )
    service = NotificationService(settings, database, uploads, secret)
    mailer = build_mailer(settings)
    composer = Composer(settings, ObservedStorage(build_storage(settings)), links)
    sender = MailSender(settings, database, mailer, composer, secret)
    service.on_due = sender.send_soon

    topics = [settings.kafka_image_topic, settings.kafka_dither_topic]
    consumer = Consumer(settings, NAME, topics, handlers(service), patient=topics)

    def forget_files() -> None:
        kept = timedelta(hours=settings.address_retention_hours)
        if isinstance(mailer, DirectoryMailer):
            mailer.forget(datetime.now(UTC) - kept)

    tasks = [service.forget_old, forget_files, purge_task(settings, database, service.inbox)]
    sweeper = build_sweeper(settings, database, tasks)
    consumer.on_assigned = sender.send_soon

    parts: dict[str, Runnable] = {"sweeper": sweeper}
    if with_consumer:
        parts["sender"] = sender
    run_service(
        NAME,
        settings,
        database,
        app=lambda health: (
            create_api(settings, service, links, health)
            if with_api
            else create_app("Notification service", health, settings)
        ),
        parts=parts,
        consumer=consumer if with_consumer else None,
        checks={"mail": lambda: _mail_part(sender)},
    )


def _secret(settings: NotificationSettings, database: Database) -> bytes:
    if settings.mail_secret is not None:
        return settings.mail_secret.get_secret_value().encode()
    with database.transaction() as session:
        return mailboxes.secret(session)


def _mail_part(sender: MailSender) -> Part:
    if sender.trouble:
        return Part("degraded", {"detail": sender.trouble})
    return Part("ok")


def main() -> None:
    with_api, with_consumer = parse_only("notification_service")
    settings = NotificationSettings.load()
    configure_logging(NAME, level=settings.log_level, log_format=settings.log_format)
    start_tracing(NAME, settings)
    run(settings, with_api=with_api, with_consumer=with_consumer)


if __name__ == "__main__":
    main()
