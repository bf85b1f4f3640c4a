"""Migrate a service's tables at its start. If they are current, Alembic is not even imported."""

import importlib
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database


def bring_up_to_date(database: Database, package: str) -> None:
    """Raises ``TransientFailure`` when the database is not available."""
    module = importlib.import_module(f"{package}.models")
    with database.transaction() as session:
        current = _revision(session, module.metadata.schema)
    if current != _newest(Path(str(module.__file__)).parent / "migrations" / "versions"):
        importlib.import_module("shared.migrations").upgrade(database, package)


def _revision(session: Session, schema: str) -> str | None:
    """The last migration that was run, or None."""
    table = f"{schema}.alembic_version"
    if session.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    revision: str | None = session.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
    return revision


def _newest(versions: Path) -> str:
    """The newest migration: file names begin with the migration's number."""
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9]*.py"))
