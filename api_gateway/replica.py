"""One address of a service, and the connections to it."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from api_gateway.breaker import CircuitBreaker
from api_gateway.connection import UpstreamConnection, UpstreamError, UpstreamTimeout
from api_gateway.settings import GatewaySettings


class Replica:
    """``address``: a base URL."""

    def __init__(self, address: str, settings: GatewaySettings) -> None:
        url = urlsplit(address)
        assert url.hostname is not None
        self.host, self.port = url.hostname, url.port or (443 if url.scheme == "https" else 80)
        self.authority = url.netloc.rpartition("@")[2]
        self.host_field = self.authority.encode("ascii")
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._settings = settings
        self.breaker = CircuitBreaker(
            settings.upstream_failures_to_open, settings.upstream_open_seconds
        )
        self.idle: deque[UpstreamConnection] = deque()
        self.busy: set[UpstreamConnection] = set()
        self.in_flight = 0

    def take_idle(self, now: float, max_idle: float) -> UpstreamConnection | None:
        """The connection used last: the least likely to be closed by the other side just now."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed and now - connection.idle_since <= max_idle:
                return connection
            connection.close()
        return None

    def drop_idle(self) -> None:
        while self.idle:
            self.idle.pop().close()

    async def connect(self) -> UpstreamConnection:
        """Raises UpstreamError; nothing has been sent then."""
        loop = asyncio.get_running_loop()
        connecting = loop.create_connection(
            lambda: UpstreamConnection(loop), self.host, self.port, ssl=self._tls
        )
        seconds = self._settings.upstream_connect_timeout_seconds
        try:
            _, connection = await loop.create_task(asyncio.wait_for(connecting, seconds))
        except TimeoutError as error:
            raise UpstreamTimeout("connecting took too long") from error
        except OSError as error:
            raise UpstreamError("nobody answers") from error
        if connection.closed:  # a balancer without anybody behind it
            raise UpstreamError("it hung up at once")
        return connection

    def sweep(self, now: float) -> None:
        for connection in [c for c in self.busy if c.deadline < now]:
            connection.expire()
        while self.idle and (
            self.idle[0].closed
            or now - self.idle[0].idle_since > self._settings.upstream_idle_seconds
        ):
            self.idle.popleft().close()


@dataclass(slots=True, eq=False)
class Lease:
    """A replica's connection for one exchange. Give it back with ``Upstream.release``."""

    replica: Replica
    connection: UpstreamConnection
    event_stream: bool
    reused: bool
    is_probe: bool = False
