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
from functools import lru_cache

from api_gateway.request import Request
from shared.logs import LogFormat

_LOGGER = "api_gateway.access"
logger = logging.getLogger(_LOGGER)

FLUSH_SECONDS = 0.2
MAX_WAITING = 200
MAX_PATH = 200

_EMAIL = re.compile(r"[^/\s]+(?:@|%40)[^/\s]+", re.IGNORECASE)
_OPTIONAL = ("upstream", "replica", "cache", "limited", "rule", "key", "error")
_quote = json.encoder.encode_basestring_ascii


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
        if not self._as_json:
            fields = _fields(request, seconds)
            logger.info("%s %s", request.method, fields["path"], extra=fields)
            return
        self._waiting.append(_as_json(request, seconds, time.time()))
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


def _path(request: Request) -> str:
    path = request.path[:MAX_PATH]
    return _EMAIL.sub("[email]", path) if "@" in path or "%40" in path else path


@lru_cache(1)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(r: Request, seconds: float, now: float) -> str:
    """What is free text is escaped; the rest holds no quote."""
    path = _quote(_path(r))
    more = ""
    if r.upstream:
        more = f', "upstream": "{r.upstream}"'
        if r.replica:
            more += f', "replica": "{r.replica}"'
        if r.cache:
            more += f', "cache": "{r.cache}"'
    if r.limited or r.rule or r.key or r.error:
        more += "".join(f', "{n}": {_quote(v)}' for n in _OPTIONAL[3:] if (v := getattr(r, n)))
    return (
        f'{{"time": "{_second(int(now))}.{int(now % 1 * 1000):03}+00:00", "level": "info", '
        f'"service": "gateway", "logger": "{_LOGGER}", '
        f'"message": "{r.method} {path[1:]}, '
        f'"request_id": "{r.id}", "method": "{r.method}", "path": {path}, '
        f'"status": {r.status}, "bytes": {r.sent_bytes}, "ms": {seconds * 1000:.1f}, '
        f'"client": "{r.client}", "route": "{r.route}"{more}}}'
    )


def _fields(request: Request, seconds: float) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": request.method,
        "path": _path(request),
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
