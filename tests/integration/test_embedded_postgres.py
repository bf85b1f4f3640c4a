"""The Postgres of `make run`: its data survive every kind of stop and crash."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from standalone.postgres import EmbeddedPostgres
from standalone.postgres_account import PostgresUnusableError
from tests.support.postgres import PostgresServer, create_database, drop_database, environment


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "data" / "postgres"


def execute(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(server.dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        connection.commit()
        return rows


def test_each_service_owns_its_schema_and_reads_no_other(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        # As an older version left it: everything is the first user's.
        execute(server, "CREATE SCHEMA upload")
        execute(server, "CREATE TABLE upload.images (id bigint GENERATED ALWAYS AS IDENTITY)")
        first, again = server.services(), server.services()
        assert first != again, "each start makes other passwords"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(first["upload"])
        with closing(psycopg2.connect(again["upload"])) as own, own.cursor() as cursor:
            cursor.execute("INSERT INTO upload.images DEFAULT VALUES")
            cursor.execute("ALTER TABLE upload.images ADD COLUMN note text")
            cursor.execute("CREATE TABLE upload.more (id int)")
            own.commit()
        for other in ("dither", "notification"):
            with closing(psycopg2.connect(again[other])) as foreign, foreign.cursor() as cursor:
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute("SELECT * FROM upload.images")
                foreign.rollback()
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute("CREATE ROLE another SUPERUSER")


def test_a_life_with_a_clean_stop_and_a_kill(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, max_connections=7)
    server.start()
    port, password = server.port, server.password
    execute(server, "CREATE TABLE kept (id uuid DEFAULT gen_random_uuid(), text text)")
    execute(server, "INSERT INTO kept (text) VALUES ('first')")
    assert execute(server, "SHOW max_connections") == [("7",)]
    assert execute(server, "SHOW server_encoding") == [("UTF8",)]
    server.stop()

    server.start()
    assert (server.port, server.password) == (port, password)
    execute(server, "INSERT INTO kept (text) VALUES ('second')")
    server.kill()

    server.start()
    assert execute(server, "SELECT text FROM kept") == [("first",), ("second",)]
    server.stop()

    with EmbeddedPostgres(data_dir) as another:
        assert execute(another, "SELECT count(*) FROM kept") == [(2,)]


def test_it_listens_on_loopback_and_wants_the_password(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        assert execute(server, "SHOW listen_addresses") == [("127.0.0.1",)]
        assert execute(server, "SHOW unix_socket_directories") == [("",)]
        assert execute(server, "SHOW password_encryption") == [("scram-sha-256",)]
        assert stat.S_IMODE((server.home / "password").stat().st_mode) == 0o600
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(server.dsn.replace(server.password, "wrong"))


def test_directories_above_the_data_keep_their_rights(data_dir: Path) -> None:
    above = data_dir.parent.parent
    above.chmod(0o700)
    with EmbeddedPostgres(data_dir) as server:
        assert execute(server, "SELECT 1") == [(1,)]
        assert stat.S_IMODE(above.stat().st_mode) == 0o700
        moved = server.home != data_dir.absolute()
        assert moved == (os.geteuid() == 0)
    if moved:
        assert (data_dir / "moved").read_text().strip() == str(server.home)
        shutil.rmtree(server.home)


def test_a_stop_does_not_wait_for_open_sessions(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("standalone.postgres_process._FAST_SECONDS", 60.0)
    server = EmbeddedPostgres(data_dir)
    server.start()
    with closing(psycopg2.connect(server.dsn)) as connection:
        connection.cursor().execute("SELECT 1")
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 50  # it was not killed after the timeout of 60 s
    server.stop()


def test_a_server_that_outlived_its_launcher_is_replaced(data_dir: Path) -> None:
    launch = (
        "import os, sys; from pathlib import Path;"
        "from standalone.postgres import EmbeddedPostgres;"
        "server = EmbeddedPostgres(Path(sys.argv[1])); server.start();"
        "print(server.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    launcher = subprocess.run(
        [sys.executable, "-c", launch, str(data_dir)], capture_output=True, text=True, check=False
    )
    assert launcher.returncode == -signal.SIGKILL, launcher.stderr
    orphan = int(launcher.stdout)
    with EmbeddedPostgres(data_dir) as server:
        assert execute(server, "SELECT 1") == [(1,)]
        assert server.pid != orphan
    assert not Path(f"/proc/{orphan}/exe").exists()


def test_a_process_id_that_is_somebody_elses_is_no_server(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        pid_file = server.home / "cluster" / "postmaster.pid"
        lines = pid_file.read_text().split("\n", 1)[1]
        server.kill()
        with subprocess.Popen(["sleep", "60"]) as stranger:
            pid_file.write_text(f"{stranger.pid}\n{lines}")
            server.start()
            assert stranger.poll() is None
            stranger.kill()
        assert execute(server, "SELECT 1") == [(1,)]


def test_half_an_initdb_is_made_anew(data_dir: Path) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / "cluster.new").mkdir()
    (data_dir / "cluster.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(data_dir) as server:
        assert execute(server, "SELECT 1") == [(1,)]


def test_a_port_in_use_is_named(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PostgresUnusableError, match=f'port {port}|"127.0.0.1"'):
            EmbeddedPostgres(data_dir, port=port).start()


def test_each_test_module_gets_a_database_of_its_own(postgres_server: PostgresServer) -> None:
    dsn, other = create_database(postgres_server), create_database(postgres_server)
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE here (id int)")
        connection.commit()
    with closing(psycopg2.connect(other)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.UndefinedTable):
            cursor.execute("SELECT * FROM here")
        drop_database(postgres_server, dsn)
    drop_database(postgres_server, other)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(other)
    assert environment(dsn)["POSTGRES_DB"].startswith("test_")
