"""The HTTP client that calls the services, and the meaning of its errors."""

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectTimeoutError, DetailedPyreqwestError

CONNECT_SECONDS = 1
IDLE_SECONDS = 4  # shorter than the services' own, so that they never close a connection in use


def create_client(most: int, queue_seconds: float) -> Client:
    """A client that changes nothing of what it forwards: no decompression, no redirects.

    At most ``most`` requests at once; others wait, and raise PoolTimeoutError in the end.
    """
    builder = ClientBuilder().gzip(False).brotli(False).zstd(False).deflate(False)
    return (
        builder.follow_redirects(False)
        .referer(False)
        .no_proxy()
        .user_agent("gateway")
        .http1_lower_case_headers()
        .max_connections(most)
        .pool_timeout(timedelta(seconds=queue_seconds))
        .pool_max_idle_per_host(most)
        .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .build()
    )


def nothing_was_sent(error: Exception) -> bool:
    """Whether the request certainly did not reach the service, because connecting failed.

    The client has one exception class for failures before and after connecting; only hyper's error
    text distinguishes them. ``test_gateway_replicas`` fails if that text changes.
    """
    if isinstance(error, ConnectTimeoutError):
        return True
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return any(cause["message"] == "client error (Connect)" for cause in causes or ())
