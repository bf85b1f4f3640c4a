"""The command ``dither-system``: what it passes on, and what it says of a running system."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import Mock

import pytest

from dither_engine import __version__
from standalone import cli


@contextmanager
def gateway(status: str) -> Iterator[str]:
    """Answers as the gateway does; the URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"status": status, "services": {"upload": {"status": status}}}
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "expected"), [("ok", 0), ("degraded", 1)])
def test_health_prints_each_part_and_tells_by_its_exit_status(
    status: str, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway(status) as url:
        assert cli.main(["health", url]) == expected
    assert capsys.readouterr().out == f"system: {status}\nupload: {status}\n"


def test_health_of_nothing_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with gateway("ok") as url:
        pass
    assert cli.main(["health", url]) == 1
    assert f"{url} does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "passed_on"),
    [
        (["migrate"], ["upload_service", "dither_service", "notification_service"]),
        (["migrate", "dither_service"], ["dither_service"]),
    ],
)
def test_migrate_is_for_all_services_or_those_named(
    arguments: list[str], passed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Mock(return_value=0)
    monkeypatch.setattr("shared.migrations.main", command)
    assert cli.main(arguments) == 0
    command.assert_called_once_with(passed_on)


def test_deadletters_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Mock(return_value=0)
    monkeypatch.setattr("shared.kafka.deadletters.main", command)
    assert cli.main(["deadletters", "show", "0/17"]) == 0
    command.assert_called_once_with(["show", "0/17"])


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["topics", "--wrong"], ["migrate", "x"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)


def test_the_version_is_the_engines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"dither-system {__version__}\n"


def test_without_the_services_it_says_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    assert cli.main(["run"]) == 1
    assert "pip install 'dither-services[services]'" in capsys.readouterr().err
