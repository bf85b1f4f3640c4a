"""Health: the worst part is the whole's word, and asking often costs nothing."""

from typing import cast

import pytest

from shared.failures import TransientFailure
from shared.health import FRESH_SECONDS, Check, Health, Part, consumer_part
from shared.kafka.consumer import ConsumerHealth, ConsumerLoop, State


def constant(status: str) -> Check:
    return lambda: Part(status)


def away() -> Part:
    raise TransientFailure("the database is not available")


@pytest.mark.parametrize(
    ("parts", "status", "word"),
    [
        ([], 200, "ok"),
        (["ok", "ok"], 200, "ok"),
        (["ok", "degraded"], 200, "degraded"),
        (["degraded", "down", "ok"], 503, "down"),
    ],
)
def test_the_worst_part_decides(parts: list[str], status: int, word: str) -> None:
    health = Health("upload", {f"part{i}": constant(part) for i, part in enumerate(parts)})
    answered, report = health.report()
    assert (answered, report["status"], report["service"]) == (status, word, "upload")
    assert [part["status"] for part in report["parts"].values()] == parts


def test_a_part_that_fails_to_answer_is_down_and_says_why() -> None:
    status, report = Health("upload", {"database": away}).report()
    assert status == 503
    assert report["parts"]["database"] == {
        "status": "down",
        "detail": "the database is not available",
    }


def test_parts_are_asked_once_a_second_at_most() -> None:
    asked: list[float] = []
    now = 100.0

    def check() -> Part:
        asked.append(now)
        return Part("ok", {"asked": len(asked)})

    health = Health("upload", {"database": check}, clock=lambda: now)
    for _ in range(5):
        health.report()
    now += FRESH_SECONDS
    _, report = health.report()
    assert asked == [100.0, 100.0 + FRESH_SECONDS]
    assert report["parts"]["database"]["asked"] == 2


class Loop:
    """As much of a consumer loop as its health."""

    def __init__(self, state: State, reason: str = "", *, kafka_answers: bool = True) -> None:
        self._health = ConsumerHealth(state, reason, 4, 1, 7, 2, 0, kafka_answers)

    def health(self) -> ConsumerHealth:
        return self._health


def loops(*states: State) -> list[ConsumerLoop]:
    return cast(list[ConsumerLoop], [Loop(state) for state in states])


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.STARTING, "degraded"),
        (State.RUNNING, "ok"),
        (State.HALTED, "down"),
        (State.STOPPED, "down"),
    ],
)
def test_a_consumer_that_halted_is_down(state: State, word: str) -> None:
    part = consumer_part(loops(State.RUNNING, state))
    assert part.status == word
    assert part.details["lag"] == 14
    assert "detail" not in part.details


def test_a_consumer_says_why_it_halted() -> None:
    part = consumer_part(
        cast(list[ConsumerLoop], [Loop(State.RUNNING), Loop(State.HALTED, "20 in a row")])
    )
    assert part.details["detail"] == "20 in a row"


@pytest.mark.parametrize(("state", "word"), [(State.RUNNING, "degraded"), (State.HALTED, "down")])
def test_a_kafka_that_does_not_answer_is_seen(state: State, word: str) -> None:
    silent = Loop(state, kafka_answers=False)
    part = consumer_part(cast(list[ConsumerLoop], [Loop(State.RUNNING), silent]))
    assert (part.status, part.details["detail"]) == (word, "Kafka does not answer")
