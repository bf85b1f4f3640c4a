"""How a service's consumer is put together; what it does with a broker is in tests/integration."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from shared import assembly
from shared.assembly import Consumer
from shared.failures import TransientFailure
from shared.kafka.access import AccessError
from shared.kafka.codec import Received
from shared.kafka.processing import Handlers
from shared.messages import ImageDeleted, ImageUploaded
from shared.settings import ServiceSettings

TOPICS = ["images", "dithers"]


def consumer(handlers: Handlers | None = None, workers: int = 2) -> Consumer:
    settings = ServiceSettings(consumer_workers=workers, kafka_group_prefix="ann-")
    return Consumer(settings, "dither", TOPICS, handlers or {}, writes=["dithers"])


def test_the_loops_together_work_on_so_many_messages_at_once() -> None:
    running: list[int] = []
    most: list[int] = []

    def handler(batch: Sequence[Received]) -> int:
        running.append(1)
        most.append(len(running))
        running.pop()
        return len(batch)

    handlers = consumer({ImageDeleted: handler, ImageUploaded: handler}, workers=2)._handlers
    limited = handlers[ImageDeleted]
    assert handlers[ImageUploaded] is limited, "messages of both types are one batch"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(limited, [cast(list[Received], [])] * 400))
    assert len(most) == 400
    assert max(most) <= 2


def test_each_topic_has_a_group_of_its_own_and_a_missing_right_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, list[str], list[str]]] = []

    def refuse(_: object, *, group: str, reads: list[str], writes: list[str]) -> None:
        asked.append((group, reads, writes))
        raise AccessError(f"no right to {group}")

    monkeypatch.setattr(assembly, "check_access", refuse)
    made = consumer()
    assert made.health().status == "degraded"
    for _ in range(3):
        for factory in made.factories().values():
            with pytest.raises(TransientFailure):
                factory()
    assert asked[:2] == [
        ("ann-dither-images", ["images"], ["dithers", "dead-letters"]),
        ("ann-dither-dithers", ["dithers"], []),
    ]
    trouble = "no right to ann-dither-images; no right to ann-dither-dithers"
    assert made.health().details["detail"] == trouble
    assert made.health().status == "down"
    assert sorted(r.message for r in caplog.records) == sorted(trouble.split("; "))
