"""The parts of a process: they run side by side, come back after a crash, and end when told."""

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
import uvicorn

from api_gateway.settings import GatewaySettings
from shared import process
from shared.failures import TransientFailure
from shared.process import Threads, parse_only, wait_until_ready
from shared.settings import HttpSettings
from standalone.ports import free_port

SECONDS = 60.0


class Part:
    """Says when it runs; ends when it is stopped."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.stopped = threading.Event()

    def run(self) -> None:
        self.running.set()
        assert self.stopped.wait(SECONDS)

    def stop(self) -> None:
        self.stopped.set()


class Crashing(Part):
    def run(self) -> None:
        self.running.set()
        raise RuntimeError("a bug")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(process, "START_RETRY_SECONDS", 0.0)


def test_all_parts_run_until_they_are_stopped() -> None:
    parts = {"consumer": Part(), "relay": Part()}
    threads = Threads({"consumer": lambda: parts["consumer"], "relay": lambda: parts["relay"]})
    threads.start()
    assert all(part.running.wait(SECONDS) for part in parts.values())
    threads.stop()
    threads.join()
    assert all(part.stopped.is_set() for part in parts.values())
    assert not {thread.name for thread in threading.enumerate()} & {"consumer", "relay"}


def test_a_part_that_crashes_is_made_anew(caplog: pytest.LogCaptureFixture) -> None:
    made: Iterator[Part] = iter([Crashing(), Crashing(), last := Part()])
    threads = Threads({"consumer": lambda: next(made)})
    threads.start()
    assert last.running.wait(SECONDS)
    threads.stop()
    threads.join()
    assert last.stopped.is_set()
    failures = [r for r in caplog.records if "failed; it starts again" in r.message]
    assert [record.exc_info is not None for record in failures] == [True, True]


def test_a_part_that_cannot_be_made_yet_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[int] = []
    part = Part()

    def factory() -> Part:
        attempts.append(1)
        if len(attempts) < 3:
            raise TransientFailure("the broker is away")
        return part

    threads = Threads({"consumer": factory})
    threads.start()
    assert part.running.wait(SECONDS)
    threads.stop()
    threads.join()
    waits = [r for r in caplog.records if "must wait" in r.message]
    assert [vars(r)["reason"] for r in waits] == ["the broker is away"] * 2
    assert not any(record.exc_info for record in caplog.records)


def test_a_part_made_while_stopping_is_stopped_as_well() -> None:
    part, may_make, making = Part(), threading.Event(), threading.Event()

    def factory() -> Part:
        making.set()
        assert may_make.wait(SECONDS)
        return part

    threads = Threads({"relay": factory})
    threads.start()
    assert making.wait(SECONDS)
    threads.stop()
    may_make.set()
    threads.join()
    assert part.stopped.is_set()


def test_a_part_that_does_not_end_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.0)
    stuck = threading.Event()

    class Stuck(Part):
        def run(self) -> None:
            self.running.set()
            stuck.wait(SECONDS)

    part = Stuck()
    threads = Threads({"sender": lambda: part})
    threads.start()
    assert part.running.wait(SECONDS)
    threads.stop()
    threads.join()
    assert [vars(r)["part"] for r in caplog.records if "did not stop" in r.message] == ["sender"]
    stuck.set()


def test_a_signal_in_the_middle_of_another_does_nothing() -> None:
    """The first one holds locks that the second would wait for, on the same thread, for ever."""
    stops: list[int] = []

    class Interrupted(Threads):
        def stop(self) -> None:
            stops.append(1)
            server.handle_exit(signal.SIGTERM, None)

    server = process._Server(uvicorn.Config(_nothing), Interrupted({}))
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
    assert stops == [1]


def test_a_server_that_sleeps_is_woken_by_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "DATE_SECONDS", 1000 * SECONDS)
    server = process._Server(uvicorn.Config(_nothing), Threads({}))

    async def run_and_stop() -> None:
        loop = asyncio.create_task(server.main_loop())
        await asyncio.sleep(0)
        server.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(loop, SECONDS)

    asyncio.run(run_and_stop())
    assert server.should_exit


async def _nothing(*_: object) -> None:
    """An app."""


def test_a_service_waits_for_what_it_needs_at_start() -> None:
    attempts: list[int] = []

    def prepare() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise TransientFailure("the database is not available")

    wait_until_ready(prepare, "the database")
    assert len(attempts) == 3


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [([], (True, True)), (["--only", "api"], (True, False)), (["--only=consumer"], (False, True))],
)
def test_the_command_line_says_what_to_run(arguments: list[str], parts: tuple[bool, bool]) -> None:
    assert parse_only("upload_service", arguments) == parts


def test_the_command_line_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_only("upload_service", ["--only", "everything"])
    assert "python -m upload_service.main" in capsys.readouterr().err


def test_connections_stay_open_longer_than_proxies_keep_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configs: list[uvicorn.Config] = []

    def run(self: process._Server, sockets: list[socket.socket]) -> None:
        configs.append(self.config)
        sockets[0].close()

    monkeypatch.setattr(process._Server, "run", run)
    process.serve(Mock(), HttpSettings(port=free_port()), Threads({}))
    assert configs[0].timeout_keep_alive > 60
    assert GatewaySettings(gateway_trusted_proxies="10.0.0.0/8").idle_seconds > 60
