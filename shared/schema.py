"""A service's tables as it starts: nothing is done, and Alembic not loaded, if they are current."""

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
    """The last migration that was run, if there was any."""
    table = f"{schema}.alembic_version"
    if session.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    revision: str | None = session.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608
    return revision


def _newest(versions: Path) -> str:
    """Migrations are numbered, and a file's name begins with its number."""
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9]*.py"))
