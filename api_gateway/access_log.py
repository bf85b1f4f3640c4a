"""One line a request: what was asked, what became of it, how long it took.

Neither query strings nor header fields are logged: keys and addresses could be in them. Lines are
made and written some at a time: what ``logging`` does for one costs a third of a request, and even
a line alone, made between two requests, twice as much as one of many. Those of the last moment are
lost with a process that is killed.
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
_WHERE = ("upstream", "replica", "cache")
_WHY = ("limited", "rule", "key", "error")
# Time, seconds, id, method, path, status, bytes, client, route, those of _WHERE, those of _WHY.
_Why = tuple[str, str, str | None, str]
_Facts = tuple[
    float, float, str, str, str, int, int, str, str, str, str, str, _Why | None
]  # fmt: skip
_quote = json.encoder.encode_basestring_ascii


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


class AccessLog:
    """Lines of the same form as all others' (``shared.logs``)."""

    def __init__(self, log_format: LogFormat, write: Callable[[str], None] = _to_stderr) -> None:
        self._as_json = log_format == "json"
        self._write = write
        self._waiting: list[_Facts] = []

    def add(self, r: Request, seconds: float) -> None:
        if not self._as_json:
            fields = _fields(r, seconds)
            logger.info("%s %s", r.method, fields["path"], extra=fields)
            return
        why = None
        if r.limited or r.rule or r.key or r.error:
            why = (r.limited, r.rule, r.key, r.error)
        self._waiting.append(
            (
                time.time(), seconds, r.id, r.method, r.path, r.status, r.sent_bytes, r.client,
                r.route, r.upstream, r.replica, r.cache, why,
            )
        )  # fmt: skip
        if len(self._waiting) >= MAX_WAITING:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._write("\n".join(map(_line, waiting)) + "\n")

    async def run(self) -> None:
        """Flush until cancelled."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                self.flush()
        finally:
            self.flush()


def _shown(path: str) -> str:
    path = path[:MAX_PATH]
    return _EMAIL.sub("[email]", path) if "@" in path or "%40" in path else path


@lru_cache(1)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _line(facts: _Facts) -> str:
    """What is free text is escaped; the rest holds no quote."""
    (
        now, seconds, request_id, method, path, status, sent, client,
        route, upstream, replica, cache, why,
    ) = facts  # fmt: skip
    path = _quote(_shown(path))
    more = ""
    if upstream:
        more = f', "upstream": "{upstream}"'
        if replica:
            more += f', "replica": "{replica}"'
        if cache:
            more += f', "cache": "{cache}"'
    if why is not None:
        named = zip(_WHY, why, strict=True)
        more += "".join(f', "{name}": {_quote(value)}' for name, value in named if value)
    return (
        f'{{"time": "{_second(int(now))}.{int(now % 1 * 1000):03}+00:00", "level": "info", '
        f'"service": "gateway", "logger": "{_LOGGER}", '
        f'"message": "{method} {path[1:]}, '
        f'"request_id": "{request_id}", "method": "{method}", "path": {path}, '
        f'"status": {status}, "bytes": {sent}, "ms": {seconds * 1000:.1f}, '
        f'"client": "{client}", "route": "{route}"{more}}}'
    )


def _fields(request: Request, seconds: float) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": request.method,
        "path": _shown(request.path),
        "status": request.status,
        "bytes": request.sent_bytes,
        "ms": round(seconds * 1000, 1),
        "client": request.client,
        "route": request.route,
    }
    for name in (*_WHERE, *_WHY):
        if value := getattr(request, name):
            fields[name] = value
    return fields
