"""Postgres: the pool, the transaction, and what its errors mean.

Nothing here needs session state beyond a transaction (no LISTEN, no session locks, no ``SET``
except ``SET LOCAL``, no server-side prepared statements), so it works through a PgBouncer in
transaction mode.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg2
from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    Connection,
    bindparam,
    column,
    create_engine,
    func,
    text,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from shared.failures import PermanentFailure, TransientFailure
from shared.metrics import DATABASE_ALLOWED, DATABASE_IN_USE, DATABASE_TIMEOUTS
from shared.settings import DatabaseSettings

logger = logging.getLogger(__name__)

START_POLL_SECONDS = 0.25
_BEFORE_COMMIT, _AT_END = "before_commit", "at_end"
# No lock is waited for longer than a client waits for an answer, and the transaction of a hanging
# process is ended, which frees its locks. One statement, so one round trip for each transaction.
_BOUNDS = "SET LOCAL lock_timeout = '4s'; SET LOCAL idle_in_transaction_session_timeout = '20s'"
_NO_WAIT = "; SET LOCAL synchronous_commit = off"
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; "
# What DATABASE_URL does not say. A peer that vanished without closing its connection is noticed in
# about 20 s, not two hours.
_CLIENT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}


class Database:
    """One service's pool. Every use is one short transaction; none spans other I/O."""

    def __init__(self, settings: DatabaseSettings, application_name: str) -> None:
        self.engine = create_engine(
            "postgresql+psycopg2://",
            creator=partial(
                _connect,
                _CLIENT | {"application_name": application_name} | settings.connection,
                settings.database_pool_timeout_seconds,
            ),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout_seconds,
            pool_recycle=300,
            pool_use_lifo=True,
            json_serializer=lambda value: to_json(value).decode(),
        )
        DATABASE_ALLOWED.set(settings.database_pool_size)
        DATABASE_IN_USE.set_function(self.engine.pool.checkedout)  # type: ignore[attr-defined]
        # Called after each committed transaction with ``is_use=True``; must not raise.
        self.on_use: Callable[[], None] = _nobody
        self._answers = False

    @contextmanager
    def transaction(
        self, *, wait_for_disk: bool = True, is_use: bool = True, snapshot: bool = False
    ) -> Iterator[Session]:
        """Commit on the way out, roll back on an error.

        ``wait_for_disk=False`` is for changes that may be lost in a crash of Postgres itself,
        ``is_use=False`` for transactions that leave no work for scheduled jobs, ``snapshot=True``
        for several queries that must see the same state, and change nothing. Raises
        ``TransientFailure`` when the database is down or no connection becomes free in time,
        ``PermanentFailure`` when it refuses the data itself.
        """
        bounds = (_SNAPSHOT if snapshot else "") + _BOUNDS + ("" if wait_for_disk else _NO_WAIT)
        session: Session | None = None
        committed = False
        try:
            with (
                self._connection(bounds) as connection,
                Session(connection, expire_on_commit=False) as session,
            ):
                yield session
                session.flush()
                for action in session.info.get(_BEFORE_COMMIT, ()):
                    action(session)
                connection.commit()
            committed = self._answers = True
        except SQLAlchemyError as error:
            failure = _failure(error)
            self._answers = self._answers and not isinstance(failure, TransientFailure)
            raise failure from error
        finally:
            for ended in () if session is None else session.info.get(_AT_END, ()):
                ended(committed)
        if is_use:
            self.on_use()

    @contextmanager
    def _connection(self, bounds: str) -> Iterator[Connection]:
        """A connection in a transaction. If an idle one was cut, another one is taken."""
        for last in (False, True):
            connection = self.engine.connect()
            try:
                connection.exec_driver_sql(bounds)
                break
            except DBAPIError as error:
                connection.close()
                if last or not error.connection_invalidated:
                    raise
        with connection:
            yield connection

    def ping(self) -> None:
        """Raises ``TransientFailure`` when the database does not answer."""
        with self.transaction() as session:
            session.execute(text("SELECT 1"))

    def check(self) -> None:
        """As ``ping``, but sends no query if the last use succeeded."""
        if not self._answers:
            self.ping()

    def close(self) -> None:
        self.engine.dispose()


def _connect(parameters: dict[str, Any], seconds: float) -> Any:
    """A connection. A server that says that it is starting is asked again, for ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return psycopg2.connect(**parameters)
        except psycopg2.OperationalError as error:
            # The client gets a sentence only, no code. 57P03, cannot_connect_now.
            is_starting = "the database system is starting up" in str(error)
            if not is_starting or time.monotonic() + START_POLL_SECONDS > deadline:
                raise
        time.sleep(START_POLL_SECONDS)


def _nobody() -> None:
    """The default ``on_use``: does nothing."""


def before_commit(session: Session, action: Callable[[Session], None]) -> None:
    """Call ``action`` in the transaction, right before it commits; once, even if added twice."""
    session.info.setdefault(_BEFORE_COMMIT, {})[action] = None


def at_end(session: Session, action: Callable[[bool], None]) -> None:
    """Call ``action`` (which must not raise) after the transaction: True if it was committed."""
    session.info.setdefault(_AT_END, {})[action] = None


def recordset(**columns: type[TypeEngine[Any]] | TypeEngine[Any]) -> TableValuedAlias:
    """Many rows in one parameter, ``rows``: a list of dicts, read as a table in that order.

    So a statement is built once and works for any number of rows.
    """
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    named = [column(name, kind) for name, kind in columns.items()]
    return rows.table_valued(*named).render_derived(name="given", with_types=True)


def without_bounds(session: Session) -> None:
    """Remove the time limits of this transaction: a migration may wait and run for long."""
    session.execute(text("SET LOCAL lock_timeout = 0"))
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def _failure(error: SQLAlchemyError) -> Exception:
    if isinstance(error, PoolTimeoutError):
        DATABASE_TIMEOUTS.inc()
        return TransientFailure("all database connections are in use")
    if isinstance(error, OperationalError | InterfaceError):
        # The reason goes to the log only: clients are just told to try again.
        logger.warning("database error", extra={"reason": str(error.orig).strip()})
        return TransientFailure("the database is not available")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return TransientFailure("the database connection was lost")
    if isinstance(error, DBAPIError) and _retryable(error):
        logger.warning("database error", extra={"reason": str(error.orig).strip()})
        return TransientFailure("the database cannot do this at the moment")
    if isinstance(error, DBAPIError) and _bad_data(error):
        return PermanentFailure("the database refuses this data")
    return error


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "pgcode", None) or ""


def _retryable(error: DBAPIError) -> bool:
    # 40: serialization failure, deadlock. 57P: shutting down. 53: too many connections, disk full.
    # 25006: read-only for now, for example after a failover or over a hosted database's quota.
    # 25P03, 55P03: the bounds above.
    states = ("40", "57P", "53", "25006", "25P03", "55P03")
    return _sqlstate(error).startswith(states)


def _bad_data(error: DBAPIError) -> bool:
    return _sqlstate(error).startswith("22")
