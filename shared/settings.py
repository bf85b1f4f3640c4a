"""The blocks that a service's settings class is built from.

Settings come from the environment (and a ``.env`` file in the working directory), are validated
once at start, and are passed to the parts that need them: there is no global settings object.
"""

import re
import ssl
from typing import Any, Literal, Self
from urllib.parse import urljoin, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.logs import LogFormat

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET_CHARACTERS = 32


class Settings(BaseSettings):
    """The settings of every process."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: LogFormat = Field("json", description="json, or text for a terminal")

    @classmethod
    def load(cls) -> Self:
        """Read the environment and ``.env``; raises ``pydantic.ValidationError``."""
        return cls(_env_file=".env")


class TracingSettings(Settings):
    """Where traces go. The names are OpenTelemetry's own."""

    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="OpenTelemetry collector (OTLP over HTTP), like http://collector:4318; "
        "unset: no traces",
    )
    otel_exporter_otlp_headers: SecretStr = Field(
        SecretStr(""), description="Header fields for the collector: name=value, with commas"
    )
    otel_traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="Share of the requests that are traced: 0 to 1"
    )

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _is_a_collector(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^?#\s]+", url):
            raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT must be like http://collector:4318")
        return url


class HttpSettings(TracingSettings):
    """Where a service listens, and the public address of the system."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port that shows /metrics without a key, for the inner network; unset: none",
    )
    public_url: str = Field(
        "http://localhost:8000",
        description="Where people reach the gateway; links in answers and mails start with it",
    )

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^/?#\s]+(?:/[A-Za-z0-9._~-]+)*/?", url):
            raise ValueError(
                "PUBLIC_URL must be like https://dither.example.org or https://example.org/dither"
            )
        return url

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def public_path(self) -> str:
        """The path of ``public_url`` without a slash at its end; empty if it has no path."""
        return urlsplit(self.public_url).path.rstrip("/")

    def public_link(self, url: str) -> str:
        """The absolute URL of one of our paths; an absolute URL stays unchanged."""
        return urljoin(self.public_url.rstrip("/") + "/", url.lstrip("/"))


class AccessSettings(HttpSettings):
    """Who may use the system, and the secret by which its parts know each other."""

    access: Literal["open", "owned", "keys"] | None = Field(
        None,
        description=(
            "open: all share one gallery; owned: everybody has their own; keys: only API keys. "
            "Unset: open on this machine alone (HOST and PUBLIC_URL are local), else owned"
        ),
    )
    principal_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret of gateway and services (32 characters or more); not for ACCESS=open",
    )

    @property
    def is_open(self) -> bool:
        return self.access_mode == "open"

    @property
    def access_mode(self) -> Literal["open", "owned", "keys"]:
        """``access``, or what is safe where it is not set."""
        if self.access is not None:
            return self.access
        return "open" if self.is_local else "owned"

    @property
    def is_local(self) -> bool:
        """Whether only this machine is meant to reach the system."""
        return {self.host, urlsplit(self.public_url).hostname} <= LOOPBACK

    @property
    def secret(self) -> str:
        return self.principal_secret.get_secret_value()

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if not self.is_open and len(self.secret) < MIN_SECRET_CHARACTERS:
            raise ValueError(
                f"PRINCIPAL_SECRET must have {MIN_SECRET_CHARACTERS} characters or more, the same "
                'for all services, for example from "openssl rand -hex 32" (or say ACCESS=open)'
            )
        return self


class DatabaseSettings(Settings):
    """Postgres, as single values or as one URL (which takes precedence)."""

    database_url: SecretStr | None = Field(
        None, description="Postgres as one URL (postgres://user:password@host:port/db)"
    )
    postgres_host: str = Field("localhost", description="Postgres' host")
    postgres_port: int = Field(5432, description="Postgres' port")
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


class KafkaSettings(Settings):
    """The broker, the topics, and how to log in to a hosted cluster."""

    kafka_server: str = Field("localhost:9092", description="host:port, or several with commas")
    kafka_image_topic: str = Field("images", description="IMAGE_UPLOADED and IMAGE_DELETED")
    kafka_dither_topic: str = Field("dithers", description="DITHER_UPLOADED and its kin")
    kafka_dead_letter_topic: str = Field(
        "dead-letters", description="Messages that can never be processed, kept for a person"
    )
    kafka_group_prefix: str = Field(
        "", description="Put before each consumer group's name, as hosted clusters may demand"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    kafka_sasl_username: str | None = Field(None, description="User name to log in with")
    kafka_sasl_password: SecretStr | None = Field(None, description="The password of that user")
    kafka_ssl_ca: str | None = Field(
        None, description="The cluster's CA certificate: a file's path, or the PEM text itself"
    )
    kafka_topic_partitions: int = Field(4, ge=1, description="Partitions of topics made by us")
    kafka_topic_replication: int = Field(
        -1, ge=-1, description="Replicas of topics made by us; -1: as many as the broker's default"
    )
    kafka_session_timeout_seconds: float = Field(
        10, ge=1, description="After this silence a consumer's work is given to another"
    )
    kafka_max_poll_interval_seconds: float = Field(
        60, ge=1, description="A consumer that does not poll for this long is taken for dead"
    )
    kafka_ephemeral: bool = Field(
        False,
        description="The broker forgets when it stops: at start, publish the outbox again",
    )
    consumer_workers: int = Field(
        2, ge=1, description="Messages worked on at once by a process (of different partitions)"
    )
    consumer_max_consecutive_failures: int = Field(
        20, ge=1, description="A run of this many dead letters stops the consumer"
    )
    outbox_retention_seconds: float = Field(
        3600, ge=0, description="How long published messages stay in the outbox"
    )
    sweep_interval_seconds: float = Field(
        60, gt=0, description="How often a service in use looks for unfinished and expired things"
    )
    idle_sweep_interval_seconds: float = Field(
        3600, gt=0, description="How often one that nobody uses does so, if nothing is due"
    )
    unfinished_after_seconds: float = Field(
        600, gt=0, description="Work that has not finished after this is announced again"
    )

    @field_validator("kafka_security_protocol", "kafka_sasl_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, name: Any) -> Any:
        return name.upper() if isinstance(name, str) else name

    @field_validator("kafka_topic_replication")
    @classmethod
    def _is_a_number_of_replicas(cls, replicas: int) -> int:
        if replicas == 0:
            raise ValueError("KAFKA_TOPIC_REPLICATION must be 1 or more, or -1")
        return replicas

    @field_validator("kafka_ssl_ca")
    @classmethod
    def _is_a_certificate(cls, value: str | None) -> str | None:
        if not value:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if value.lstrip().startswith("-----BEGIN"):
                context.load_verify_locations(cadata=value.replace("\\n", "\n"))
            else:
                context.load_verify_locations(cafile=value)
        except (OSError, ValueError, TypeError) as error:  # ssl.SSLError is an OSError
            raise ValueError(
                "KAFKA_SSL_CA must be certificates as PEM text without quotes around it, "
                "or the path of a file with them"
            ) from error
        return value

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        parts = (self.kafka_sasl_mechanism, self.kafka_sasl_username, self.kafka_sasl_password)
        if "SASL" in self.kafka_security_protocol and None in parts:
            raise ValueError(
                "KAFKA_SECURITY_PROTOCOL names SASL, so KAFKA_SASL_MECHANISM, "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set"
            )
        return self


class OwnerSettings(Settings):
    """What one owner may have stored."""

    max_bytes_per_owner: int = Field(
        1024**3,
        ge=0,
        description="Most bytes of one owner's files; 0: no bound (a key's quota goes first)",
    )


class ServiceSettings(AccessSettings, DatabaseSettings, KafkaSettings):
    """What each of the three services has: a REST API, tables, and messages."""
