"""One line a request: what was asked, what became of it, how long it took.

Neither query strings nor header fields are logged: keys and addresses could be in them.
"""

import logging
import re

from api_gateway.request import Request

logger = logging.getLogger("api_gateway.access")

_EMAIL = re.compile(r"[^/\s]+(?:@|%40)[^/\s]+", re.IGNORECASE)
MAX_PATH = 200


def log_request(request: Request, seconds: float) -> None:
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
    for name in ("upstream", "replica", "cache", "limited", "rule", "key", "error"):
        if value := getattr(request, name):
            fields[name] = value
    logger.info("%s %s", request.method, path, extra=fields)
