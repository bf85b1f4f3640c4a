"""Create the topics: ``python -m shared.kafka.topics``.

Production brokers do not create topics on demand, and a service that created them at start would
need the right to do so. So this is a command, run once for each deployment. It reports existing
topics and leaves them unchanged; if all of them exist, it needs no right to create topics.
"""

import sys
from concurrent.futures import Future
from datetime import timedelta

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    NewTopic,
)

from shared.kafka.client import client_config
from shared.kafka.producer import MESSAGE_MAX_BYTES
from shared.settings import KafkaSettings

TIMEOUT_SECONDS = 30.0
MESSAGES_KEPT = timedelta(days=7)  # less than the retention of the inbox
LETTERS_KEPT = timedelta(days=30)  # as long as an email address may be kept


class TopicError(Exception):
    """A topic is missing and could not be created; the text names the topic and the reason."""


def wanted_topics(settings: KafkaSettings) -> dict[str, dict[str, str]]:
    """The topics by name, each with its settings that differ from the broker's defaults."""
    message = {"retention.ms": str(MESSAGES_KEPT // timedelta(milliseconds=1))}
    letter = {
        "retention.ms": str(LETTERS_KEPT // timedelta(milliseconds=1)),
        "max.message.bytes": str(MESSAGE_MAX_BYTES),
    }
    return {
        settings.kafka_image_topic: message,
        settings.kafka_dither_topic: message,
        settings.kafka_dead_letter_topic: letter,
    }


def create_topics(settings: KafkaSettings) -> dict[str, str]:
    """Create the missing topics; return the outcome for each topic. Raises ``TopicError``."""
    wanted = wanted_topics(settings)
    try:
        admin = AdminClient(client_config(settings, "topics"))
        there = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise TopicError(f"the broker does not answer: {error.args[0].str()}") from error
    outcomes = {name: "was there already" for name in wanted if name in there}
    missing = [
        NewTopic(
            name,
            num_partitions=settings.kafka_topic_partitions,
            replication_factor=settings.kafka_topic_replication,
            config=config,
        )
        for name, config in wanted.items()
        if name not in there
    ]
    if missing:
        created = admin.create_topics(
            missing, operation_timeout=TIMEOUT_SECONDS, request_timeout=TIMEOUT_SECONDS
        )
        outcomes |= {name: _outcome(name, future) for name, future in created.items()}
    return outcomes


def _outcome(name: str, future: Future[None]) -> str:
    try:
        future.result()
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise TopicError(f"topic {name} could not be created: {reason.str()}") from error
        return "was there already"
    return "created"


def main() -> int:
    try:
        outcomes = create_topics(KafkaSettings.load())
    except TopicError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, outcome in outcomes.items():
        sys.stdout.write(f"{name}: {outcome}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
