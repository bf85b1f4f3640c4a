"""A service as the gateway sees it: its replicas, which of them to ask, and when not to."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from api_gateway.breaker import CircuitBreaker
from api_gateway.settings import GatewaySettings

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_SECONDS = 5


class UpstreamError(Exception):
    """A service cannot be asked, or did not answer."""


class UpstreamBusy(UpstreamError):
    """No replica may be asked now: all are out of rotation, or the queue is full."""


class Replica:
    """One address of a service."""

    def __init__(self, url: str, settings: GatewaySettings) -> None:
        self.url = url
        self.authority = urlsplit(url).netloc.rpartition("@")[2]
        self.in_flight = 0
        self.breaker = CircuitBreaker(
            settings.upstream_failures_to_open, settings.upstream_open_seconds
        )


class Upstream:
    """Replicas of one service behind a bounded queue. Belongs to one event loop."""

    def __init__(
        self, name: str, urls: Iterable[str], settings: GatewaySettings, client: Client
    ) -> None:
        self.name = name
        self.client = client
        self.replicas = [Replica(url, settings) for url in urls]
        self._settings = settings
        self._queue: deque[asyncio.Future[Replica]] = deque()
        self._turn = 0
        self.streams = 0

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def enter(self, *, event_stream: bool, avoid: Replica | None = None) -> Replica:
        """The least loaded replica, with a place at it. Pair with ``leave``. Raises UpstreamBusy.

        ``avoid``: the replica that has just failed; any other is better.
        """
        replica = self._choose(avoid) or self._choose()
        if replica is None:
            raise UpstreamBusy(f"The {self.name} service is not available at the moment.")
        if event_stream:
            if self.streams >= self._settings.upstream_max_streams:
                raise UpstreamBusy("Too many people are watching at the moment.")
            self.streams += 1
        elif replica.in_flight < self._settings.upstream_max_in_flight:
            replica.in_flight += 1
        else:
            replica = await self._wait_for_place()
        replica.breaker.begin()
        return replica

    def leave(self, replica: Replica, *, event_stream: bool) -> None:
        """Count a request out; its place goes to the one that has waited longest."""
        replica.breaker.abandon()  # nothing, if it is known how the request ended
        if event_stream:
            self.streams -= 1
            return
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(replica)
                return
        replica.in_flight -= 1

    def succeeded(self, replica: Replica) -> None:
        was_closed = replica.breaker.closed
        replica.breaker.success()
        if not was_closed:
            logger.info("replica is back", extra=self._fields(replica))

    def failed(self, replica: Replica, reason: str, *, absent: bool = False) -> None:
        """``absent``: nobody listens there."""
        was_closed = replica.breaker.closed
        replica.breaker.failure(asyncio.get_running_loop().time(), fatal=absent)
        if was_closed and not replica.breaker.closed:
            logger.warning("replica is out of rotation: %s", reason, extra=self._fields(replica))

    def _fields(self, replica: Replica) -> dict[str, str]:
        return {"upstream": self.name, "replica": replica.authority}

    def _choose(self, avoid: Replica | None = None) -> Replica | None:
        """The least loaded replica that may be asked; ties go round."""
        now = asyncio.get_running_loop().time()
        self._turn += 1
        count = len(self.replicas)
        in_turn = (self.replicas[(self._turn + i) % count] for i in range(count))
        allowed = [r for r in in_turn if r is not avoid and r.breaker.allows(now)]
        return min(allowed, key=lambda replica: replica.in_flight, default=None)

    async def _wait_for_place(self) -> Replica:
        """The replica (whichever it is) where a place becomes free, already counted in."""
        busy = UpstreamBusy(f"The {self.name} service is overloaded.")
        if len(self._queue) >= self._settings.upstream_max_queue:
            raise busy
        place: asyncio.Future[Replica] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            async with asyncio.timeout(self._settings.upstream_queue_seconds):
                return await place
        except TimeoutError:
            raise busy from None
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it came in the very moment
                self.leave(place.result(), event_stream=False)
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._queue.remove(place)

    async def fetch(self, target: str, seconds: float) -> tuple[int, Any]:
        """GET for the gateway's own use: the status, and the JSON. Raises UpstreamError."""
        replica = await self.enter(event_stream=False)
        try:
            response = await self._get(replica, target, seconds)
            return response.status, await response.json()
        except PyreqwestError as error:
            self.failed(replica, error.message)
            raise UpstreamError("It did not answer.") from error
        finally:
            self.leave(replica, event_stream=False)

    async def _get(self, replica: Replica, target: str, seconds: float) -> Response:
        request = self.client.get(replica.url + target).timeout(timedelta(seconds=seconds))
        return await request.build().send()

    async def probe(self) -> None:
        """Ask every replica for its health, again and again, until cancelled."""
        if self._settings.upstream_probe_seconds > 0:
            async with asyncio.TaskGroup() as group:
                for replica in self.replicas:
                    group.create_task(self._probe(replica))

    async def _probe(self, replica: Replica) -> None:
        """Any answer counts as life: what a service says of its own parts is its own affair."""
        while True:
            await asyncio.sleep(self._settings.upstream_probe_seconds)
            try:
                await self._get(replica, "/health", PROBE_TIMEOUT_SECONDS)
            except TimeoutError as error:
                self.failed(replica, f"its health: {error}")
            except PyreqwestError as error:
                self.failed(replica, error.message, absent=True)
            else:
                was_closed = replica.breaker.closed
                replica.breaker.heard()
                if replica.breaker.closed and not was_closed:
                    logger.info("replica is back", extra=self._fields(replica))
