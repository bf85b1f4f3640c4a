"""Write the next migration of a service: the difference between its models and its history.

``python -m shared.migrations --new "colour of an image" upload_service``. It needs a Postgres to
run the history in, and leaves it unchanged: everything happens in a transaction that it rolls back.
"""

import re
from pathlib import Path
from types import ModuleType

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import DowngradeOps, UpgradeOps
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Database
from shared.migrations import run_history, script_directory

TEMPLATE = '''"""{title}."""

{imports}

revision = "{revision}"
down_revision = {down_revision}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''


class NothingToMigrateError(Exception):
    """The history already creates the tables exactly as the models describe them."""


def write_migration(database: Database, models: ModuleType, name: str) -> Path:
    """Returns the new file in the package's ``migrations/versions``.

    ``models`` is the module with the service's ``metadata``; ``name`` describes the change in a
    few words. Raises ``NothingToMigrateError``, and ``TransientFailure`` without a database.
    """
    with database.transaction() as session:
        run_history(session, models)
        upgrade, downgrade = _differences(session, models)
        session.rollback()
    directory = script_directory(models)
    head = ScriptDirectory(str(directory)).get_current_head()
    revision = f"{int(head or 0) + 1:04}"
    imports = ["import sqlalchemy as sa", "from alembic import op"]
    if "postgresql." in upgrade + downgrade:
        imports.append("from sqlalchemy.dialects import postgresql")
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    path = directory / "versions" / f"{revision}_{slug}.py"
    path.write_text(
        TEMPLATE.format(
            title=name.strip().rstrip(".").capitalize().replace('"', "'"),
            imports="\n".join(imports),
            revision=revision,
            down_revision=f'"{head}"' if head else None,
            upgrade=upgrade,
            downgrade=downgrade,
        )
    )
    return path


def _differences(session: Session, models: ModuleType) -> tuple[str, str]:
    """The bodies of ``upgrade`` and ``downgrade``."""
    metadata = models.metadata
    connection = session.connection()
    # If the role has the same name as a schema, that schema is its default one, and Alembic would
    # report the tables in it without the schema's name.
    connection.execute(text("SET LOCAL search_path TO public"))
    connection.dialect.default_schema_name = "public"
    context = MigrationContext.configure(
        connection,
        opts={
            "target_metadata": metadata,
            "version_table_schema": metadata.schema,
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == metadata.schema,
            "compare_server_default": True,
        },
    )
    script = produce_migrations(context, metadata)
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    if script.upgrade_ops.is_empty():
        raise NothingToMigrateError

    def rendered(operations: UpgradeOps | DowngradeOps) -> str:
        code = render_python_code(operations, migration_context=context)
        lines = [line for line in code.splitlines() if not line.lstrip().startswith("#")]
        return "\n".join(lines).strip()

    return rendered(script.upgrade_ops), rendered(script.downgrade_ops)
