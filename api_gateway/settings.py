"""What the gateway can be told, all of it by environment variables."""

from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from shared.settings import HttpSettings

# What multipart framing, part headers and small fields add to a file.
MULTIPART_OVERHEAD_BYTES = 64 * 1024


class GatewaySettings(HttpSettings):
    """Defaults suit one machine and a few hundred people."""

    upload_service_url: str = Field(
        "http://127.0.0.1:8001", description="Upload service: one address, or several with commas"
    )
    dither_service_url: str = Field(
        "http://127.0.0.1:8002", description="Dither service: one address, or several with commas"
    )
    notification_service_url: str = Field(
        "http://127.0.0.1:8003",
        description="Notification service: one address, or several with commas",
    )
    frontend_dir: Path = Field(
        Path("frontend"), description="The web page's directory (relative to the project)"
    )

    max_upload_bytes: int = Field(
        20 * 1024 * 1024, ge=1, description="Largest file that may be uploaded, in bytes"
    )
    gateway_max_body_bytes: int = Field(
        256 * 1024, ge=0, description="Largest request body where no file is uploaded, in bytes"
    )
    gateway_max_connections: int = Field(
        4096, ge=1, description="Most client connections at once; more wait to be accepted"
    )
    gateway_client_timeout_seconds: float = Field(
        8, ge=1, description="A client must have sent its header, or more of its body, by then"
    )
    gateway_client_min_bytes_per_second: int = Field(
        1024, ge=0, description="A client that sends its body slower than this is cut off"
    )
    gateway_write_timeout_seconds: float = Field(
        30, gt=0, description="A client that takes nothing of its answer for so long is cut off"
    )

    upstream_connect_timeout_seconds: float = Field(
        1, gt=0, description="How long connecting to a service may take"
    )
    upstream_response_timeout_seconds: float = Field(
        10, gt=0, description="How long a service may take to begin its answer, and between parts"
    )
    upstream_stream_idle_seconds: float = Field(
        75, gt=0, description="How long an event stream may be silent before it is ended"
    )
    upstream_idle_seconds: float = Field(
        4, gt=0, description="Unused service connections close after this; below the service's own"
    )
    upstream_max_in_flight: int = Field(
        64, ge=1, description="Most requests at once to one replica of a service"
    )
    upstream_max_queue: int = Field(
        256, ge=0, description="Most requests waiting for one service; more are told 503"
    )
    upstream_queue_seconds: float = Field(
        2, gt=0, description="How long a request may wait for its turn before it is told 503"
    )
    upstream_max_streams: int = Field(
        500, ge=1, description="Most event streams at once to one service"
    )
    upstream_failures_to_open: int = Field(
        5, ge=1, description="Failures in a row that open a replica's circuit breaker"
    )
    upstream_open_seconds: float = Field(
        1, gt=0, description="How long an open circuit breaker waits before its next trial"
    )
    upstream_probe_seconds: float = Field(
        1, ge=0, description="How often each replica's health is probed; 0 never probes"
    )

    gateway_rate_limit: float = Field(
        100, ge=0, description="Requests a second of one client; 0 switches the limit off"
    )
    gateway_rate_burst: int = Field(
        400, ge=1, description="Requests one client may send at once before the limit holds"
    )
    gateway_upload_rate_limit: float = Field(
        5, ge=0, description="Uploads a second of one client; 0 switches the limit off"
    )
    gateway_upload_rate_burst: int = Field(
        250, ge=1, description="Uploads one client may send at once before the limit holds"
    )
    gateway_max_requests_per_client: int = Field(
        32, ge=0, description="Requests of one client under way at once; 0 switches the limit off"
    )
    gateway_api_keys: SecretStr = Field(
        SecretStr(""), description="API keys with commas; when set, the API asks for one of them"
    )
    gateway_trusted_proxies: str = Field(
        "", description="Networks, with commas, whose X-Forwarded-* and Forwarded are believed"
    )
    gateway_cors_origins: str = Field(
        "",
        description="Origins, with commas, whose pages may call the API; "
        "* for all, https://*.example.org for all below a domain",
    )
    gateway_cors_headers: str = Field(
        "authorization, cache-control, content-type, if-none-match, last-event-id, traceparent, "
        "x-api-key, x-request-id, x-requested-with",
        description="Header fields, with commas, that those pages may send",
    )

    cloudinary_cloud_name: str | None = Field(
        None, description="Name of the Cloudinary product environment; unset: files on local disk"
    )
    cloudinary_delivery_url: str = Field(
        "https://res.cloudinary.com", description="Where Cloudinary serves the stored files"
    )

    @field_validator("upload_service_url", "dither_service_url", "notification_service_url")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for address in split_list(value) or [""]:
            url = urlsplit(address)
            if url.scheme not in {"http", "https"} or not url.hostname or url.path.strip("/"):
                raise ValueError(f"{address!r} is no address such as http://127.0.0.1:8001")
        return value

    @field_validator("gateway_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _ = [ip_network(part) for part in split_list(value)]
        return value

    @property
    def service_addresses(self) -> dict[str, list[str]]:
        """The addresses of each service, without a slash at their end."""
        urls = {
            "upload": self.upload_service_url,
            "dither": self.dither_service_url,
            "notification": self.notification_service_url,
        }
        return {name: [a.rstrip("/") for a in split_list(url)] for name, url in urls.items()}

    @property
    def image_origins(self) -> tuple[str, ...]:
        """Where the page's pictures may come from besides the gateway itself."""
        return (self.cloudinary_delivery_url,) if self.cloudinary_cloud_name else ()

    @property
    def max_upload_body_bytes(self) -> int:
        return self.max_upload_bytes + MULTIPART_OVERHEAD_BYTES


def split_list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]
