"""A database role for each service: it owns that service's schema, and can read no other.

``python -m shared.migrations`` makes the role and hands the schema over when the role's password is
set, so a service that is broken into is not a way to the data of the others.
"""

from collections.abc import Callable
from typing import Any

from pydantic import Field, SecretStr

from shared.settings import Settings

# Runs a statement with parameters, in psycopg2's style, within a transaction.
Execute = Callable[[str, tuple[Any, ...]], Any]

_HAND_OVER = """
SELECT set_config('hand_over.schema', %s, true), set_config('hand_over.role', %s, true),
       set_config('hand_over.password', %s, true);
DO $$
DECLARE
    chosen text := current_setting('hand_over.schema');
    role text := current_setting('hand_over.role');
    password text := current_setting('hand_over.password');
    part regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %%I', role);
    END IF;
    EXECUTE format('ALTER ROLE %%I LOGIN PASSWORD %%L', role, password);
    -- Only a member of a role may give it something; a superuser need not be one.
    EXECUTE format('GRANT %%I TO CURRENT_USER', role);
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %%I', chosen);
    EXECUTE format('ALTER SCHEMA %%I OWNER TO %%I', chosen, role);
    FOR part IN
        SELECT oid FROM pg_class
        WHERE relnamespace = to_regnamespace(quote_ident(chosen)) AND relkind = 'r'
          AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = role)
    LOOP
        EXECUTE format('ALTER TABLE %%s OWNER TO %%I', part, role);
    END LOOP;
END $$
"""


class RoleSettings(Settings):
    """Of the migrations job. The services themselves log in with POSTGRES_USER."""

    upload_postgres_password: SecretStr | None = Field(
        None, description="Password for the role upload_service; unset: no role is made"
    )
    dither_postgres_password: SecretStr | None = Field(
        None, description="Password for the role dither_service; unset: no role is made"
    )
    notification_postgres_password: SecretStr | None = Field(
        None, description="Password for the role notification_service; unset: no role is made"
    )

    def password(self, schema: str) -> str | None:
        secret: SecretStr | None = getattr(self, f"{schema}_postgres_password")
        return None if secret is None else secret.get_secret_value()


def role_of(schema: str) -> str:
    return f"{schema}_service"


def hand_over(execute: Execute, schema: str, password: str) -> None:
    """Make or change the schema's role, and give it the schema and all tables in it."""
    execute(_HAND_OVER, (schema, role_of(schema), password))
