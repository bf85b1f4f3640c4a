"""The variables that say where Kafka is, how to log in to it, and how messages are worked on."""

import re
from pkgutil import resolve_name
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings.base import Settings
from shared.settings.kinds import BaseAddress, matching
from shared.settings.pem import check_authorities, check_client_certificate

_BROKER = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
_Name = Annotated[
    str, matching(r"[A-Za-z0-9._-]{1,120}", "up to 120 letters, digits, dots, dashes and _")
]
_Prefix = Annotated[
    str, matching(r"[A-Za-z0-9._-]{0,120}", "up to 120 letters, digits, dots, dashes and _")
]
_Extensions = Annotated[
    str,
    matching(r"[A-Za-z]+=[^,=]+(,[A-Za-z]+=[^,=]+)*", "name=value, or several with commas"),
]
_Hook = Annotated[
    str, matching(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", "module:function, such as my_login:token")
]


class KafkaLoginSettings(Settings):
    """The brokers, and how to log in to a hosted cluster."""

    kafka_server: str = Field("localhost:9092", description="host:port, or several with commas")
    kafka_url: str | None = Field(
        None,
        description="The same as Heroku sets it, and goes first: kafka+ssl://host:port, or several "
        "with commas; +ssl stands for KAFKA_SECURITY_PROTOCOL=SSL",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_ssl_ca: str | None = Field(
        None, description="The cluster's CA certificate: a file's path, or the PEM text itself"
    )
    kafka_trusted_cert: str | None = Field(
        None, description="The same as Heroku sets it; KAFKA_SSL_CA goes first"
    )
    kafka_client_cert: str | None = Field(
        None, description="Certificate to log in with: a file's path, or the PEM text itself"
    )
    kafka_client_cert_key: SecretStr | None = Field(
        None, description="Its private key, without a passphrase: a path, or the PEM text"
    )
    kafka_ssl_check_hostname: bool = Field(
        True,
        description="The brokers' certificates must name their hosts; false for Heroku, whose do "
        "not: then KAFKA_SSL_CA alone tells the cluster from others",
    )
    kafka_sasl_mechanism: (
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None
    ) = Field(None, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
    kafka_sasl_username: str | None = Field(None, description="User name to log in with")
    kafka_sasl_password: SecretStr | None = Field(None, description="The password of that user")
    kafka_oauth_token_url: BaseAddress | None = Field(
        None, description="OAUTHBEARER: where tokens are given for client credentials"
    )
    kafka_oauth_client_id: str | None = Field(None, description="The client's id there")
    kafka_oauth_client_secret: SecretStr | None = Field(None, description="Its secret")
    kafka_oauth_scope: str | None = Field(None, description="The scope to ask for, if any")
    kafka_oauth_extensions: _Extensions | None = Field(
        None,
        description="What the cluster wants beside the token: name=value, or several with commas",
    )
    kafka_oauth_hook: _Hook | None = Field(
        None,
        description="OAUTHBEARER, instead of a token URL: module:function that returns a token and "
        "when it ends (docs/kafka-logins.md)",
    )

    @field_validator("kafka_security_protocol", "kafka_sasl_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, name: Any) -> Any:
        return name.upper() if isinstance(name, str) else name

    @field_validator("kafka_server")
    @classmethod
    def _are_brokers(cls, brokers: str) -> str:
        for broker in brokers.split(","):
            match = _BROKER.fullmatch(broker.strip())
            if match is None or int(match["port"] or 9092) > 65535:
                raise ValueError("must be host:port, or several with commas")
        return brokers

    @field_validator("kafka_url")
    @classmethod
    def _are_urls(cls, urls: str | None) -> str | None:
        if urls is not None:
            _without_schemes(urls)
        return urls

    @field_validator("kafka_ssl_ca", "kafka_trusted_cert")
    @classmethod
    def _are_certificates(cls, value: str | None) -> str | None:
        if value is not None:
            check_authorities(value)
        return value

    @field_validator("kafka_oauth_hook")
    @classmethod
    def _is_a_function(cls, name: str | None) -> str | None:
        try:
            found = None if name is None else resolve_name(name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"cannot be imported: {error}") from None
        if name is not None and not callable(found):
            raise ValueError("must name a function")
        return name

    @model_validator(mode="after")
    def _as_heroku_sets_it(self) -> Self:
        self.kafka_ssl_ca = self.kafka_ssl_ca or self.kafka_trusted_cert
        if self.kafka_url is not None:
            uses_tls, self.kafka_server = _without_schemes(self.kafka_url)
            if uses_tls and "kafka_security_protocol" not in self.model_fields_set:
                self.kafka_security_protocol = "SSL"
            if uses_tls and "SSL" not in self.kafka_security_protocol:
                raise ValueError(
                    "KAFKA_URL says kafka+ssl://, so KAFKA_SECURITY_PROTOCOL must be SSL or "
                    "SASL_SSL, or not be set"
                )
        return self

    @model_validator(mode="after")
    def _has_a_whole_client_certificate(self) -> Self:
        certificate, key = self.kafka_client_cert, self.kafka_client_cert_key
        if (certificate is None) != (key is None):
            raise ValueError(
                "KAFKA_CLIENT_CERT and KAFKA_CLIENT_CERT_KEY must be set both, or neither"
            )
        if certificate is not None and key is not None:
            if "SSL" not in self.kafka_security_protocol:
                raise ValueError(
                    "KAFKA_CLIENT_CERT is for KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL, "
                    "or a KAFKA_URL with kafka+ssl://"
                )
            check_client_certificate(certificate, key.get_secret_value())
        return self

    @model_validator(mode="after")
    def _sasl_is_complete(self) -> Self:
        if "SASL" not in self.kafka_security_protocol:
            return self
        if self.kafka_sasl_mechanism is None:
            raise ValueError(
                "KAFKA_SECURITY_PROTOCOL names SASL, so KAFKA_SASL_MECHANISM must be set"
            )
        if self.kafka_sasl_mechanism == "OAUTHBEARER":
            self._oauth_is_complete()
        elif self.kafka_sasl_username is None or self.kafka_sasl_password is None:
            raise ValueError(
                f"KAFKA_SASL_MECHANISM={self.kafka_sasl_mechanism} needs KAFKA_SASL_USERNAME and "
                "KAFKA_SASL_PASSWORD; both must be set"
            )
        return self

    def _oauth_is_complete(self) -> None:
        for_url = (
            self.kafka_oauth_token_url,
            self.kafka_oauth_client_id,
            self.kafka_oauth_client_secret,
        )
        if (self.kafka_oauth_hook is None) == (None in for_url):
            raise ValueError(
                "KAFKA_SASL_MECHANISM=OAUTHBEARER needs KAFKA_OAUTH_TOKEN_URL, "
                "KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET, or else KAFKA_OAUTH_HOOK"
            )


class KafkaSettings(KafkaLoginSettings):
    """The topics, the consumer groups, and how messages are worked on."""

    kafka_image_topic: _Name = Field("images", description="IMAGE_UPLOADED and IMAGE_DELETED")
    kafka_dither_topic: _Name = Field("dithers", description="DITHER_UPLOADED and its kin")
    kafka_dead_letter_topic: _Name = Field(
        "dead-letters",
        description="Messages that can never be processed, kept for a person",
    )
    kafka_prefix: _Prefix = Field(
        "",
        description="Put before the names of topics (that do not have it yet) and consumer groups, "
        "as hosted clusters may demand",
    )
    kafka_group_prefix: str = Field(
        "", description="Put before the names of consumer groups instead of KAFKA_PREFIX"
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

    @field_validator("kafka_topic_replication")
    @classmethod
    def _is_a_number_of_replicas(cls, replicas: int) -> int:
        if replicas == 0:
            raise ValueError("must be 1 or more, or -1")
        return replicas

    @model_validator(mode="after")
    def _names_have_the_prefix(self) -> Self:
        self.kafka_group_prefix = self.kafka_group_prefix or self.kafka_prefix
        for name in ("kafka_image_topic", "kafka_dither_topic", "kafka_dead_letter_topic"):
            topic: str = getattr(self, name)
            if not topic.startswith(self.kafka_prefix):
                setattr(self, name, self.kafka_prefix + topic)
        return self


def _without_schemes(urls: str) -> tuple[bool, str]:
    """Whether the brokers use TLS, and their addresses. Raises ValueError."""
    schemes, brokers = set(), []
    for url in urls.split(","):
        scheme, _, broker = url.strip().partition("://")
        schemes.add(scheme)
        brokers.append(broker.removesuffix("/"))
    if schemes not in ({"kafka"}, {"kafka+ssl"}) or not all(map(_BROKER.fullmatch, brokers)):
        raise ValueError(
            "must be like kafka+ssl://host:9096 or kafka://host:9092, or several with commas"
        )
    return schemes == {"kafka+ssl"}, ",".join(brokers)
