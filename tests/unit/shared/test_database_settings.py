import pytest
from pydantic import SecretStr, ValidationError

from shared.settings import DatabaseSettings


def connection(url: str) -> dict[str, str]:
    return DatabaseSettings(database_url=SecretStr(url)).connection


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://u:p@h/db", {"user": "u", "password": "p", "host": "h", "dbname": "db"}),
        ("postgresql+psycopg2://u:p%40%2F@h:6/d", {"password": "p@/", "port": "6"}),
        ("postgres://u@h1:5,h2:6,h3/d", {"host": "h1,h2,h3", "port": "5,6,"}),
        ("postgres://u@[::1]:5/d", {"host": "::1", "port": "5"}),
        ("postgres:///d?host=/run/postgresql", {"host": "/run/postgresql", "dbname": "d"}),
        ("postgres://h/d?ssl=true", {"sslmode": "require"}),
        (
            "postgres://h/d?sslmode=require&channel_binding=require&connect_timeout=30",
            {"sslmode": "require", "channel_binding": "require", "connect_timeout": "30"},
        ),
    ],
)
def test_a_url_is_read_as_postgres_reads_it(url: str, said: dict[str, str]) -> None:
    assert said.items() <= connection(url).items()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://h/d", "must be like"),
        ("host=h dbname=d", "must be like"),
        ("postgres://u:p/x@h/d", "must be like"),
        ("postgres://h:99999999/d", "must be like"),
        ("postgres://h/d?sslmode=yes", "sslmode must be disable, allow, prefer, require"),
        ("postgres://h/d?connect_timeout=soon", "connect_timeout must be a number"),
        ("postgres://h/d?target_session_attrs=master", "target_session_attrs must be any"),
        ("postgres://h/d?sslmod=require", "the parameter sslmod, which Postgres does not know"),
    ],
)
def test_a_url_that_postgres_cannot_use_is_refused_at_start(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=f"DATABASE_URL.*{said}"):
        connection(url)


def test_without_a_url_its_parts_count() -> None:
    settings = DatabaseSettings(postgres_host="h1,h2", postgres_password=SecretStr("p"))
    assert settings.connection == {
        "host": "h1,h2", "port": "5432", "dbname": "dither", "user": "dither", "password": "p"
    }  # fmt: skip
