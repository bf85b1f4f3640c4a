"""Work for worker processes that goes wrong in every way; loaded by their nursery only."""

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

_seen: list[str] = []


def warm() -> None:
    """Nothing to load."""


def handle(call: str, arguments: Mapping[str, Any], data: bytes) -> tuple[Any, bytes]:
    _seen.append(call)
    if call == "echo":
        return {"seen": len(_seen), "pid": os.getpid(), **arguments}, data
    if call == "environment":
        return dict(os.environ), b""
    if call == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if call == "spin":
        while True:
            pass
    if call == "sleep":
        time.sleep(60)
    if call == "eat":
        return len(bytearray(int(arguments["bytes"]))), b""
    if call == "grow":
        _seen.extend(str(number) for number in range(arguments["count"]))
        return {"pid": os.getpid()}, b""
    raise ZeroDivisionError("a fault of the work")
