"""The HTTP client that calls the services, and the meaning of its errors."""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectTimeoutError, DetailedPyreqwestError, PyreqwestError

from api_gateway.settings import GatewaySettings


def create_client(settings: GatewaySettings) -> Client:
    """A client that does not change what it forwards: no decompression, redirects or cookies."""
    return (
        ClientBuilder()
        .http1_only()
        .http1_lower_case_headers()
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .follow_redirects(False)
        .referer(False)
        .default_cookie_store(False)
        .no_proxy()
        .user_agent("gateway")
        .connect_timeout(timedelta(seconds=settings.upstream_connect_timeout_seconds))
        .pool_idle_timeout(timedelta(seconds=settings.upstream_idle_seconds))
        .pool_max_idle_per_host(settings.upstream_max_in_flight)
        .build()
    )


def nothing_was_sent(error: PyreqwestError) -> bool:
    """Whether the request certainly did not reach the service, because connecting failed.

    The client has one exception class for failures before and after connecting; only hyper's error
    text distinguishes them. ``test_gateway_replicas`` fails if that text changes.
    """
    if isinstance(error, ConnectTimeoutError):
        return True
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return any(cause["message"] == "client error (Connect)" for cause in causes or ())
