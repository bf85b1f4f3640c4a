"""The message path on the broker of this run: producer, consumer loop, dead letters, commands."""

import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest

from shared.failures import PermanentFailure
from shared.kafka.client import client_config, consumer_client
from shared.kafka.codec import Received, encode_headers
from shared.kafka.consumer import ConsumerLoop, State
from shared.kafka.deadletters import DeadLetterWriter, dead_letter_headers, main, read_all
from shared.kafka.producer import Outgoing, Producer
from shared.messages import ImageDeleted
from shared.settings import KafkaSettings
from tests.faults.scale import chosen_scale
from tests.support.broker import Broker
from tests.support.kafka_fakes import one_by_one

WAIT_SECONDS = 120.0


@pytest.fixture
def kafka(broker: Broker) -> KafkaSettings:
    """Settings with new topics for each test."""
    word = secrets.token_hex(4)
    settings = KafkaSettings(
        kafka_server=broker.bootstrap_servers,
        kafka_image_topic=f"images-{word}",
        kafka_dither_topic=f"dithers-{word}",
        kafka_dead_letter_topic=f"letters-{word}",
        kafka_group_prefix=f"{word}-",
        # A long session timeout: a member on a slow machine must not be removed from the group.
        kafka_session_timeout_seconds=30 if broker.is_real else 6,
        kafka_ephemeral=not broker.is_real,
    )
    names = (settings.kafka_image_topic, settings.kafka_dead_letter_topic)
    broker.create_topics(*names)
    return settings


def message(settings: KafkaSettings, uuid: UUID, value: bytes | None = None) -> Outgoing:
    return Outgoing(
        settings.kafka_image_topic,
        str(uuid).encode(),
        b'{"uuid": "%s"}' % str(uuid).encode() if value is None else value,
        encode_headers("IMAGE_DELETED", uuid4()),
    )


def publish(settings: KafkaSettings, messages: Sequence[Outgoing]) -> None:
    producer = Producer(client_config(settings, "test"), delivery_timeout=20)
    assert producer.publish(messages) == [None] * len(messages)
    producer.close()


@contextmanager
def consuming(
    settings: KafkaSettings, handler: Callable[[Received], None], *, workers: int = 2
) -> Iterator[ConsumerLoop]:
    """A consumer of the group, running in a thread of its own."""
    letters = Producer(client_config(settings, "letters"))
    loop = ConsumerLoop(
        consumer_client(settings, "group"),
        group="group",
        topics=[settings.kafka_image_topic],
        handlers={ImageDeleted: one_by_one(handler)},
        dead_letters=DeadLetterWriter(letters, settings.kafka_dead_letter_topic, "group"),
        workers=workers,
    )
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop()
        thread.join(20)
        letters.close()
    assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS} s: {what}"
        time.sleep(0.02)


def test_a_consumer_that_comes_back_goes_on_where_it_was(kafka: KafkaSettings) -> None:
    uuids = [uuid4() for _ in range(300)]
    publish(kafka, [message(kafka, uuid) for uuid in uuids])
    handled: list[UUID] = []
    for wanted in (300, 350):
        with consuming(kafka, lambda r: handled.append(r.body.uuid)):
            wait_until(lambda wanted=wanted: len(handled) >= wanted, "all handled")  # type: ignore[misc] # mypy cannot infer a lambda's default
        if wanted == 300:
            uuids += [uuid4() for _ in range(50)]
            publish(kafka, [message(kafka, uuid) for uuid in uuids[300:]])
    assert Counter(handled) == Counter(uuids)


def test_more_than_fits_into_the_buffers_arrives_in_order(kafka: KafkaSettings) -> None:
    one = uuid4()
    values = [b'{"uuid": "%s", "n": %d}' % (str(one).encode(), n) for n in range(1500)]
    publish(kafka, [message(kafka, one, value) for value in values])
    ids: list[UUID | None] = []
    with consuming(kafka, lambda r: ids.append(r.message_id)) as loop:
        wait_until(lambda: len(ids) >= 1500, "all handled")
        wait_until(lambda: loop.health().lag == 0, "no lag")
    assert len(set(ids)) == len(ids) == 1500


def test_poison_goes_to_the_dead_letters_as_it_was_and_can_be_sent_back(
    kafka: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = uuid4(), uuid4()
    poison = Outgoing(kafka.kafka_image_topic, b"\xff\x00key", b"\xff\x00body", [("a", b"\xfe")])
    huge = message(kafka, uuid4(), b"x" * 1_040_000)
    publish(kafka, [poison, message(kafka, bad), huge, message(kafka, good)])
    handled: list[UUID] = []
    cured = threading.Event()

    def handler(received: Received) -> None:
        if received.body.uuid == bad and not cured.is_set():
            raise PermanentFailure("not yet")
        handled.append(received.body.uuid)

    with consuming(kafka, handler) as loop:
        wait_until(lambda: loop.health().dead_letters == 3 and handled == [good], "three letters")
        letters = list(read_all(kafka))
        [first] = [x for x in letters if x.key == poison.key]
        assert first.value == poison.value
        assert first.headers is not None
        assert first.headers[0] == ("a", b"\xfe")
        assert dead_letter_headers(first)["topic"] == kafka.kafka_image_topic
        [second] = [x for x in letters if dead_letter_headers(x)["reason"] == "not yet"]

        assert main(["list"], kafka) == 0
        listed = capsys.readouterr().out
        assert len(listed.splitlines()) == 3
        assert "message_type must be there once" in listed
        place = f"{second.partition}/{second.offset}"
        assert main(["show", place], kafka) == 0
        assert str(bad) in capsys.readouterr().out

        cured.set()
        assert main(["replay", place], kafka) == 0
        assert f"{place}: replayed" in capsys.readouterr().out
        wait_until(lambda: bad in handled, "the letter that was sent back")
    assert main(["replay", "99/99"], kafka) == 1
    assert "no such dead letter" in capsys.readouterr().err


@pytest.mark.real_broker
def test_a_halted_consumer_leaves_the_rest_to_who_comes_after_the_bad_deploy(
    kafka: KafkaSettings,
) -> None:
    uuids = [uuid4() for _ in range(60)]
    publish(kafka, [message(kafka, uuid) for uuid in uuids])

    def broken(_: Received) -> None:
        raise PermanentFailure("a bad deploy")

    with consuming(kafka, broken) as loop:
        wait_until(lambda: loop.health().state is State.HALTED, "the halt")
    assert "20 messages in a row failed" in loop.health().reason
    letters = list(read_all(kafka))
    assert len(letters) == 19
    handled: list[UUID] = []
    with consuming(kafka, lambda r: handled.append(r.body.uuid)):
        wait_until(lambda: len(handled) >= 41, "the rest")
    lost = [UUID((letter.key or b"").decode()) for letter in letters]
    assert Counter(handled + lost) == Counter(uuids)


@pytest.mark.real_broker
def test_consumers_that_join_and_leave_share_the_work_and_double_none(
    kafka: KafkaSettings,
) -> None:
    uuids = [uuid4() for _ in range(1200)]
    publish(kafka, [message(kafka, uuid) for uuid in uuids])
    handled: dict[str, list[UUID]] = defaultdict(list)

    def worker(name: str) -> Callable[[Received], None]:
        def handler(received: Received) -> None:
            time.sleep(0.004)
            handled[name].append(received.body.uuid)

        return handler

    def count() -> int:
        return sum(map(len, handled.values()))

    def has_a_share() -> bool:
        """Publish more work until the rebalance is done, however long that takes."""
        if count() > len(uuids) - 400:
            more = [uuid4() for _ in range(400)]
            publish(kafka, [message(kafka, uuid) for uuid in more])
            uuids.extend(more)
        return len(handled["joins"]) > 50

    with consuming(kafka, worker("stays")):
        wait_until(lambda: len(handled["stays"]) > 50, "a start")
        with consuming(kafka, worker("joins")):
            wait_until(has_a_share, "a share of the work")
        wait_until(lambda: count() >= len(uuids), "the end")
    assert Counter(handled["stays"] + handled["joins"]) == Counter(uuids)


@pytest.mark.real_broker
def test_work_may_take_longer_than_the_poll_interval(
    kafka: KafkaSettings, record_property: Callable[[str, object], None]
) -> None:
    scale = chosen_scale()
    settings = kafka.model_copy(
        update={
            "kafka_session_timeout_seconds": scale.poll_seconds,
            "kafka_max_poll_interval_seconds": scale.poll_seconds,
        }
    )
    publish(settings, [message(settings, uuid4())])
    runs: list[int] = []

    def slow(_: Received) -> None:
        runs.append(1)
        time.sleep(scale.work_seconds)

    with consuming(settings, slow) as loop:
        wait_until(lambda: bool(runs) and loop.health().in_flight == 0, "the end of the work")
        assert loop.health().partitions == 4
    with consuming(settings, slow) as loop:
        wait_until(lambda: loop.health().partitions == 4, "the assignment")
    record_property(
        "measured",
        f"{scale.work_seconds} s of work, {scale.poll_seconds} s between polls: "
        f"all partitions kept, done {len(runs)} time",
    )
    assert runs == [1]
