"""Each service's migrations create exactly the tables of its models, and can remove them again."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from subprocess import STDOUT
from types import ModuleType

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Text, inspect, make_url, text
from sqlalchemy.exc import ProgrammingError

from dither_service.settings import DitherSettings
from notification_service.settings import NotificationSettings
from shared.database import Database
from shared.failures import TransientFailure
from shared.migrations import main, upgrade
from shared.schema import bring_up_to_date
from shared.settings import DatabaseSettings
from standalone.ports import free_port
from tests.support.postgres import PostgresServer, create_database, drop_database
from upload_service.settings import UploadSettings

ROOT = Path(__file__).parents[2]
PACKAGES = ("upload_service", "dither_service", "notification_service")


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database for each test."""
    made = create_database(postgres_server)
    yield made
    drop_database(postgres_server, made)


@pytest.fixture
def tables(url: str) -> Iterator[Database]:
    settings = DatabaseSettings.model_validate({"database_url": url})
    with closing(Database(settings, "migrations")) as database:
        yield database


def models(package: str) -> ModuleType:
    return importlib.import_module(f"{package}.models")


def differences(tables: Database, package: str) -> list[object]:
    """What Alembic would write into the next migration."""
    metadata = models(package).metadata
    with tables.engine.connect() as connection:
        # The role may have the name of a schema, which is then Postgres' default schema.
        connection.execute(text("SET search_path TO public"))
        connection.dialect.default_schema_name = "public"
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == metadata.schema,
                "version_table_schema": metadata.schema,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        return list(compare_metadata(context, metadata))


def table_names(tables: Database, schema: str) -> set[str]:
    return set(inspect(tables.engine).get_table_names(schema=schema))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_history_makes_what_the_models_say(tables: Database, package: str) -> None:
    upgrade(tables, package)
    assert differences(tables, package) == []
    schema = models(package).metadata.schema
    expected = {table.name for table in models(package).metadata.sorted_tables}
    assert table_names(tables, schema) == expected | {"alembic_version"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_difference_would_be_found(tables: Database, package: str) -> None:
    upgrade(tables, package)
    with tables.transaction() as session:
        session.execute(text(f"ALTER TABLE {models(package).metadata.schema}.inbox ADD x int"))
    assert len(differences(tables, package)) == 1


def test_services_keep_out_of_each_other_s_tables(tables: Database) -> None:
    for package in PACKAGES:
        upgrade(tables, package)
    for package in PACKAGES:
        upgrade(tables, package)
        assert differences(tables, package) == []
    assert table_names(tables, "public") == set()


def test_the_job_gives_each_service_a_role_of_its_own(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    for schema in ("upload", "dither", "notification"):
        monkeypatch.setenv(f"{schema.upper()}_POSTGRES_PASSWORD", "pass%word'\"")
    for _ in range(2):
        assert main([*PACKAGES]) == 0
    own = make_url(url).set(username="notification_service", password="pass%word'\"")
    settings = DatabaseSettings.model_validate(
        {"database_url": own.render_as_string(hide_password=False)}
    )
    with closing(Database(settings, "test")) as database:
        with database.transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM notification.recipients")) == 0
            session.execute(text("ALTER TABLE notification.recipients ADD COLUMN more int"))
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.transaction() as s,
        ):
            s.execute(text("SELECT * FROM upload.images"))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_way_back_and_forth_again(tables: Database, package: str) -> None:
    upgrade(tables, package)
    script = Path(str(models(package).__file__)).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(script))
    with tables.transaction() as session:
        config.attributes["connection"] = session.connection()
        command.downgrade(config, "base")
    schema = models(package).metadata.schema
    assert table_names(tables, schema) == {"alembic_version"}
    upgrade(tables, package)
    assert differences(tables, package) == []


def test_a_history_that_breaks_off_leaves_nothing(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing: tables and version are committed in one transaction."""

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("alembic.ddl.postgresql.PostgresqlImpl.create_index", crash)
        with pytest.raises(KeyboardInterrupt):
            upgrade(tables, "upload_service")
    assert "upload" not in inspect(tables.engine).get_schema_names()
    upgrade(tables, "upload_service")
    assert differences(tables, "upload_service") == []


def test_replicas_that_start_together_wait_for_each_other(url: str, tables: Database) -> None:
    order = [sys.executable, "-m", "shared.migrations", *PACKAGES]
    environment = {"DATABASE_URL": url, "PATH": ""}
    with ExitStack() as running:
        replicas = [
            running.enter_context(
                subprocess.Popen(
                    order, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=STDOUT
                )
            )
            for _ in range(3)
        ]
        answers = [
            (replica.communicate(timeout=120)[0], replica.returncode) for replica in replicas
        ]
    for output, status in answers:
        assert status == 0, output.decode()
        assert output.decode().count("up to date") == len(PACKAGES)
    for package in PACKAGES:
        assert differences(tables, package) == []


def test_the_command_says_what_it_wants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "usage: python -m shared.migrations" in capsys.readouterr().err


def test_the_command_waits_for_the_database_and_then_says_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shared.migrations.WAIT_SECONDS", 0.3)
    monkeypatch.setattr("shared.migrations.RETRY_SECONDS", 0.1)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:secret@127.0.0.1:{free_port()}/mine")
    assert main(["upload_service"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("the database mine at 127.0.0.1 cannot be used: ")
    assert "Connection refused" in said
    assert "secret" not in said
    assert said.count("\n") == 1


def test_the_command_goes_on_when_the_database_comes(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shared.migrations.RETRY_SECONDS", 0.0)
    monkeypatch.setenv("DATABASE_URL", url)
    answers = iter([TransientFailure("not yet"), TransientFailure("not yet"), None])

    def ping(_: Database) -> None:
        if (failure := next(answers)) is not None:
            raise failure

    monkeypatch.setattr(Database, "ping", ping)
    assert main(["upload_service"]) == 0
    assert capsys.readouterr().out == "upload_service: up to date\n"


def test_all_services_together_stay_within_five_connections() -> None:
    classes = (UploadSettings, DitherSettings, NotificationSettings)
    pools = [c.model_fields["database_pool_size"].default for c in classes]
    assert sum(pools) == 5


def test_a_pool_never_opens_more_than_it_was_given(url: str) -> None:
    settings = DatabaseSettings.model_validate(
        {"database_url": url, "database_pool_size": 2, "database_pool_timeout_seconds": 0.05}
    )
    with closing(Database(settings, "narrow")) as database:
        with database.transaction() as one, database.transaction() as two:
            for session in (one, two):
                session.execute(text("SELECT 1"))
            with pytest.raises(TransientFailure, match="all database connections are in use"):
                database.ping()
        database.ping()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with one table that no migration creates yet."""
    package = tmp_path / "example_service"
    (package / "migrations" / "versions").mkdir(parents=True)
    (package / "models.py").write_text(
        "import sqlalchemy as sa\n"
        "metadata = sa.MetaData(schema='example')\n"
        "things = sa.Table('things', metadata, sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    (package / "migrations" / "env.py").write_text(
        "from example_service.models import metadata\n"
        "from shared.migrations import run_environment\n"
        "run_environment(metadata)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "example_service"
    for name in [name for name in sys.modules if name.startswith("example_service")]:
        del sys.modules[name]


def test_a_new_migration_is_what_the_models_have_beyond_the_history(
    service: str, tables: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    versions = Path(str(models(service).__file__)).parent / "migrations" / "versions"
    assert main(["--new", "First tables", service]) == 0
    assert [path.name for path in versions.glob("*.py")] == ["0001_first_tables.py"]
    assert "example" not in inspect(tables.engine).get_schema_names(), "it is left as it was"
    upgrade(tables, service)
    assert differences(tables, service) == []

    models(service).things.append_column(Column("colour", Text))
    assert main(["--new", "Colour of a thing", service]) == 0
    written = (versions / "0002_colour_of_a_thing.py").read_text()
    assert 'down_revision = "0001"' in written
    upgrade(tables, service)
    assert differences(tables, service) == []
    assert main(["--new", "Nothing", service]) == 0
    assert len(list(versions.glob("*.py"))) == 2


@pytest.mark.parametrize("package", PACKAGES)
def test_tables_that_are_current_are_left_alone(
    tables: Database, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date(tables, package)
    assert differences(tables, package) == []
    monkeypatch.delattr("shared.migrations.upgrade")
    bring_up_to_date(tables, package)
