"""A connection pooler in front of the database."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg2.extensions import parse_dsn

from standalone.ports import free_port
from tests.support.guard import Guard

_SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"
_WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.05


def find_pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=_SEARCHED)


@contextmanager
def pgbouncer(dsn: str, pool_size: int) -> Iterator[str]:
    """Run Debian's PgBouncer in transaction mode for the database at ``dsn``; yields its URL."""
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
