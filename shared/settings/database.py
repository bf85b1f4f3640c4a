"""The variables that say where Postgres is."""

import re

from pydantic import Field, SecretStr, field_validator

from shared.settings.base import Settings

_FORM = (
    "DATABASE_URL must be like postgres://user:password@host:5432/database, or with several "
    "hosts host-1:5432,host-2:5432; special characters in it are written as %40 and so on"
)
# What URLs say to other clients. We need neither: nothing here keeps state in a session, and each
# service has a schema with its own name.
_OF_OTHER_CLIENTS = frozenset(
    {
        *("pgbouncer", "schema", "connection_limit", "pool_timeout", "socket_timeout"),
        "statement_cache_size",
    }
)
# libpq would tell of these only when it connects.
_VALUES = {
    "port": r"\d{0,5}(,\d{0,5})*",
    "connect_timeout": r"\d{1,9}",
    "sslmode": r"disable|allow|prefer|require|verify-ca|verify-full",
    "channel_binding": r"disable|prefer|require",
    "target_session_attrs": r"any|read-write|read-only|primary|standby|prefer-standby",
    "load_balance_hosts": r"disable|random",
}


class DatabaseSettings(Settings):
    """Postgres, as single values or as one URL (which takes precedence)."""

    database_url: SecretStr | None = Field(
        None,
        description="Postgres as one URL: postgres://user:password@host:port/db?sslmode=require",
    )
    postgres_host: str = Field("localhost", description="Postgres' host, or several with commas")
    postgres_port: int = Field(5432, ge=1, le=65535, description="Postgres' port")
    postgres_db: str = Field("dither", description="The database's name")
    postgres_user: str = Field("dither", description="The role to log in as")
    postgres_password: SecretStr = Field(SecretStr(""), description="Its password")
    database_pool_size: int = Field(
        2,
        ge=1,
        description="Most connections one process holds (upload 2, dither 2, notification 1)",
    )
    database_pool_timeout_seconds: float = Field(
        5, gt=0, description="How long a request waits for a connection before it is told 503"
    )
    migrate_on_start: bool = Field(
        True, description="Bring the service's tables up to date when it starts"
    )

    @field_validator("database_url")
    @classmethod
    def _is_understood(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            _parameters(url.get_secret_value())
        return url

    @property
    def connection(self) -> dict[str, str]:
        """Where and how to connect, by libpq's names: ``DATABASE_URL`` if set, else its parts."""
        if self.database_url is not None:
            return _parameters(self.database_url.get_secret_value())
        return {
            "host": self.postgres_host,
            "port": str(self.postgres_port),
            "dbname": self.postgres_db,
            "user": self.postgres_user,
            "password": self.postgres_password.get_secret_value(),
        }


def _parameters(url: str) -> dict[str, str]:
    """What a URL says. Raises ValueError, with nothing of the URL but the parameter's name."""
    import psycopg2  # noqa: PLC0415 - the gateway has settings, too, but no database
    from psycopg2.extensions import parse_dsn  # noqa: PLC0415

    if (match := re.fullmatch(r"postgres(?:ql)?(?:\+\w+)?://([^?\s]*)(?:\?(\S*))?", url)) is None:
        raise ValueError(_FORM)
    parts = [p for p in (match[2] or "").split("&") if p.partition("=")[0] not in _OF_OTHER_CLIENTS]
    try:
        given: dict[str, str] = parse_dsn(f"postgresql://{match[1]}?{'&'.join(parts)}")
    except psycopg2.Error as error:
        unknown = re.search(r'query parameter: "(\w+)"', str(error))
        raise ValueError(
            f"DATABASE_URL has the parameter {unknown[1]}, which Postgres does not know"
            if unknown
            else _FORM
        ) from None
    for name, pattern in _VALUES.items():
        if name in given and not re.fullmatch(pattern, given[name]):
            allowed = pattern.replace("|", ", ") if "|" in pattern else "a number"
            raise ValueError(_FORM if name == "port" else f"DATABASE_URL: {name} must be {allowed}")
    return given
