"""R3: messages that can never be processed, among good ones."""

import json
import random
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from tests.faults.audit import judge
from tests.faults.scale import Scale
from tests.faults.telemetry import dead_letters_shown, telemetry_misses
from tests.faults.world import World
from tests.support.system import wait_for
from tests.support.topics import header_list, read_topic

pytestmark = [pytest.mark.real_broker, pytest.mark.timeout(3600)]
Headers = list[tuple[str, str | bytes | None]]


def poison(kind: str, dice: random.Random) -> tuple[Headers, bytes]:
    """Headers and body of a message that can never be processed."""
    uuid = str(uuid4())
    good = json.dumps({"uuid": uuid, "url": "http://x/y", "filename": "f"}).encode()
    kinds: dict[str, tuple[Headers, bytes]] = {
        "no headers": ([], good),
        "no message_type": ([("version", b"1.0.0")], good),
        "empty type": ([("message_type", b""), ("version", b"1.0.0")], good),
        "version 2.0.0": ([("message_type", b"IMAGE_UPLOADED"), ("version", b"2.0.0")], good),
        "version abc": ([("message_type", b"IMAGE_UPLOADED"), ("version", b"abc")], good),
        "non-UTF-8 header": ([("message_type", b"\xff\xfe"), ("version", b"1.0.0")], good),
        "header twice": (
            [
                ("message_type", b"IMAGE_UPLOADED"),
                ("message_type", b"IMAGE_UPLOADED"),
                ("version", b"1.0.0"),
            ],
            good,
        ),
        "bad JSON": ([("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")], b"{"),
        "missing field": (
            [("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")],
            b'{"uuid": "%s"}' % uuid.encode(),
        ),
        "empty body": ([("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")], b""),
        "1 MB body": (
            [("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")],
            dice.randbytes(1_000_000),
        ),
    }
    return kinds[kind]


KINDS = (
    *("no headers", "no message_type", "empty type", "version 2.0.0", "version abc"),
    *("non-UTF-8 header", "header twice", "bad JSON", "missing field", "empty body", "1 MB body"),
)
GOOD_FOR_EACH = 10  # uploads between two bad messages: never twenty failures in a row
GROUPS = 2  # consumer groups that read the image topic and dead-letter bad messages


def test_r3_poison_among_good_messages(
    world: World, scale: Scale, dice: random.Random, measured: Callable[[str], None]
) -> None:
    topic = world.system.names["KAFKA_IMAGE_TOPIC"]
    producer = Producer(
        {"bootstrap.servers": world.broker.bootstrap_servers, "message.max.bytes": 2_000_000}
    )
    order = list(KINDS) * scale.poison
    dice.shuffle(order)
    finished: list[float] = []
    over = threading.Event()
    watch = threading.Thread(target=_note_progress, args=(world, finished, over))
    watch.start()
    number = 0
    shown_before = dead_letters_shown(world)
    sent: list[tuple[str, Headers, bytes]] = []
    for kind in order:
        headers, body = poison(kind, dice)
        producer.produce(topic, body, key=f"poison-{len(sent)}".encode(), headers=headers)
        producer.flush(10)
        sent.append((f"poison-{len(sent)}", headers, body))
        world.clients.upload_many(range(number, number + GOOD_FOR_EACH))
        number += GOOD_FOR_EACH
    for _ in range(scale.poison):
        _repeats(world, producer, topic)
    overtaken = [_delete_before_upload(world, producer, topic) for _ in range(scale.poison)]
    newer = _newer_minor(world, producer, topic)
    world.settle()
    wanted = GROUPS * len(sent)
    world.dead_letters += wanted
    wait_for(lambda: _letters(world) >= world.dead_letters, "all dead letters", seconds=60)
    wait_for(lambda: _dithers(world, [newer]), "dither of a message of version 1.1.0", seconds=60)
    over.set()
    watch.join()
    stall = max((b - a for a, b in pairwise(finished)), default=0.0)
    found = [*_changed(world, sent), *telemetry_misses(world)]
    if (shown := dead_letters_shown(world) - shown_before) != wanted:
        found.append(f"{shown} dead letters are shown")
    found += ["a deleted image was dithered"] if _dithers(world, overtaken) else []
    judge(
        world,
        measured,
        f"{len(sent)} poison among {number} good: {number} done, {wanted} letters, "
        f"longest stall {stall:.1f} s",
        found,
    )
    if scale.is_timed:
        assert stall <= 5


def _note_progress(world: World, finished: list[float], over: threading.Event) -> None:
    """Record when the number of finished dithers was seen to grow, or when no work was left."""
    count = 0
    while not over.wait(0.1):
        [(done,)] = world.query("SELECT count(*) FROM dither.dithers WHERE status = 'done'")
        [(todo,)] = world.query(
            "SELECT count(*) FROM upload.images i WHERE NOT EXISTS (SELECT FROM dither.dithers d"
            " WHERE d.image_uuid = i.uuid AND d.status = 'done')"
        )
        if done != count or todo == 0:
            count = done
            finished.append(time.monotonic())


def _repeats(world: World, producer: Producer, topic: str) -> None:
    """The same messages again, five times each."""
    good = [
        m
        for m in read_topic(world.broker.bootstrap_servers, topic)
        if any(name == "message_id" for name, _ in header_list(m))
    ]
    for message in good[:10] * 5:
        producer.produce(topic, message.value(), key=message.key(), headers=header_list(message))
    producer.flush(10)


def _delete_before_upload(world: World, producer: Producer, topic: str) -> str:
    uuid = str(uuid4())
    deleted: Headers = [("message_type", b"IMAGE_DELETED"), ("version", b"1.0.0")]
    uploaded: Headers = [("message_type", b"IMAGE_UPLOADED"), ("version", b"1.0.0")]
    body = {"uuid": uuid, "url": f"{world.storage.url}/x.png", "filename": "f"}
    producer.produce(topic, json.dumps({"uuid": uuid}), key=uuid, headers=deleted)
    producer.produce(topic, json.dumps(body), key=uuid, headers=uploaded)
    producer.flush(10)
    return uuid


def _newer_minor(world: World, producer: Producer, topic: str) -> str:
    """A message of a producer of version 1.1.0: it has fields that are not known yet.

    Such a producer may also send new message types, which must not become dead letters.
    """
    [(url,)] = world.query("SELECT url FROM upload.images LIMIT 1")
    uuid = str(uuid4())
    eaten: Headers = [("message_type", b"IMAGE_EATEN"), ("version", b"1.1.0")]
    producer.produce(topic, json.dumps({"uuid": uuid}), key=uuid, headers=eaten)
    headers: Headers = [("message_type", b"IMAGE_UPLOADED"), ("version", b"1.1.0"), ("new", b"1")]
    body = {"uuid": uuid, "url": url, "filename": "f", "camera": {"maker": "box"}}
    producer.produce(topic, json.dumps(body), key=uuid, headers=headers)
    producer.flush(10)
    return uuid


def _dithers(world: World, uuids: list[str]) -> int:
    """How many dithers of these images are done."""
    [(count,)] = world.query(
        "SELECT count(*) FROM dither.dithers"
        " WHERE status = 'done' AND image_uuid = ANY(%s::uuid[])",
        uuids,
    )
    return int(count)


def _letters(world: World) -> int:
    topic = world.system.names["KAFKA_DEAD_LETTER_TOPIC"]
    return len(read_topic(world.broker.bootstrap_servers, topic))


def _changed(world: World, sent: list[tuple[str, Headers, bytes]]) -> list[str]:
    """Dead letters that differ from the original, or lack a required header."""
    about = {f"dead_letter_{name}" for name in ("reason", "group", "topic", "partition", "offset")}
    topic = world.system.names["KAFKA_DEAD_LETTER_TOPIC"]
    originals = {key.encode(): (headers, body) for key, headers, body in sent}
    found = []
    for letter in read_topic(world.broker.bootstrap_servers, topic):
        headers, body = originals[letter.key() or b""]
        kept = [(k, v) for k, v in header_list(letter) if not k.startswith("dead_letter_")]
        names = {k for k, _ in header_list(letter) if k.startswith("dead_letter_")}
        if (kept, letter.value() or b"", names) != (headers, body, about):
            found.append(f"the letter {letter.key()!r} is not the original")
    return found
