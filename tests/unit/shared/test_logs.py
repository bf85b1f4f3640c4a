"""Access lines wait for each other; nothing else waits, and none is lost."""

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from shared.logs import JsonFormatter, LineHandler, log_access

END_AFTER_A_REQUEST = """
import logging
from shared.logs import configure_logging, log_access
configure_logging("gateway", log_format="{}")
log_access(logging.getLogger("http"), {{"path": "/a\\n", "status": 200}})
"""


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("http", logging.INFO)  # noqa: LOG001 - no other test logs there
    logger.addHandler(LineHandler(io.StringIO()))
    logger.handlers[0].setFormatter(JsonFormatter("test"))
    yield logger
    logger.handlers[0].close()


def written(logger: logging.Logger) -> list[dict[str, object]]:
    [handler] = logger.handlers
    assert isinstance(handler, LineHandler)
    assert isinstance(handler.stream, io.StringIO)
    return [json.loads(line) for line in handler.stream.getvalue().splitlines()]


def test_any_other_line_writes_the_access_lines_before_it(logger: logging.Logger) -> None:
    log_access(logger, {"path": "/a", "status": 200})
    log_access(logger, {"path": "/b", "status": 404})
    logger.warning("trouble", extra={"part": "x"})
    lines = written(logger)
    assert [line.get("path", line["message"]) for line in lines] == ["/a", "/b", "trouble"]
    assert (lines[0]["message"], lines[0]["level"], lines[0]["status"]) == ("request", "info", 200)
    assert lines[2]["part"] == "x"


def test_an_access_line_waits_only_for_a_moment(logger: logging.Logger) -> None:
    log_access(logger, {"path": "/a"})
    deadline = time.monotonic() + 20
    while not written(logger) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [line["path"] for line in written(logger)] == ["/a"]


def test_no_access_line_below_the_level(logger: logging.Logger) -> None:
    logger.setLevel(logging.WARNING)
    log_access(logger, {"path": "/a"})
    logger.warning("trouble")
    assert [line["message"] for line in written(logger)] == ["trouble"]


@pytest.mark.parametrize(
    ("log_format", "shown"),
    [("json", '"path":"/a\\n","status":200'), ("text", "path='/a\\n' status=200")],
)
def test_a_clean_stop_loses_no_line(log_format: str, shown: str) -> None:
    script = END_AFTER_A_REQUEST.format(log_format)
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    [line] = ended.stderr.splitlines()
    assert shown in line


def test_a_name_that_is_not_unicode_is_logged_too(logger: logging.Logger) -> None:
    logger.warning("read", extra={"file": "a\udc80\n"})
    assert [line["file"] for line in written(logger)] == ["a\udc80\n"]
