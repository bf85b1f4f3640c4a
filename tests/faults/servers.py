"""Servers that tests take down: a durable Postgres, and a port that drops all connections."""

import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from standalone.postgres import EmbeddedPostgres
from tests.support.guard import Guard

_WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.05


class DurablePostgres:
    """A Postgres whose commits survive its SIGKILL, unlike those of the tests' fast server.

    Only a power cut would lose data: ``fsync`` is off. A context manager: it runs inside.
    """

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="dither-postgres-"))
        self._server = EmbeddedPostgres(
            self._directory, max_connections=50, settings={"fsync": "off"}
        )
        self._guard = Guard(None)

    @property
    def dsn(self) -> str:
        return self._server.dsn

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> None:
        self._server.start()
        self._guard = Guard(self._server.pid)

    def kill(self) -> None:
        """Send SIGKILL; ``start`` restarts it on the same port with its data."""
        self._guard.release()
        self._server.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.release()
        self._server.stop()
        shutil.rmtree(self._server.home, ignore_errors=True)
        shutil.rmtree(self._directory, ignore_errors=True)


class DeadPort:
    """The port of a dead server: closes and counts every connection. A context manager."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._answer, name="dead port")
        self._socket = socket.socket()
        self.visitors = 0

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + _WAIT_SECONDS
        while not self._bound():
            assert time.monotonic() < deadline, f"port {self._address[1]} does not become free"
            time.sleep(_POLL_SECONDS)
        self._socket.listen(64)
        self._socket.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _bound(self) -> bool:
        try:
            self._socket.bind(self._address)
        except OSError:
            return False
        return True

    def _answer(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                connection, _ = self._socket.accept()
                connection.close()
                self.visitors += 1
