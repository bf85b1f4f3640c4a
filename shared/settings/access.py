"""Where a process listens, who may use the system, and what an owner may store."""

import re
from typing import Literal, Self
from urllib.parse import urljoin, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings.base import Settings
from shared.settings.tracing import TracingSettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MIN_SECRET_CHARACTERS = 32


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


class OwnerSettings(Settings):
    """What one owner may have stored."""

    max_bytes_per_owner: int = Field(
        1024**3,
        ge=0,
        description="Most bytes of one owner's files; 0: no bound (a key's quota goes first)",
    )
