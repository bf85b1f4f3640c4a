"""Postgres servers from the system's package: with TLS, and in pairs of a primary and a standby."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import trustme

from standalone.ports import free_port
from standalone.postgres_account import find_account
from standalone.postgres_process import end, launch
from tests.support.guard import Guard

USER, PASSWORD = "dither", "a-password"
_SECONDS = 60.0
_POLL_SECONDS = 0.05


def find_programs() -> Path | None:
    """Debian's place for them; the embedded Postgres is built without TLS."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    return found[-1] if found else None


class SystemPostgres:
    """One server on 127.0.0.1, a new cluster or a standby of another. ``ca`` signs for it."""

    def __init__(self, ca: trustme.CA, *, standby_of: "SystemPostgres | None" = None) -> None:
        programs = find_programs()
        assert programs is not None
        self._programs = programs
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="dither-postgres-"))
        self._cluster = self.home / "cluster"
        self._account = find_account(self._cluster)
        self._account.own(self.home)
        self._write("password", PASSWORD)
        issued = ca.issue_cert("127.0.0.1")
        self._write("server.key", issued.private_key_pem.bytes().decode())
        self._write("server.crt", issued.cert_chain_pems[0].bytes().decode())
        if standby_of is None:
            self._run("initdb", f"--username={USER}", f"--pwfile={self.home / 'password'}",
                      "--auth=scram-sha-256", "--no-sync")  # fmt: skip
        else:
            self._run("pg_basebackup", "--write-recovery-conf", "--no-sync",
                      f"--dbname=postgresql://{USER}:{PASSWORD}@{standby_of.place}/")  # fmt: skip
        self._start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "promote", "--wait")

    def stop(self) -> None:
        self._guard.release()
        if self._process.poll() is None:
            end(self._process)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": self.home / "server.crt",
            "ssl_key_file": self.home / "server.key",
            "fsync": "off",
        }
        self._process = launch(
            self._programs,
            self._cluster,
            self.port,
            settings,
            log=self.home / "log",
            account=self._account,
        )
        self._guard = Guard(self._process.pid)
        self._wait(time.monotonic() + _SECONDS)

    def _wait(self, deadline: float) -> None:
        while True:
            try:
                url = f"postgresql://{USER}:{PASSWORD}@{self.place}/postgres"
                with closing(psycopg2.connect(url, connect_timeout=5)):
                    return
            except psycopg2.OperationalError:
                log = (self.home / "log").read_text(errors="replace")
                assert self._process.poll() is None, log[-2000:]
                assert time.monotonic() < deadline, log[-2000:]
            time.sleep(_POLL_SECONDS)

    def _write(self, name: str, text: str) -> None:
        path = self.home / name
        path.touch(mode=0o600)
        path.write_text(text)
        self._account.own(path)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments, f"--pgdata={self._cluster}"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **self._account.popen_options(),
        )
        assert done.returncode == 0, done.stderr
