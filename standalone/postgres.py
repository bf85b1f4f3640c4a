"""An embedded Postgres: the programs come from a wheel, for machines without a server."""

import atexit
import logging
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2

from shared.roles import hand_over, role_of
from standalone.ports import free_port
from standalone.postgres_account import (
    PostgresUnusableError,
    find_account,
    find_home,
    find_programs,
)
from standalone.postgres_process import end, launch, stop_leftover

SCHEMAS = ("upload", "dither", "notification")
_CLUSTER = "cluster"
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02

_log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """One server on 127.0.0.1; its data are kept when it stops.

    `data_dir` is created if missing. It holds the cluster, the generated password and the log of
    the last run. With `port` 0 a free port is chosen at the first start and kept. `settings` are
    additional server parameters (`{"fsync": "off"}`).
    """

    host = "127.0.0.1"
    user = "dither"
    database = "dither"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        max_connections: int = 30,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.password = ""
        self._data_dir = data_dir.absolute()
        self._settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": "",
            "max_connections": str(max_connections),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster while it runs."""
        return self._process.pid if self._process else None

    @property
    def home(self) -> Path:
        """The directory of the data: `data_dir`, unless Postgres' account cannot enter it."""
        return self._home

    def start(self) -> None:
        """Return when the server accepts connections and the database exists.

        The data of a killed server are recovered. A server that still runs, because only its
        launcher was killed, is stopped first. Raises PostgresUnusableError.
        """
        try:
            self._prepare()
            stop_leftover(self._cluster)
        except OSError as error:
            raise PostgresUnusableError(
                f"cannot use the database in {self._data_dir}: {error}"
            ) from error
        atexit.register(self.stop)
        self._run_until_ready(time.monotonic() + _START_SECONDS)
        self._ensure_database()

    def services(self) -> dict[str, str]:
        """A DSN for each service's schema: a role of its own, with a password for this run."""
        passwords = {schema: secrets.token_urlsafe(24) for schema in SCHEMAS}
        with (
            closing(psycopg2.connect(self.dsn, connect_timeout=10)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            for schema, password in passwords.items():
                hand_over(cursor.execute, schema, password)
        place = f"{self.host}:{self.port}/{self.database}"
        return {
            schema: f"postgresql://{role_of(schema)}:{password}@{place}"
            for schema, password in passwords.items()
        }

    def stop(self) -> None:
        """End all sessions and the server; if that takes too long, kill it (start recovers)."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process is None:
            return
        end(process)

    def kill(self) -> None:
        """Send SIGKILL, for tests; `start` recovers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self._account = find_account(self._data_dir / _CLUSTER)
        self._programs = find_programs(self._account)
        self._home = find_home(self._data_dir, self._account)
        self._cluster = self._home / _CLUSTER
        self.password = self._ensure_password()
        if not self._cluster.exists():
            self._init_cluster()

    def _ensure_password(self) -> str:
        path = self._home / "password"
        if not path.exists():
            unfinished = path.with_name("password.new")
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_urlsafe(24))
            self._account.own(unfinished)
            unfinished.rename(path)
        return path.read_text()

    def _init_cluster(self) -> None:
        _log.info("making the database in %s", self._home)
        unfinished = self._home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.own(unfinished)
        command = [
            str(self._programs / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={self.user}",
            f"--pwfile={self._home / 'password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, **self._account.popen_options()
        )
        if done.returncode != 0:
            raise PostgresUnusableError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        unfinished.rename(self._cluster)

    def _run_until_ready(self, deadline: float) -> None:
        """Start the server; retry if its port was taken or old shared memory is still in use."""
        wanted_port = self.port
        while True:
            self.port = wanted_port or free_port()
            self._launch()
            while time.monotonic() < deadline:
                if self._is_ready():
                    return
                if self._process is None or self._process.poll() is not None:
                    break
                time.sleep(_POLL_SECONDS)
            text = self._log_tail()
            self.stop()
            transient = "still in use" in text or ("could not bind" in text and not wanted_port)
            if not transient or time.monotonic() > deadline:
                raise PostgresUnusableError(f"Postgres did not start; its log ends with: {text}")
            time.sleep(_POLL_SECONDS)

    def _launch(self) -> None:
        self._process = launch(
            self._programs,
            self._cluster,
            self.port,
            self._settings,
            log=self._home / "log",
            account=self._account,
        )

    def _is_ready(self) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # The eighth line is the state, which pg_ctl waits for as well.
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _log_tail(self) -> str:
        return (self._home / "log").read_text(errors="replace")[-1000:].strip()

    def _ensure_database(self) -> None:
        dsn = self.dsn.removesuffix(self.database) + "postgres"
        with closing(psycopg2.connect(dsn, connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self.database,))
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{self.database}"')
