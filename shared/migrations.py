"""Bring a service's tables up to date: each service has a Postgres schema and an Alembic history.

``python -m shared.migrations upload_service …`` does it for a deployment as a job of its own;
with ``MIGRATE_ON_START`` (the default) each service does it for itself.
"""

import importlib
import logging
import sys
import time
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, text

from shared.database import Database, database_url, without_bounds
from shared.failures import TransientFailure
from shared.settings import DatabaseSettings

WAIT_SECONDS = 60.0  # a deployment may start the database together with this command
RETRY_SECONDS = 1.0


def upgrade(database: Database, package: str) -> None:
    """Run what is missing of ``<package>/migrations``, all of it or nothing.

    Replicas that start together wait for each other at a lock that ends with the transaction (a
    session's lock would not survive a transaction-mode pooler). Raises ``TransientFailure`` when
    the database is not available.
    """
    module = importlib.import_module(f"{package}.models")
    schema = module.metadata.schema
    config = Config()
    config.set_main_option("script_location", str(Path(str(module.__file__)).parent / "migrations"))
    with database.transaction() as session:
        without_bounds(session)
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": schema})
        # Not IF NOT EXISTS: that may look at the catalogue as it was before the lock was free.
        there = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
        if session.scalar(there, {"name": schema}) is None:
            session.execute(text(f'CREATE SCHEMA "{schema}"'))
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")


def run_environment(metadata: MetaData) -> None:
    """What each service's ``migrations/env.py`` consists of."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table_schema=metadata.schema,
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name == metadata.schema,
        transactional_ddl=False,  # the transaction is the caller's
    )
    context.run_migrations()


def main(packages: list[str]) -> int:
    if not packages:
        sys.stderr.write("usage: python -m shared.migrations upload_service …\n")
        return 2
    settings = DatabaseSettings.load()
    database = Database(settings, "migrations")
    logging.getLogger(Database.__module__).setLevel(logging.ERROR)  # one sentence is enough
    try:
        _wait_for(database)
        for package in packages:
            upgrade(database, package)
            sys.stdout.write(f"{package}: up to date\n")
    except TransientFailure as error:
        url = database_url(settings)
        reason = " ".join(str(getattr(error.__cause__, "orig", error)).split())
        sys.stderr.write(f"the database {url.database} at {url.host} cannot be used: {reason}\n")
        return 1
    finally:
        database.close()
    return 0


def _wait_for(database: Database) -> None:
    """Raises ``TransientFailure`` when it does not answer for too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return database.ping()
        except TransientFailure:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
