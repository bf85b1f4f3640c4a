"""Compares the ledger with databases, storage, topics and mailbox, without using the services."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

from confluent_kafka import Message

from tests.faults.world import World
from tests.support import asyncapi
from tests.support.topics import header_list, read_topic


def judge(
    world: World, measured: Callable[[str], None], what: str, also: Iterable[str] = ()
) -> None:
    """Report the measured values, and fail on any miss; ``also``: further misses of this row."""
    found = [*misses(world), *also]
    measured(f"{what}: {len(found)} misses")
    assert not found, found[:20]


def misses(world: World) -> list[str]:
    """Everything that is lost, doubled or not as promised; should be empty."""
    return [
        *world.ledger.broken,
        *_images(world),
        *_dithers(world),
        *_files(world),
        *_mails(world),
        *_topics(world),
        *_dead_letters(world),
    ]


def _images(world: World) -> Iterator[str]:
    rows = {str(u): s for u, s in world.query("SELECT uuid, status FROM upload.images")}
    for promise in world.ledger.promises.values():
        if promise.deleted and promise.uuid in rows:
            yield f"image {promise.uuid} was deleted and is there"
        if not promise.deleted and rows.get(promise.uuid) != "dithered":
            yield f"image {promise.uuid} is {rows.get(promise.uuid, 'lost')}"


def _dithers(world: World) -> Iterator[str]:
    made: dict[str, list[int]] = defaultdict(list)
    for uuid, channels, status in world.query(
        "SELECT image_uuid, channels, status FROM dither.dithers"
    ):
        made[str(uuid)].append(channels)
        if status != "done":
            yield f"dither {channels} of {uuid} is {status}"
    shown = world.query("SELECT dither_id, url_dither FROM upload.dithers ORDER BY 1")
    there = world.query(
        "SELECT dither_id, url FROM dither.dithers WHERE image_uuid IN"
        " (SELECT uuid FROM upload.images) ORDER BY 1"
    )
    if shown != there:
        yield f"{len(set(shown) ^ set(there))} dithers are not shown as they were made"
    for promise in world.ledger.promises.values():
        wanted = [] if promise.deleted else sorted(promise.channels)
        if sorted(made[promise.uuid]) != wanted:
            yield f"image {promise.uuid} has the dithers {made[promise.uuid]}, not {wanted}"


def _files(world: World) -> Iterator[str]:
    keys = [key for (key,) in world.query("SELECT key FROM upload.images")]
    keys += [key for (key,) in world.query("SELECT key FROM dither.dithers WHERE key IS NOT NULL")]
    noted = [key for (key,) in world.query("SELECT key FROM upload.file_removals")]
    noted += [key for (key,) in world.query("SELECT key FROM dither.file_removals")]
    there = {_stem(public_id) for public_id in world.storage.assets}
    for key in keys:
        if _stem(key) not in there:
            yield f"file {key} is lost"
    for orphan in there - {_stem(key) for key in (*keys, *noted)}:
        yield f"file {orphan} is nobody's, and will stay"


def _stem(key: str) -> str:
    return str(PurePosixPath(key).with_suffix(""))


def _mails(world: World) -> Iterator[str]:
    sent = Counter(re.sub(r"[<>]|@.*", "", name) for name in world.mail.message_ids())
    wanted = {
        str(dither_id)
        for (dither_id,) in world.query(
            "SELECT d.dither_id FROM dither.dithers d JOIN notification.recipients r"
            " ON r.image_uuid = d.image_uuid WHERE r.email IS NOT NULL AND d.status = 'done'"
        )
    }
    promised = {promise.uuid for promise in world.ledger.kept if promise.email}
    known = {
        str(uuid)
        for (uuid,) in world.query(
            "SELECT image_uuid FROM notification.recipients WHERE email IS NOT NULL"
        )
    }
    for uuid in promised - known:
        yield f"the address for image {uuid} is lost"
    for dither_id in wanted - set(sent):
        yield f"the mail about dither {dither_id} is lost"
    if sent.total() - len(sent) > world.mails_repeated:
        often = {dither_id: count for dither_id, count in sent.items() if count > 1}
        yield f"mails were sent again, at most {world.mails_repeated} may be: {often}"


def _topics(world: World) -> Iterator[str]:
    """Each message must match docs/asyncapi.yaml; each dither has only one announcement.

    Repeats of the same message are not counted.
    """
    announced: dict[str, set[str]] = defaultdict(set)
    for variable in ("KAFKA_IMAGE_TOPIC", "KAFKA_DITHER_TOPIC"):
        topic = world.system.names[variable]
        for message in read_topic(world.broker.bootstrap_servers, topic):
            headers = _headers(message)
            if "message_id" not in headers:
                continue  # not from our services: a bad message published by a test
            body = json.loads(message.value() or b"null")
            yield from asyncapi.header_errors(headers)
            yield from asyncapi.body_errors(headers["message_type"], body)
            if (message.key() or b"") != body["uuid"].encode():
                yield f"the key of {headers['message_id']} is not the image"
            if headers["message_type"] == "DITHER_UPLOADED":
                announced[body["dither_id"]].add(headers["message_id"])
    for dither_id, ids in announced.items():
        if len(ids) > 1:
            yield f"dither {dither_id} was announced {len(ids)} times"


def _headers(message: Message) -> dict[str, str]:
    return {k: v.decode(errors="replace") for k, v in header_list(message) if isinstance(v, bytes)}


def _dead_letters(world: World) -> Iterator[str]:
    topic = world.system.names["KAFKA_DEAD_LETTER_TOPIC"]
    letters = read_topic(world.broker.bootstrap_servers, topic)
    if len(letters) != world.dead_letters:
        reasons = Counter(_headers(m).get("dead_letter_reason", "?") for m in letters)
        yield f"{len(letters)} dead letters, not {world.dead_letters}: {dict(reasons)}"
    for letter in letters:
        yield from asyncapi.dead_letter_errors(_headers(letter))
