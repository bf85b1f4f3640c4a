"""The notification service: ``python -m notification_service.main [--only api|consumer]``."""

from notification_service.api import create_api
from notification_service.consumer import handlers
from notification_service.mailer import build_mailer
from notification_service.sender import MailSender
from notification_service.service import NotificationService
from notification_service.settings import NotificationSettings
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
from shared.process import Runnable, parse_only

NAME = "notification"


def run(settings: NotificationSettings, *, with_api: bool, with_consumer: bool) -> None:
    """Build all parts of this service and run them until a signal ends the process."""
    database = Database(settings, NAME)
    service = NotificationService(settings, database)
    sender = MailSender(settings, database, build_mailer(settings))
    service.on_due = sender.send_soon
    prepare_database(settings, database, "notification_service")

    topics = [settings.kafka_image_topic, settings.kafka_dither_topic]
    consumer = Consumer(settings, NAME, topics, handlers(service), patient=True)
    tasks = [service.forget_old, purge_task(settings, database, service.inbox)]
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
            create_api(settings, service, health)
            if with_api
            else create_app("Notification service", health)
        ),
        parts=parts,
        consumer=consumer if with_consumer else None,
        checks={"mail": lambda: _mail_part(sender)},
    )


def _mail_part(sender: MailSender) -> Part:
    if sender.trouble:
        return Part("degraded", {"detail": sender.trouble})
    return Part("ok")


def main() -> None:
    with_api, with_consumer = parse_only("notification_service")
    settings = NotificationSettings.load()
    configure_logging(NAME, level=settings.log_level, log_format=settings.log_format)
    run(settings, with_api=with_api, with_consumer=with_consumer)


if __name__ == "__main__":
    main()
