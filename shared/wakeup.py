"""The loop of a thread that sleeps until it is woken, something is due, or it is to stop."""

import threading


class Wakeup:
    """``wait`` and ``pause`` are for the thread itself, ``wake`` and ``stop`` for any other."""

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
        """Until it is woken, or ``seconds`` have passed; False when it is to stop."""
        self._wanted.wait(seconds)
        self._wanted.clear()
        return not self._stopping.is_set()

    def pause(self, seconds: float) -> None:
        """Nothing but a stop ends it before; the next ``wait`` then returns at once."""
        self._stopping.wait(seconds)
        self._wanted.set()
