"""Wait for something that happens in another process."""

import time
from collections.abc import Callable


def until(look: Callable[[], bool], what: str, seconds: float = 600, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(pause)
