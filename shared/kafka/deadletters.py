"""The dead-letter topic: writing to it, and the command to look at it and send letters back.

``python -m shared.kafka.deadletters list|show|replay``. A dead letter is the original message,
bytes, key and headers as they were, with headers of its own that say where it stood and why it
could not be processed.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from shared.failures import TransientFailure
from shared.kafka.client import client_config
from shared.kafka.codec import header_list
from shared.kafka.producer import Outgoing, Producer, Publisher
from shared.settings import KafkaSettings

PREFIX = "dead_letter_"
REASON_LIMIT = 1000
TIMEOUT_SECONDS = 10.0


class DeadLetterWriter:
    """Writes for one consumer group."""

    def __init__(self, publisher: Publisher, topic: str, group: str) -> None:
        self._publisher = publisher
        self._topic = topic
        self._group = group

    def write(self, message: Message, reason: str) -> None:
        """Return when the broker has it; raise ``TransientFailure`` when it has not."""
        about = {
            "reason": reason[:REASON_LIMIT],
            "group": self._group,
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
        }
        headers = [
            *header_list(message),
            *((PREFIX + name, str(value).encode()) for name, value in about.items()),
        ]
        letter = Outgoing(self._topic, _bytes(message.key()), _bytes(message.value()), headers)
        [failure] = self._publisher.publish([letter])
        if failure is not None:
            raise TransientFailure(f"the dead letter was not taken: {failure}")


def read_all(settings: KafkaSettings) -> Iterator[Message]:
    """Every letter that is in the topic now, oldest first within a partition."""
    client = Consumer(
        {
            **client_config(settings, "deadletters"),
            "group.id": settings.kafka_group_prefix + "deadletters-command",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        topic = settings.kafka_dead_letter_topic
        metadata = client.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic]
        client.assign([TopicPartition(topic, number, 0) for number in metadata.partitions])
        open_partitions = len(metadata.partitions)
        while open_partitions:
            message = client.poll(TIMEOUT_SECONDS)
            if message is None:
                return
            if message.error() is None:
                yield message
            else:
                open_partitions -= 1
    finally:
        client.close()


def original(letter: Message) -> Outgoing:
    """The message as it was before it became a dead letter."""
    about = dead_letter_headers(letter)
    headers = [(k, v) for k, v in header_list(letter) if not k.startswith(PREFIX)]
    return Outgoing(about["topic"], _bytes(letter.key()), _bytes(letter.value()), headers)


def dead_letter_headers(letter: Message) -> dict[str, str]:
    """``reason``, ``group``, ``topic``, ``partition``, ``offset`` (of the newest death)."""
    return {
        key.removeprefix(PREFIX): value.decode(errors="replace")
        for key, value in header_list(letter)
        if key.startswith(PREFIX) and isinstance(value, bytes)
    }


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _place(letter: Message) -> str:
    return f"{letter.partition()}/{letter.offset()}"


def _summary(letter: Message) -> str:
    about = dead_letter_headers(letter)
    return (
        f"{_place(letter):<10} {about.get('group', '?')} "
        f"{about.get('topic', '?')}/{about.get('partition', '?')}/{about.get('offset', '?')} "
        f"{about.get('reason', '?')!a}"
    )


def _show(letter: Message) -> str:
    lines = [_summary(letter), f"  key: {letter.key()!r}"]
    lines += [f"  {key}: {value!r}" for key, value in header_list(letter)]
    lines += [f"  body: {letter.value()!r}"]
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m shared.kafka.deadletters", description="Look at dead letters, replay them"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="one line a letter: place, group, origin, reason")
    for name, text in (
        ("show", "a letter with its headers and body"),
        ("replay", "send letters back to the topic they came from"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("place", nargs="+", help="partition/offset as list shows it, or all")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, settings: KafkaSettings | None = None) -> int:
    options = _parse(arguments)
    settings = settings or KafkaSettings.load()
    letters = list(read_all(settings))
    if options.command == "list":
        return _print(_summary(letter) for letter in letters)
    chosen = [x for x in letters if "all" in options.place or _place(x) in options.place]
    if not chosen:
        sys.stderr.write("no such dead letter; `list` shows what there is\n")
        return 1
    if options.command == "show":
        return _print(_show(letter) for letter in chosen)
    return _replay(settings, chosen)


def _print(lines: Iterator[str] | Any) -> int:
    for line in lines:
        sys.stdout.write(line + "\n")
    return 0


def _replay(settings: KafkaSettings, letters: Sequence[Message]) -> int:
    producer = Producer(client_config(settings, "deadletters"))
    try:
        outcomes = producer.publish([original(letter) for letter in letters])
    finally:
        producer.close()
    for letter, failure in zip(letters, outcomes, strict=True):
        sys.stdout.write(f"{_place(letter)}: {'replayed' if failure is None else failure}\n")
    return 0 if not any(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
