"""The HTTP client that asks the services, and what its errors mean."""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectTimeoutError, DetailedPyreqwestError, PyreqwestError

from api_gateway.settings import GatewaySettings


def create_client(settings: GatewaySettings) -> Client:
    """What passes through stays as it is: nothing is decompressed, followed or remembered."""
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
    """Whether the request is sure not to have reached the service: connecting has failed.

    The client has one class for failures while connecting and afterwards; hyper's own words, which
    it passes on, tell them apart. ``test_gateway_replicas`` fails should they change.
    """
    if isinstance(error, ConnectTimeoutError):
        return True
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return any(cause["message"] == "client error (Connect)" for cause in causes or ())
