"""Postgres: the pool, the transaction, and what its errors mean.

Nothing here needs more than a transaction's worth of a session (no LISTEN, no session locks, no
``SET`` but ``SET LOCAL``, no server-side prepared statements), so a transaction-mode PgBouncer may
stand between.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from shared.failures import PermanentFailure, TransientFailure
from shared.settings import DatabaseSettings

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5
_AFTER_COMMIT = "after_commit"
# Nobody waits for a lock for longer than a client waits for an answer, and a transaction whose
# process hangs gives its locks back. In one statement: one round trip a transaction.
_BOUNDS = "SET LOCAL lock_timeout = '4s'; SET LOCAL idle_in_transaction_session_timeout = '20s'"
# A peer that vanished without a word is noticed within about 20 s instead of two hours.
_KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}


def database_url(settings: DatabaseSettings) -> URL:
    """Where Postgres is: ``DATABASE_URL`` if it is set, else put together from its parts."""
    if settings.database_url is not None:
        return make_url(settings.database_url.get_secret_value()).set(
            drivername="postgresql+psycopg2"
        )
    return URL.create(
        "postgresql+psycopg2",
        username=settings.postgres_user,
        password=settings.postgres_password.get_secret_value() or None,
        host=settings.postgres_host,
        port=settings.postgres_port,
        database=settings.postgres_db,
    )


class Database:
    """One service's pool. Every use is one short transaction; none spans other I/O."""

    def __init__(self, settings: DatabaseSettings, application_name: str) -> None:
        self.engine = create_engine(
            database_url(settings),
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout_seconds,
            pool_pre_ping=True,
            pool_recycle=300,
            pool_use_lifo=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": application_name,
                **_KEEPALIVE,
            },
        )
        event.listen(self.engine, "begin", _bound)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Commit on the way out, roll back on an error.

        Raises ``TransientFailure`` when the database is down or all connections are taken too
        long, ``PermanentFailure`` when it refuses the data itself.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise _failure(error) from error
        for action in session.info.get(_AFTER_COMMIT, ()):
            action()

    def ping(self) -> None:
        """Raises ``TransientFailure`` when the database does not answer."""
        with self.transaction() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def _bound(connection: Connection) -> None:
    connection.exec_driver_sql(_BOUNDS)


def without_bounds(session: Session) -> None:
    """For a transaction that may wait, and take, as long as it needs: a migration."""
    session.execute(text("SET LOCAL lock_timeout = 0"))
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Call ``action`` (which must not raise) when the transaction of ``session`` has committed.

    However often one is given, it is called once.
    """
    session.info.setdefault(_AFTER_COMMIT, {})[action] = None


def _failure(error: SQLAlchemyError) -> Exception:
    if isinstance(error, PoolTimeoutError):
        return TransientFailure("all database connections are in use")
    if isinstance(error, OperationalError | InterfaceError):
        # What is wrong is for the log: clients are told only that they may come again.
        logger.warning("database error", extra={"reason": str(error.orig).strip()})
        return TransientFailure("the database is not available")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return TransientFailure("the database connection was lost")
    if isinstance(error, DBAPIError) and _passing(error):
        logger.warning("database error", extra={"reason": str(error.orig).strip()})
        return TransientFailure("the database cannot do this at the moment")
    if isinstance(error, DBAPIError) and _bad_data(error):
        return PermanentFailure("the database refuses this data")
    return error


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "pgcode", None) or ""


def _passing(error: DBAPIError) -> bool:
    # 40: serialization failure, deadlock. 57P: shutting down. 53: too many connections, disk full.
    # 25006: read-only for now, as after a failover or beyond a hosted database's quota.
    # 25P03, 55P03: the bounds above.
    passing = ("40", "57P", "53", "25006", "25P03", "55P03")
    return _sqlstate(error).startswith(passing)


def _bad_data(error: DBAPIError) -> bool:
    return _sqlstate(error).startswith("22")
