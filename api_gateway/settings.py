"""The settings of the gateway, all of them environment variables."""

from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr
from pydantic import field_validator as validator

from shared.settings import HttpSettings

MB = 1024 * 1024


# fmt: off
class GatewaySettings(HttpSettings):
    """The defaults suit one machine and a few hundred users."""

    upload_service_url: str = Field("http://127.0.0.1:8001", description=(
        "Upload service: one address, or several with commas"))
    dither_service_url: str = Field("http://127.0.0.1:8002", description=(
        "Dither service: one address, or several with commas"))
    notification_service_url: str = Field("http://127.0.0.1:8003", description=(
        "Notification service: one address, or several with commas"))
    frontend_dir: Path = Field(Path("frontend"), description=(
        "The web page's directory (relative to the project)"))

    max_upload_bytes: PositiveInt = Field(20 * MB, description=(
        "Largest file that may be uploaded, in bytes"))
    dither_call_max_bytes: PositiveInt = Field(100 * MB, description=(
        "Largest body of POST /dither, all its files together"))
    gateway_max_body_bytes: NonNegativeInt = Field(MB // 4, description=(
        "Largest request body where no file is uploaded, in bytes"))
    gateway_max_connections: PositiveInt = Field(4096, description=(
        "Most client connections at once; more wait to be accepted"))
    gateway_client_timeout_seconds: float = Field(8, ge=1, description=(
        "A client must have sent its header, or more of its body, by then"))
    gateway_client_min_bytes_per_second: NonNegativeInt = Field(1024, description=(
        "A client that sends its body slower than this is cut off"))
    gateway_write_timeout_seconds: PositiveFloat = Field(30, description=(
        "A client that takes nothing of its answer for so long is cut off"))

    upstream_connect_timeout_seconds: PositiveFloat = Field(1, description=(
        "How long connecting to a service may take"))
    upstream_response_timeout_seconds: PositiveFloat = Field(10, description=(
        "How long a service may take to begin its answer, and between parts"))
    upstream_stream_idle_seconds: PositiveFloat = Field(75, description=(
        "How long an event stream may be silent before it is ended"))
    upstream_idle_seconds: PositiveFloat = Field(4, description=(
        "Unused service connections close after this; below the service's own"))
    upstream_max_in_flight: PositiveInt = Field(64, description=(
        "Most requests at once to one replica of a service"))
    upstream_max_queue: NonNegativeInt = Field(256, description=(
        "Most requests waiting for one service; more are told 503"))
    upstream_queue_seconds: PositiveFloat = Field(2, description=(
        "How long a request may wait for its turn before it is told 503"))
    upstream_max_streams: PositiveInt = Field(500, description=(
        "Most event streams at once to one service"))
    upstream_failures_to_open: PositiveInt = Field(5, description=(
        "Failures in a row that open a replica's circuit breaker"))
    upstream_open_seconds: PositiveFloat = Field(1, description=(
        "How long an open circuit breaker waits before its next trial"))
    upstream_probe_seconds: NonNegativeFloat = Field(1, description=(
        "How often each replica's health is probed; 0 never probes"))

    gateway_rate_limit: NonNegativeFloat = Field(100, description=(
        "Requests a second of one client; 0 switches the limit off"))
    gateway_rate_burst: PositiveInt = Field(400, description=(
        "Requests one client may send at once before the limit holds"))
    gateway_upload_rate_limit: NonNegativeFloat = Field(5, description=(
        "Uploads a second of one client; 0 switches the limit off"))
    gateway_upload_rate_burst: PositiveInt = Field(250, description=(
        "Uploads one client may send at once before the limit holds"))
    gateway_max_requests_per_client: NonNegativeInt = Field(32, description=(
        "Requests of one client under way at once; 0 switches the limit off"))
    gateway_api_keys: SecretStr = Field(SecretStr(""), description=(
        "API keys with commas; when set, the API asks for one of them"))
    gateway_trusted_proxies: str = Field("", description=(
        "Networks, with commas, whose X-Forwarded-* and Forwarded are believed"))
    gateway_cors_origins: str = Field("", description=(
        "Origins, with commas, whose pages may call the API; * for all, https://*.example.org"))
    gateway_cors_headers: str = Field(
        "authorization, cache-control, content-type, if-none-match, last-event-id, traceparent, "
        "x-api-key, x-request-id, x-requested-with", description=(
        "Header fields, with commas, that those pages may send"))

    cloudinary_cloud_name: str | None = Field(None, description=(
        "Name of the Cloudinary product environment; unset: files on local disk"))
    cloudinary_delivery_url: str = Field("https://res.cloudinary.com", description=(
        "Where Cloudinary serves the stored files"))
    # fmt: on

    @validator("upload_service_url", "dither_service_url", "notification_service_url")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for address in split_list(value) or [""]:
            url = urlsplit(address)
            if url.scheme not in {"http", "https"} or not url.hostname or url.path.strip("/"):
                raise ValueError(f"{address!r} is no address such as http://127.0.0.1:8001")
        return value

    @validator("gateway_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _ = [ip_network(part) for part in split_list(value)]
        return value

    def addresses(self, service: str) -> list[str]:
        """The base addresses of a service, without a slash at their end."""
        value: str = getattr(self, f"{service}_service_url")
        return [address.rstrip("/") for address in split_list(value)]

    @property
    def api_keys(self) -> list[str]:
        return split_list(self.gateway_api_keys.get_secret_value())


def split_list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
