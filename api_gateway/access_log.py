"""One line a request: what was asked, what became of it, how long it took.

Neither query strings nor header fields are logged: keys and addresses could be in them. Lines are
written some at a time (what ``logging`` does for one costs a third of a request); those of the last
moment are lost with a process that is killed.
"""

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from api_gateway.request import Request
from shared.logs import LogFormat

logger = logging.getLogger("api_gateway.access")

FLUSH_SECONDS = 0.2
MAX_WAITING = 200
MAX_PATH = 200

_EMAIL = re.compile(r"[^/\s]+(?:@|%40)[^/\s]+", re.IGNORECASE)
_OPTIONAL = ("upstream", "replica", "cache", "limited", "rule", "key", "error")
_encode = json.JSONEncoder().encode


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class AccessLog:
    """Lines of the same form as all others' (``shared.logs``)."""

    def __init__(self, log_format: LogFormat, write: Callable[[str], None] = _to_stderr) -> None:
        self._as_json = log_format == "json"
        self._write = write
        self._waiting: list[str] = []

    def add(self, request: Request, seconds: float) -> None:
        fields = _fields(request, seconds)
        if not self._as_json:
            logger.info("%s %s", request.method, fields["path"], extra=fields)
            return
        now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        self._waiting.append(
            _encode(
                {
                    "time": now,
                    "level": "info",
                    "service": "gateway",
                    "logger": logger.name,
                    "message": f"{request.method} {fields['path']}",
                    "request_id": request.id,
                    **fields,
                }
            )
        )
        if len(self._waiting) >= MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            lines, self._waiting = self._waiting, []
            self._write("\n".join(lines) + "\n")

    async def run(self) -> None:
        """Flush until cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                self.flush()
        finally:
            self.flush()


def _fields(request: Request, seconds: float) -> dict[str, object]:
    path = request.path[:MAX_PATH]
    if "@" in path or "%40" in path:
        path = _EMAIL.sub("[email]", path)
    fields: dict[str, object] = {
        "method": request.method,
        "path": path,
        "status": request.status,
        "bytes": request.sent_bytes,
        "ms": round(seconds * 1000, 1),
        "client": request.client,
        "route": request.route,
    }
    for name in _OPTIONAL:
        if value := getattr(request, name):
            fields[name] = value
    return fields
