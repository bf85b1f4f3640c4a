"""DATABASE_URL as providers write it: several hosts, TLS, poolers, a database that starts."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from psycopg2.extensions import parse_dsn
from sqlalchemy import text

from shared.database import Database
from shared.failures import TransientFailure
from shared.settings import DatabaseSettings
from tests.faults.pooler import find_pgbouncer, pgbouncer
from tests.support.system import wait_for
from tests.support.system_postgres import PASSWORD, USER, SystemPostgres, find_programs

needs_system_postgres = pytest.mark.skipif(
    find_programs() is None, reason="needs the package postgresql"
)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def primary(ca: trustme.CA) -> Iterator[SystemPostgres]:
    server = SystemPostgres(ca)
    yield server
    server.remove()


def open_database(url: str, **more: object) -> Database:
    return Database(DatabaseSettings.model_validate({"database_url": url, **more}), "test")


def parameters(database: Database) -> dict[str, str]:
    """What libpq was told."""
    connection = database.engine.raw_connection()
    try:
        driver: Any = connection.driver_connection
        return dict(driver.info.dsn_parameters)
    finally:
        connection.close()


@needs_system_postgres
def test_of_several_hosts_the_one_that_takes_writes_is_used(
    ca: trustme.CA, primary: SystemPostgres
) -> None:
    standby = SystemPostgres(ca, standby_of=primary)
    places = f"{standby.place},{primary.place}"
    db = open_database(
        f"postgres://{USER}:{PASSWORD}@{places}/postgres?target_session_attrs=read-write"
    )

    def write(number: int) -> bool:
        try:
            with db.transaction() as session:
                session.execute(text("INSERT INTO things VALUES (:n)"), {"n": number})
        except TransientFailure:
            return False
        return True

    try:
        with db.transaction() as session:
            session.execute(text("CREATE TABLE things (n int)"))
        assert write(1)
        port = primary.port
        with db.transaction() as session:
            assert session.scalar(text("SELECT inet_server_port()")) == port
            assert session.scalar(text("SELECT count(*) FROM pg_stat_replication")) == 1
            lsn = session.scalar(text("SELECT pg_current_wal_lsn()"))
            replayed = "SELECT replay_lsn >= :lsn FROM pg_stat_replication"
        with db.transaction() as session:
            wait_for(lambda: session.scalar(text(replayed), {"lsn": lsn}), "replay", seconds=30)
        primary.stop()
        assert not write(2)
        standby.promote()
        wait_for(lambda: write(3), "a write to the new primary", seconds=30)
        with db.transaction() as session:
            assert set(session.scalars(text("SELECT n FROM things"))) == {1, 3}
    finally:
        db.close()
        standby.remove()


@needs_system_postgres
def test_tls_is_asked_for_by_the_url(
    primary: SystemPostgres, ca: trustme.CA, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem.bytes())
    (tmp_path / "other.pem").write_bytes(trustme.CA().cert_pem.bytes())
    url = f"postgres://{USER}:{PASSWORD}@{primary.place}/postgres?channel_binding=require"
    checked = f"{url}&sslmode=verify-full&sslrootcert={tmp_path}"
    db = open_database(f"{checked}/ca.pem")
    with db.transaction() as session:
        in_use = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert session.scalar(text(in_use)) is True
    db.close()
    for refused in (f"{checked}/other.pem", f"{url}&sslmode=disable"):
        db = open_database(refused)
        with pytest.raises(TransientFailure):
            db.ping()
        db.close()


def test_parameters_of_the_url_go_before_ours(database: str) -> None:
    db = open_database(f"{database}?connect_timeout=17&application_name=mine&keepalives_idle=99")
    told = parameters(db)
    db.close()
    assert (told["connect_timeout"], told["application_name"]) == ("17", "mine")
    assert (told["keepalives_idle"], told["keepalives_interval"]) == ("99", "5")


def test_what_the_url_says_to_other_clients_is_left_out(database: str) -> None:
    db = open_database(
        f"{database.replace('postgresql://', 'postgres://')}"
        "?pgbouncer=true&schema=public&connection_limit=1&connect_timeout=9&pool_timeout=0"
    )
    assert parameters(db)["connect_timeout"] == "9"
    db.close()


@pytest.mark.skipif(find_pgbouncer() is None, reason="needs PgBouncer")
def test_a_pooler_that_says_so_in_its_url(database: str) -> None:
    with pgbouncer(database, pool_size=1) as url:
        db = open_database(f"{url}?pgbouncer=true")
        for _ in range(2):
            with db.transaction() as session:
                assert session.scalar(text("SHOW lock_timeout")) == "4s"
        db.close()


class Starting(socketserver.ThreadingTCPServer):
    """In front of a Postgres: the first connections are told that it is starting up."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, dsn: str, refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), _Client)
        parts = parse_dsn(dsn)
        self.behind = (parts["host"], int(parts["port"]))
        self.refusals = refusals


class _Client(socketserver.BaseRequestHandler):
    server: Starting

    def handle(self) -> None:
        first = self.request.recv(4096)
        if first[4:8] == struct.pack(">I", 80877103):  # "may I use TLS?"
            self.request.sendall(b"N")
            first = self.request.recv(4096)
        if self.server.refusals > 0:
            self.server.refusals -= 1
            fields = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0"
            self.request.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)
            return
        with socket.create_connection(self.server.behind) as behind:
            behind.sendall(first)
            back = threading.Thread(target=_pass_on, args=(behind, self.request))
            back.start()
            _pass_on(self.request, behind)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(("refusals", "answers"), [(3, True), (10_000, False)])
def test_a_database_that_is_starting_is_asked_again_for_a_while(
    database: str, monkeypatch: pytest.MonkeyPatch, refusals: int, answers: bool
) -> None:
    monkeypatch.setattr("shared.database.START_POLL_SECONDS", 0.01)
    starting = Starting(database, refusals)
    thread = threading.Thread(target=starting.serve_forever, args=(0.05,))
    thread.start()
    host, port = starting.server_address[:2]
    parts = parse_dsn(database)
    url = f"postgresql://{parts['user']}:{parts['password']}@{host!s}:{port}/{parts['dbname']}"
    db = open_database(url, database_pool_timeout_seconds=20 if answers else 0.2)
    try:
        if answers:
            db.ping()
            assert starting.refusals == 0
        else:
            with pytest.raises(TransientFailure):
                db.ping()
            assert 0 < starting.refusals < refusals - 1, "it was asked again, but not for ever"
    finally:
        db.close()
        starting.shutdown()
        thread.join()
        starting.server_close()
