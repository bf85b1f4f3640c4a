"""What only the faults need: a Postgres that keeps its word, a pooler, a port of the dead."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg2.extensions import parse_dsn

from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.support.guard import Guard

_SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"
_WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.05


class DurablePostgres:
    """What it has committed survives its own SIGKILL, unlike that of the tests' fast server.

    Only a power cut would cost something: ``fsync`` is off.
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
        """SIGKILL; ``start`` brings it back on its port."""
        self._guard.release()
        self._server.kill()

    def stop(self) -> None:
        self._guard.release()
        self._server.stop()
        shutil.rmtree(self._server.home, ignore_errors=True)
        shutil.rmtree(self._directory, ignore_errors=True)


class DeadPort:
    """Where a server was: hangs up on whoever comes, and counts them. A context."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._answer, name="dead port")
        self._socket = socket.socket()
        self.visitors = 0

    def __enter__(self) -> "DeadPort":
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _until(self._bind, f"port {self._address[1]} to be free")
        self._socket.listen(64)
        self._socket.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _bind(self) -> bool:
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


def find_pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=_SEARCHED)


@contextmanager
def pgbouncer(dsn: str, pool_size: int) -> Iterator[str]:
    """Debian's PgBouncer in transaction mode before the database at ``dsn``; its own URL."""
    program = find_pgbouncer()
    assert program is not None
    parts = parse_dsn(dsn)
    port = free_port()
    directory = Path(tempfile.mkdtemp(prefix="dither-pgbouncer-"))
    settings = directory / "pgbouncer.ini"
    settings.write_text(
        "[databases]\n"
        f"pooled = host={parts['host']} port={parts['port']} dbname={parts['dbname']} "
        f"user={parts['user']} password={parts['password']}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\n"
        f"default_pool_size = {pool_size}\nmax_client_conn = 100\n"
    )
    options: dict[str, object] = {}
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(directory, "nobody", "nogroup")
        options["user"] = "nobody"
    settings.chmod(0o644)
    process = subprocess.Popen(
        [program, "-q", str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,  # type: ignore[call-overload] # its overloads know no dict
    )
    guard = Guard(process.pid)
    try:
        _until(lambda: _answers(port), "PgBouncer")
        yield f"postgresql://{parts['user']}:any@127.0.0.1:{port}/pooled"
    finally:
        guard.release()
        process.kill()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {_WAIT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
