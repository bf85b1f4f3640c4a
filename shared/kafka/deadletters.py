"""The dead-letter topic: writing to it, and the command to list, show and replay messages.

``python -m shared.kafka.deadletters list|show|replay``. A dead letter is the original message with
unchanged bytes, key and headers. Added headers say where it came from and why it failed.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from shared.failures import TransientFailure
from shared.kafka.client import client_config
from shared.kafka.producer import Outgoing, Producer, Publisher
from shared.kafka.record import Record
from shared.settings import KafkaSettings

PREFIX = "dead_letter_"
REASON_LIMIT = 1000
TIMEOUT_SECONDS = 10.0
REPLAY_BATCH = 200


class DeadLetterWriter:
    """Writes for one consumer group."""

    def __init__(self, publisher: Publisher, topic: str, group: str) -> None:
        self._publisher = publisher
        self._topic = topic
        self._group = group

    def write(self, record: Record, reason: str) -> None:
        """Return when the broker has acknowledged it; else raise ``TransientFailure``."""
        about = {
            "reason": reason[:REASON_LIMIT],
            "group": self._group,
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
        }
        missing = [] if record.headers is not None else ["headers"]
        failure = self._publish(self._letter(record, about, missing))
        if failure is not None and failure.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            # Leave out the body: the original topic still has it for its retention time.
            failure = self._publish(self._letter(record, about, [*missing, "body"]))
        if failure is not None:
            raise TransientFailure(f"the dead letter was not taken: {failure.str()}")

    def _letter(self, record: Record, about: dict[str, str], missing: list[str]) -> Outgoing:
        if missing:
            about = {**about, "without": " and ".join(missing)}
        headers = [
            *_original_headers(record),
            *((PREFIX + name, text.encode(errors="replace")) for name, text in about.items()),
        ]
        value = None if "body" in missing else record.value
        return Outgoing(self._topic, record.key, value, headers)

    def _publish(self, letter: Outgoing) -> KafkaError | None:
        [failure] = self._publisher.publish([letter])
        return failure


def _original_headers(record: Record) -> list[tuple[str, bytes | None]]:
    """Without the dead-letter headers of an earlier failure, for a replayed message."""
    return [(k, v) for k, v in record.headers or () if not k.startswith(PREFIX)]


def original(letter: Record) -> Outgoing:
    """The message as it was before it became a dead letter. ``ValueError`` if it is incomplete."""
    about = dead_letter_headers(letter)
    if "topic" not in about:
        raise ValueError("not a dead letter: nothing says where it came from")
    if "without" in about:
        raise ValueError(f"the letter is without the original's {about['without']}")
    return Outgoing(about["topic"], letter.key, letter.value, _original_headers(letter))


def dead_letter_headers(letter: Record) -> dict[str, str]:
    """``reason``, ``group``, ``topic``, ``partition``, ``offset``, and ``without`` (the part of
    the original that the letter lacks)."""
    return {
        key.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for key, value in letter.headers or ()
        if key.startswith(PREFIX)
    }


def read_all(settings: KafkaSettings) -> Iterator[Record]:
    """All letters that are in the topic now, oldest first within a partition."""
    client = Consumer(
        {
            **client_config(settings, "deadletters"),
            "group.id": settings.kafka_group_prefix + "deadletters-command",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    try:
        unread = _partitions(client, settings.kafka_dead_letter_topic)
        client.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in unread])
        while unread:
            message = client.poll(TIMEOUT_SECONDS)
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the broker fell silent"))
            error = message.error()
            if error is None:
                yield Record.of(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard((message.topic() or "", message.partition() or 0))
            else:
                raise KafkaException(error)
    finally:
        client.close()


def _partitions(client: Consumer, topic: str) -> set[tuple[str, int]]:
    metadata = client.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic]
    if metadata.error is not None:
        raise KafkaException(KafkaError(metadata.error.code(), f"{topic}: {metadata.error.str()}"))
    return {(topic, number) for number in metadata.partitions}


def _place(letter: Record) -> str:
    return f"{letter.partition}/{letter.offset}"


def _summary(letter: Record) -> str:
    about = dead_letter_headers(letter)
    return (
        f"{_place(letter):<10} {about.get('group', '?')} "
        f"{about.get('topic', '?')}/{about.get('partition', '?')}/{about.get('offset', '?')} "
        f"{about.get('reason', '?')!a}"
    )


def _detail(letter: Record) -> str:
    lines = [_summary(letter), f"  key: {letter.key!r}"]
    lines += [f"  {key!a}: {value!r}" for key, value in letter.headers or ()]
    lines += [f"  body: {letter.value!r}"]
    return "\n".join(lines)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m shared.kafka.deadletters", description="Look at dead letters, replay them"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="one line a letter: place, group, origin, reason")
    for name, text in (
        ("show", "a letter with its headers and body"),
        ("replay", "send letters back to the topic they came from (they stay here as well)"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("place", nargs="+", help="partition/offset as list shows it, or all")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, settings: KafkaSettings | None = None) -> int:
    options = _parse(arguments)
    try:
        return _run(options, settings or KafkaSettings.load())
    except KafkaException as error:
        sys.stderr.write(f"{error.args[0].str()}\n")
        return 1


def _run(options: argparse.Namespace, settings: KafkaSettings) -> int:
    letters = read_all(settings)
    if options.command == "list":
        _print(_summary(letter) for letter in letters)
        return 0
    places = set(options.place)
    chosen = [x for x in letters if "all" in places or _place(x) in places]
    if not chosen:
        sys.stderr.write("no such dead letter; `list` shows what there is\n")
        return 1
    if options.command == "show":
        _print(_detail(letter) for letter in chosen)
        return 0
    return _replay(settings, chosen)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")


def _replay(settings: KafkaSettings, letters: Sequence[Record]) -> int:
    producer = Producer(client_config(settings, "deadletters"))
    failed = 0
    for start in range(0, len(letters), REPLAY_BATCH):
        for letter, failure in _send_back(producer, letters[start : start + REPLAY_BATCH]):
            sys.stdout.write(f"{_place(letter)}: {failure or 'replayed'}\n")
            failed += failure is not None
    producer.close()
    return 1 if failed else 0


def _send_back(
    publisher: Publisher, letters: Sequence[Record]
) -> Iterator[tuple[Record, str | None]]:
    """Each letter, with the reason if it was not replayed, else None."""
    complete: list[tuple[Record, Outgoing]] = []
    for letter in letters:
        try:
            complete.append((letter, original(letter)))
        except ValueError as error:
            yield letter, str(error)
    outcomes = publisher.publish([message for _, message in complete])
    for (letter, _), failure in zip(complete, outcomes, strict=True):
        yield letter, None if failure is None else failure.str()


if __name__ == "__main__":
    sys.exit(main())
