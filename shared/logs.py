"""Structured logs: one line per event on stderr, JSON by default."""

import contextlib
import json
import logging
import sys
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, TextIO

from pydantic_core import to_json

from shared.context import current_request_id, current_trace_id

LogFormat = Literal["json", "text"]

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "service",
    "request_id",
}

# How long an access line may be buffered, so that several are written together.
ACCESS_LINE_SECONDS = 0.1
MAX_WAITING_LINES = 500

# Every access line's record begins as a copy of this one: making one costs as much as all the rest.
_ACCESS = vars(logging.LogRecord("", logging.INFO, "", 0, "request", None, None))


def log_access(logger: logging.Logger, fields: dict[str, object]) -> None:
    """One INFO line, ``request``, with ``fields``; it is buffered (see ``LineHandler``)."""
    if logger.isEnabledFor(logging.INFO):
        record = logging.LogRecord.__new__(logging.LogRecord)
        now = time.time()
        own = {"name": logger.name, "created": now, "msecs": now % 1 * 1000, "access": fields}
        record.__dict__ = _ACCESS | own
        logger.handle(record)


def _extra_fields(record: logging.LogRecord) -> dict[str, object]:
    access: dict[str, object] | None = vars(record).get("access")
    if access is not None:
        return access
    return {k: v for k, v in vars(record).items() if k not in _STANDARD_ATTRIBUTES}


@lru_cache(2)
def _second(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JsonFormatter(logging.Formatter):
    """One JSON object per line. JSON escapes control characters, so no value can forge a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}+00:00",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := current_request_id()) is not None:
            entry["request_id"] = request_id
        if (trace_id := current_trace_id()) is not None:
            entry["trace_id"] = trace_id
        entry.update(_extra_fields(record))
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        try:
            return to_json(entry, fallback=str, ensure_ascii=True).decode("ascii")
        except ValueError:  # a lone surrogate, which only the slower encoder takes
            return json.dumps(entry, default=str)


class TextFormatter(logging.Formatter):
    """For a person at a terminal."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        # ascii() keeps a control character of a logged value from moving the cursor.
        fields = "".join(f" {k}={v!a}" for k, v in _extra_fields(record).items())
        message = record.getMessage().encode("unicode_escape").decode("ascii")
        line = f"{time} {record.levelname:<7} {self._service}: {message}{fields}"
        if (request_id := current_request_id()) is not None:
            line += f" request_id={request_id}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class LineHandler(logging.StreamHandler[TextIO]):
    """Buffers access lines for up to 0.1 s; any other line is written at once, after them.

    ``logging`` flushes its handlers when the process ends, so a clean stop loses no line.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._are_waiting = threading.Event()
        threading.Thread(target=self._write_waiting, name="access lines", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record))
            if "access" not in vars(record) or len(self._lines) >= MAX_WAITING_LINES:
                self.flush()
            elif not self._are_waiting.is_set():
                self._are_waiting.set()
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)

    def flush(self) -> None:
        self.acquire()
        try:
            if self._lines:
                text = "\n".join(self._lines) + "\n"
                self._lines.clear()
                self.stream.write(text)
            super().flush()
        finally:
            self.release()

    def _write_waiting(self) -> None:
        while self._are_waiting.wait():
            time.sleep(ACCESS_LINE_SECONDS)
            self._are_waiting.clear()
            with contextlib.suppress(OSError, ValueError):  # stderr is closed
                self.flush()


def _leave_out_what_no_line_shows() -> None:
    """Do not look up the caller, thread, process and task: that costs as much as the whole line."""
    logging._srcfile = None  # see "Optimization" in the documentation of logging
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False


def configure_logging(service: str, *, level: str = "INFO", log_format: LogFormat = "json") -> None:
    """Send every logger's lines to stderr. Called once, by a service's main."""
    _leave_out_what_no_line_shows()
    handler = LineHandler(sys.stderr)
    formatter = JsonFormatter(service) if log_format == "json" else TextFormatter(service)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The services write their own access lines; uvicorn's would repeat them.
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("urllib3", "alembic", "cloudinary"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
