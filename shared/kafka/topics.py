"""Create the topics: ``python -m shared.kafka.topics``.

Brokers that we can trust with data do not create topics by themselves, and a service that did so
at start would need the right to. So this is a command, run once for a deployment. It leaves a
topic that is there already as it is, and says so.
"""

import sys

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    NewTopic,
)

from shared.kafka.client import client_config
from shared.settings import KafkaSettings

TIMEOUT_SECONDS = 30.0


class TopicError(Exception):
    """A topic is missing and could not be made; the text names the topic and the reason."""


def topic_names(settings: KafkaSettings) -> list[str]:
    return [
        settings.kafka_image_topic,
        settings.kafka_dither_topic,
        settings.kafka_dead_letter_topic,
    ]


def create_topics(settings: KafkaSettings) -> dict[str, str]:
    """Make what is missing; return what became of each topic. Raises ``TopicError``."""
    admin = AdminClient(client_config(settings, "topics"))
    wanted = [
        NewTopic(
            name,
            num_partitions=settings.kafka_topic_partitions,
            replication_factor=settings.kafka_topic_replication,
        )
        for name in topic_names(settings)
    ]
    outcomes = {}
    for name, future in admin.create_topics(wanted, request_timeout=TIMEOUT_SECONDS).items():
        try:
            future.result(TIMEOUT_SECONDS)
            outcomes[name] = "created"
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"topic {name} could not be created: {reason.str()}") from error
            outcomes[name] = "was there already"
    return outcomes


def main() -> int:
    try:
        outcomes = create_topics(KafkaSettings.load())
    except (TopicError, KafkaException) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name, outcome in outcomes.items():
        sys.stdout.write(f"{name}: {outcome}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
