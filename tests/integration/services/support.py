"""Shared by the tests of the three services: tables, messages, and a served API."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import requests
import uvicorn
from sqlalchemy import MetaData, select, text

from shared.database import Database
from shared.http import Asgi, RequestScope
from shared.kafka.codec import Received
from shared.messages import BODIES, VERSION, Body
from shared.migrations import upgrade
from shared.outbox import Outbox
from shared.settings import DatabaseSettings

PROBLEM = "application/problem+json"


@contextmanager
def migrated(database_url: str, package: str) -> Iterator[Database]:
    """A service's tables in the database at this URL, and its pool."""
    database = Database(DatabaseSettings.model_validate({"database_url": database_url}), package)
    try:
        upgrade(database, package)
        yield database
    finally:
        database.close()


def empty(database: Database, metadata: MetaData) -> None:
    names = ", ".join(f'"{table.schema}"."{table.name}"' for table in metadata.sorted_tables)
    run(database, f"TRUNCATE {names}")


def run(database: Database, statement: str, **values: Any) -> None:
    """Run a statement that only tests need, such as changing stored times."""
    with database.transaction() as session:
        session.execute(text(statement), values)


def rows(database: Database, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(text(statement), values)]


def outgoing(database: Database, outbox: Outbox) -> list[Body]:
    """The messages in the outbox, in order."""
    table = outbox.table
    query = select(table.c.message_type, table.c.body, table.c.key).order_by(table.c.id)
    with database.transaction() as session:
        found = session.execute(query).all()
    bodies = [BODIES[kind].model_validate_json(body) for kind, body, _ in found]
    assert [key for _, _, key in found] == [str(body.uuid) for body in bodies]
    return bodies


def received(
    body: Body, *, message_id: UUID | None = None, produced_at: datetime | None = None
) -> Received:
    """The message as a consumer passes it to a handler; each call makes another message."""
    return Received(
        body=body,
        version=VERSION,
        message_id=message_id or uuid4(),
        request_id=None,
        produced_at=produced_at or datetime.now(UTC),
    )


class Client:
    """Speaks HTTP to one service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self.url + path, timeout=30, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str) -> requests.Response:
        return self.request("DELETE", path)

    def raw(self, head: str, body: Sequence[bytes] = ()) -> bytes:
        """The whole answer to a hand-written request, which should have `Connection: close`."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
            for part in body:
                connection.sendall(part)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer

    def close(self) -> None:
        self._session.close()


@contextmanager
def served(app: Asgi) -> Iterator[Client]:
    """Serve the app with the HTTP server that the services use."""
    config = uvicorn.Config(
        RequestScope(app),
        port=0,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield client
    finally:
        client.close()
        server.should_exit = True
        thread.join(10)
        listener.close()
    assert not thread.is_alive()


def sentence(answer: requests.Response, status: int) -> str:
    """The problem's detail; asserts that the answer is a problem without internals."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["request_id"] == answer.headers["x-request-id"]
    for internal in ("Traceback", 'File "', "psycopg", "sqlalchemy", "site-packages"):
        assert internal not in answer.text
    detail = str(body["detail"])
    assert detail.endswith(".")
    return detail
