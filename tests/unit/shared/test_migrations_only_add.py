"""Migrations run while the version before is at work: an upgrade takes nothing away from it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MIGRATIONS = sorted(ROOT.glob("*_service/migrations/versions/*.py"))
TAKES_AWAY = {"drop_column", "drop_table", "drop_constraint", "rename_table", "execute"}
ADDS_RULES = {"create_unique_constraint", "create_check_constraint", "create_foreign_key"}


def what_the_version_before_cannot_live_with(source: str) -> list[str]:
    """The calls in ``upgrade``, and in what it calls, that the rows of the version before break."""
    module = ast.parse(source)
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    found = []
    for function in functions:
        if function.name == "downgrade":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (name := _name(node)) and _is_wrong(name, node):
                found.append(name)
    return found


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_wrong(name: str, call: ast.Call) -> bool:
    given = {word.arg: word.value for word in call.keywords}
    if name == "alter_column":
        widened = isinstance(null := given.get("nullable"), ast.Constant) and null.value is True
        return not widened or "new_column_name" in given or "type_" in given
    if name == "create_index":
        return isinstance(unique := given.get("unique"), ast.Constant) and unique.value is True
    return name in TAKES_AWAY | ADDS_RULES


def _added_columns(source: str) -> list[ast.Call]:
    """The columns that an existing table gets: those outside ``create_table``."""
    module = ast.parse(source)
    in_tables = {
        id(inner)
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and _name(node) == "create_table"
        for inner in ast.walk(node)
    }
    return [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and _name(node) == "Column" and id(node) not in in_tables
    ]


def without_a_value(source: str) -> list[str]:
    """The added columns that an insert of the version before would leave without a value."""
    wrong = []
    for column in _added_columns(source):
        given = {word.arg: word.value for word in column.keywords}
        required = isinstance(null := given.get("nullable"), ast.Constant) and null.value is False
        if required and "server_default" not in given:
            wrong.append(ast.unparse(column))
    return wrong


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_an_upgrade_only_adds(path: Path) -> None:
    assert what_the_version_before_cannot_live_with(path.read_text()) == []
    assert without_a_value(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_column("images", "email")',
        'op.alter_column("images", "email", nullable=False)',
        'op.alter_column("images", "email", new_column_name="address")',
        'op.execute("DELETE FROM upload.images")',
        'op.create_index("one_each", "images", ["email"], unique=True)',
        'op.add_column("images", sa.Column("size", sa.Integer(), nullable=False))',
    ],
)
def test_what_takes_away_is_found(line: str) -> None:
    source = f"def upgrade() -> None:\n    {line}\n"
    assert what_the_version_before_cannot_live_with(source) or without_a_value(source)


@pytest.mark.parametrize(
    "line",
    [
        'op.add_column("images", sa.Column("size", sa.Integer()))',
        'op.add_column("t", sa.Column("n", sa.Text(), server_default="", nullable=False))',
        'op.alter_column("images", "email", nullable=True)',
        'op.create_table("t", sa.Column("n", sa.Text(), nullable=False))',
        'op.create_index("newest", "images", ["created_at"])',
    ],
)
def test_what_only_adds_passes(line: str) -> None:
    source = f"def upgrade() -> None:\n    {line}\n"
    assert not what_the_version_before_cannot_live_with(source)
    assert not without_a_value(source)


def test_every_service_has_migrations() -> None:
    assert {path.parts[-4] for path in MIGRATIONS} == {
        *("upload_service", "dither_service", "notification_service")
    }
