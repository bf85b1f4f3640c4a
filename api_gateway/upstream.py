"""A service as the gateway sees it: its replicas, and the choice among them."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from prometheus_client import Gauge
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from api_gateway.replica import Replica
from api_gateway.settings import GatewaySettings

PROBE_TIMEOUT_SECONDS = 5
WAITING = Gauge("gateway_upstream_waiting", "Requests waiting for a service", ["upstream"])
STREAMS = Gauge("gateway_upstream_streams", "Event streams open", ["upstream"])


class UpstreamError(Exception):
    """A service cannot be called now, or did not answer."""


class Upstream:
    """The replicas of one service behind a bounded queue. Use it in one event loop only."""

    def __init__(
        self, name: str, urls: Iterable[str], settings: GatewaySettings, client: Client
    ) -> None:
        self.name = name
        self.client = client
        self.replicas = [Replica(name, url, settings) for url in urls]
        self._settings = settings
        self._turn = 0
        self._streams = 0
        WAITING.labels(name).set_function(self._waiting)
        STREAMS.labels(name).set_function(lambda: self._streams)

    async def enter(self, *, event_stream: bool, avoid: Replica | None = None) -> Replica:
        """Take a place at the least loaded replica. Call ``leave`` afterwards.

        ``avoid``: a replica that has just failed; any other is preferred. Raises UpstreamError.
        """
        replica = self._choose(avoid)
        if not event_stream:
            await self._take_place(replica)
        elif self._streams >= self._settings.upstream_max_streams:
            raise UpstreamError("Too many people are watching at the moment.")
        else:
            self._streams += 1
        replica.begin()
        return replica

    def leave(self, replica: Replica, *, event_stream: bool) -> None:
        if event_stream:
            self._streams -= 1
        else:
            replica.in_flight -= 1
            replica.places.release()

    def _choose(self, avoid: Replica | None = None) -> Replica:
        """The least loaded available replica; equal ones take turns. Raises UpstreamError."""
        allowed = [replica for replica in self.replicas if replica.may_be_asked()]
        if not allowed:
            raise UpstreamError(f"The {self.name} service is not available at the moment.")
        self._turn += 1
        turn = self._turn % len(allowed)
        return min(allowed[turn:] + allowed[:turn], key=lambda r: (r is avoid, r.in_flight))

    async def _take_place(self, replica: Replica) -> None:
        """Wait for a place if necessary; the queue and the waiting time are bounded."""
        busy = UpstreamError(f"The {self.name} service is overloaded.")
        if not replica.places.locked():
            replica.in_flight += 1
            await replica.places.acquire()
            return
        if self._waiting() >= self._settings.upstream_max_queue:
            raise busy
        replica.in_flight += 1
        try:
            async with asyncio.timeout(self._settings.upstream_queue_seconds):
                await replica.places.acquire()
        except TimeoutError:
            replica.in_flight -= 1
            raise busy from None
        except asyncio.CancelledError:
            replica.in_flight -= 1
            raise

    def _waiting(self) -> int:
        most = self._settings.upstream_max_in_flight
        return sum(max(0, replica.in_flight - most) for replica in self.replicas)

    async def fetch(self, target: str, seconds: float) -> tuple[int, Any]:
        """GET for the gateway's own use: status and JSON. Raises UpstreamError."""
        replica = self._choose()
        try:
            response = await self._get(replica, target, seconds)
            return response.status, await response.json()
        except PyreqwestError as error:
            raise UpstreamError("It did not answer.") from error

    async def _get(self, replica: Replica, target: str, seconds: float) -> Response:
        request = self.client.get(replica.url + target).timeout(timedelta(seconds=seconds))
        return await request.build().send()

    async def probe(self) -> None:
        """Request the health of every replica at intervals, until cancelled."""
        if self._settings.upstream_probe_seconds > 0:
            async with asyncio.TaskGroup() as group:
                for replica in self.replicas:
                    group.create_task(self._probe(replica))

    async def _probe(self, replica: Replica) -> None:
        """Any answer means that the replica is alive, even if it reports a part as down."""
        while True:
            await asyncio.sleep(self._settings.upstream_probe_seconds)
            try:
                await self._get(replica, "/health", PROBE_TIMEOUT_SECONDS)
            except PyreqwestError as error:
                absent = not isinstance(error, TimeoutError)
                replica.failed(f"health: {error.message}", absent=absent)
            else:
                replica.was_heard()
