"""For a thread that sleeps until it is woken, some work is due, or it must stop."""

import threading


class Wakeup:
    """The thread itself calls ``wait`` and ``pause``; any thread may call ``wake`` and ``stop``."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        self._wanted.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wanted.set()

    def stopping(self) -> bool:
        return self._stopping.is_set()

    def wait(self, seconds: float | None) -> bool:
        """Sleep until woken or ``seconds`` have passed; False if the thread must stop."""
        self._wanted.wait(seconds)
        self._wanted.clear()
        return not self._stopping.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep for ``seconds``; only ``stop`` ends it early. The next ``wait`` returns at once."""
        self._stopping.wait(seconds)
        self._wanted.set()
