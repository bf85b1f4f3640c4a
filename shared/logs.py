"""Structured logs: one line per event on stderr, JSON by default."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from shared.context import current_request_id

LogFormat = Literal["json", "text"]

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "service",
    "request_id",
}


def _extra_fields(record: logging.LogRecord) -> dict[str, object]:
    return {k: v for k, v in vars(record).items() if k not in _STANDARD_ATTRIBUTES}


class JsonFormatter(logging.Formatter):
    """One JSON object a line. JSON escapes control characters, so no value can forge a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := current_request_id()) is not None:
            entry["request_id"] = request_id
        entry.update(_extra_fields(record))
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=True)


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


def _leave_out_what_no_line_shows() -> None:
    """The record's caller, thread, process and task take as long to find as the rest of a line."""
    logging._srcfile = None  # as "Optimization" in logging's documentation says
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False


def configure_logging(service: str, *, level: str = "INFO", log_format: LogFormat = "json") -> None:
    """Send every logger's lines to stderr. Called once, by a service's main."""
    _leave_out_what_no_line_shows()
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonFormatter(service) if log_format == "json" else TextFormatter(service)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # The services write their own access line; these would say everything twice.
    logging.getLogger("uvicorn.access").disabled = True
    for chatty in ("urllib3", "alembic", "cloudinary"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
