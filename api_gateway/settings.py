"""The settings of the gateway, all of them environment variables."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)
from pydantic import field_validator as validator
from pydantic_settings import SettingsConfigDict

from api_gateway.keys import parse_entry
from shared.settings import AccessSettings, Addresses, CloudinaryPlace, matching, split_list

MB = 1024 * 1024
BEHIND_PROXIES_SECONDS = 75
_ORIGIN = r"(\*|https?://[^/?#@,\s]+/?)"


class GatewaySettings(AccessSettings, CloudinaryPlace):
    """The defaults suit one machine and a few hundred users."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    upload_service_url: Addresses = "http://127.0.0.1:8001"
    """Upload service: one address, or several with commas"""
    dither_service_url: Addresses = "http://127.0.0.1:8002"
    """Dither service: one address, or several with commas"""
    notification_service_url: Addresses = "http://127.0.0.1:8003"
    """Notification service: one address, or several with commas"""
    frontend_dir: Path = Path("frontend")
    """The web page's directory (relative to the project)"""

    max_upload_bytes: PositiveInt = 20 * MB
    """Largest file that may be uploaded, in bytes"""
    dither_call_max_bytes: PositiveInt = 100 * MB
    """Largest body of POST /dither, all its files together"""
    gateway_max_body_bytes: NonNegativeInt = MB // 4
    """Largest request body where no file is uploaded, in bytes"""
    gateway_client_timeout_seconds: PositiveFloat = 8
    """A client must have sent its header, or more of its body, by then"""
    gateway_idle_seconds: PositiveFloat | None = None
    """Most time between two headers; unset: 75 with GATEWAY_TRUSTED_PROXIES, else as above"""
    gateway_write_timeout_seconds: PositiveFloat = 30
    """A client that reads nothing of its answer for so long is cut off"""

    upstream_response_timeout_seconds: PositiveFloat = 10
    """How long a service may take to begin its answer, and between parts"""
    upstream_stream_idle_seconds: PositiveFloat = 75
    """How long an event stream may be silent before it is ended"""
    upstream_max_in_flight: PositiveInt = 64
    """Most requests at once to one replica of a service"""
    upstream_max_queue: NonNegativeInt = 256
    """Most requests waiting for one replica; more are told 503"""
    upstream_queue_seconds: PositiveFloat = 2
    """How long a request may wait for its turn before it is told 503"""
    upstream_max_streams: PositiveInt = 500
    """Most event streams at once to one replica of a service"""
    upstream_failures_to_open: PositiveInt = 5
    """Failures in a row that open a replica's circuit breaker"""
    upstream_open_seconds: PositiveFloat = 1
    """How long an open circuit breaker waits before its next trial"""
    upstream_probe_seconds: PositiveFloat = 1
    """How often each replica's health is probed"""

    gateway_rate_limit: NonNegativeFloat = 100
    """Requests a second of one client; 0 switches the limit off"""
    gateway_rate_burst: PositiveInt = 400
    """Requests one client may send at once before the limit holds"""
    gateway_upload_rate_limit: NonNegativeFloat = 5
    """Uploads a second of one client; 0 switches the limit off"""
    gateway_upload_rate_burst: PositiveInt = 250
    """Uploads one client may send at once before the limit holds"""
    gateway_max_requests_per_client: NonNegativeInt = 32
    """Requests of one client under way at once; 0 switches the limit off"""
    gateway_api_keys: SecretStr = SecretStr("")
    """API keys with commas, as python -m api_gateway.keys prints them"""
    gateway_trusted_proxies: str = ""
    """Networks, with commas, whose X-Forwarded-* and Forwarded are believed"""
    gateway_cors_origins: Annotated[
        str,
        matching(
            rf"({_ORIGIN}(\s*,\s*{_ORIGIN})*)?",
            "origins such as https://example.org or https://*.example.org, with commas, or *",
        ),
    ] = ""
    """Origins, with commas, whose pages may call the API; * for all, https://*.example.org"""
    gateway_cors_headers: Annotated[
        str, matching(r"[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*", "names of fields, with commas")
    ] = (
        "authorization, cache-control, content-type, idempotency-key, if-none-match, "
        "last-event-id, traceparent, x-api-key, x-manage-token, x-request-id, x-requested-with"
    )
    """Header fields, with commas, that those pages may send"""

    @validator("gateway_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _ = [ip_network(part) for part in split_list(value)]
        return value

    @model_validator(mode="after")
    def _keys_are_used(self) -> Self:
        _ = [parse_entry(entry) for entry in self.api_keys]
        if self.access_mode == "keys" and not self.api_keys:
            raise ValueError("ACCESS=keys needs GATEWAY_API_KEYS")
        if self.is_open and self.api_keys:
            raise ValueError("GATEWAY_API_KEYS needs ACCESS=owned or ACCESS=keys")
        return self

    @property
    def idle_seconds(self) -> float:
        if self.gateway_idle_seconds is not None:
            return self.gateway_idle_seconds
        if self.gateway_trusted_proxies:
            return BEHIND_PROXIES_SECONDS
        return self.gateway_client_timeout_seconds

    def addresses(self, service: str) -> list[str]:
        """The base addresses of a service, without a slash at their end."""
        value: str = getattr(self, f"{service}_service_url")
        return [address.rstrip("/") for address in split_list(value)]

    @property
    def api_keys(self) -> list[str]:
        return split_list(self.gateway_api_keys.get_secret_value())
