import os
import signal

import pytest

from shared import failpoints


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that this process would have sent itself."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    return sent


def arm(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FAILPOINTS", text)
    monkeypatch.setattr(failpoints, "_countdown", failpoints._armed())


def test_the_process_is_killed_at_the_nth_hit(
    monkeypatch: pytest.MonkeyPatch, kills: list[int]
) -> None:
    arm(monkeypatch, "a.b=3,c")
    failpoints.hit("a.b")
    failpoints.hit("a.b")
    failpoints.hit("elsewhere")
    assert kills == []
    failpoints.hit("a.b")
    failpoints.hit("c")
    assert kills == [signal.SIGKILL] * 2


def test_unset_nothing_happens(monkeypatch: pytest.MonkeyPatch, kills: list[int]) -> None:
    arm(monkeypatch, "")
    failpoints.hit("a.b")
    assert kills == []
