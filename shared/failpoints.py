"""Named points at which a test can kill the process, to see the state after a crash there.

``FAILPOINTS=name=n,name=n`` kills the process (SIGKILL) when the point is hit for the n-th time.
When it is unset, as outside tests, a point costs one lookup in an empty dict.
"""

import os
import signal
import threading

_lock = threading.Lock()


def _armed() -> dict[str, int]:
    points = {}
    for item in filter(None, os.environ.get("FAILPOINTS", "").split(",")):
        name, _, count = item.partition("=")
        points[name] = int(count or 1)
    return points


_countdown = _armed()


def hit(name: str) -> None:
    """Mark that execution reached the point ``name``."""
    if not _countdown:
        return
    with _lock:
        if name not in _countdown:
            return
        _countdown[name] -= 1
        if _countdown[name] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
