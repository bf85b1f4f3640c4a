"""Ports for the servers that we start."""

import random

import pytest

from standalone.ports import free_port


def test_a_port_is_given_once_though_nobody_listens_on_it_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, other = free_port(), free_port()
    fresh = random.randint(15_000, 32_000)
    while fresh in {first, other}:
        fresh += 1
    drawn = iter([first, other, first, *range(fresh, 33_000)])
    monkeypatch.setattr("standalone.ports.random.randint", lambda *_: next(drawn))
    assert free_port() >= fresh
