"""Bring a service's tables up to date: each service has a Postgres schema and an Alembic history.

``python -m shared.migrations upload_service …`` runs the migrations as a separate job of a
deployment; with ``MIGRATE_ON_START`` (the default) each service runs its own. The job can also give
each service a database role of its own (``shared/roles.py``).
"""

import argparse
import importlib
import logging
import sys
import time
from pathlib import Path
from types import ModuleType

from alembic import command, context
from alembic.config import Config
from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from shared.database import Database, without_bounds
from shared.failures import TransientFailure
from shared.roles import RoleSettings, hand_over
from shared.settings import DatabaseSettings

WAIT_SECONDS = 60.0  # a deployment may start the database together with this command
RETRY_SECONDS = 1.0


def upgrade(database: Database, package: str) -> None:
    """Run the missing migrations of ``<package>/migrations``, all of them or none.

    Replicas that start together wait for each other at a transaction-level lock (a session-level
    lock does not work through a transaction-mode pooler). Raises ``TransientFailure`` when the
    database is not available.
    """
    models = importlib.import_module(f"{package}.models")
    with database.transaction() as session:
        run_history(session, models)


def script_directory(models: ModuleType) -> Path:
    """The ``migrations`` directory beside a service's ``models`` module."""
    return Path(str(models.__file__)).parent / "migrations"


def run_history(session: Session, models: ModuleType) -> None:
    """Bring the schema of ``models`` up to date within the session's transaction."""
    schema = models.metadata.schema
    config = Config()
    config.set_main_option("script_location", str(script_directory(models)))
    without_bounds(session)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": schema})
    # Not IF NOT EXISTS: it may read the catalogue as it was before this transaction had the lock.
    there = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    if session.scalar(there, {"name": schema}) is None:
        session.execute(text(f'CREATE SCHEMA "{schema}"'))
    config.attributes["connection"] = session.connection()
    command.upgrade(config, "head")


def run_environment(metadata: MetaData) -> None:
    """The whole content of each service's ``migrations/env.py``."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table_schema=metadata.schema,
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name == metadata.schema,
        transactional_ddl=False,  # the transaction is the caller's
    )
    context.run_migrations()


def main(arguments: list[str]) -> int:
    given = _parse(arguments)
    settings = DatabaseSettings.load()
    database = Database(settings, "migrations")
    logging.getLogger(Database.__module__).setLevel(logging.ERROR)  # one sentence is enough
    try:
        _wait_for(database)
        for package in given.package:
            if given.new is None:
                upgrade(database, package)
                _hand_over(database, package)
                sys.stdout.write(f"{package}: up to date\n")
            else:
                _write_new(database, package, given.new)
    except TransientFailure as error:
        place = settings.connection
        reason = " ".join(str(getattr(error.__cause__, "orig", error)).split())
        name, host = place.get("dbname"), place.get("host")
        sys.stderr.write(f"the database {name} at {host} cannot be used: {reason}\n")
        return 1
    finally:
        database.close()
    return 0


def _hand_over(database: Database, package: str) -> None:
    """Give the tables to the service's own role, if there is a password for it."""
    schema = importlib.import_module(f"{package}.models").metadata.schema
    if password := RoleSettings.load().password(schema):
        with database.transaction() as session:
            hand_over(session.connection().exec_driver_sql, schema, password)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shared.migrations", description=__doc__)
    parser.add_argument("package", nargs="+", help="upload_service, dither_service, …")
    parser.add_argument("--new", metavar="NAME", help="write a migration instead of running them")
    return parser.parse_args(arguments)


def _write_new(database: Database, package: str, name: str) -> None:
    from shared import new_migration  # noqa: PLC0415 - only developers need it

    models = importlib.import_module(f"{package}.models")
    try:
        path = new_migration.write_migration(database, models, name)
    except new_migration.NothingToMigrateError:
        sys.stdout.write(f"{package}: the models are as the migrations say, nothing to write\n")
    else:
        sys.stdout.write(f"{path}\n")


def _wait_for(database: Database) -> None:
    """Wait for the database; raises ``TransientFailure`` after ``WAIT_SECONDS``."""
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
