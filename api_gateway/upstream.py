"""A service as the gateway sees it: its replicas, which of them to ask, and when not to."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from api_gateway.connection import ClosedHere, UpstreamError
from api_gateway.replica import Lease, Replica
from api_gateway.settings import GatewaySettings, split_list

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25
PROBE_TIMEOUT_SECONDS = 5
MAX_FETCH_BYTES = 4 * 1024 * 1024


class UpstreamBusy(UpstreamError):
    """No replica may be asked now: all are out of rotation, or the queue is full."""


class Answer(NamedTuple):
    status: int
    body: bytes


class Upstream:
    """Replicas of one service behind a bounded queue."""

    def __init__(self, name: str, addresses: Iterable[str], settings: GatewaySettings) -> None:
        self.name = name
        self.replicas = [Replica(address, settings) for address in addresses]
        self._settings = settings
        self._queue: deque[asyncio.Future[Replica | None]] = deque()
        self._turn = 0
        self.streams = 0

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The one that all of this runs in; there is none yet when this is made."""
        return asyncio.get_running_loop()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def choose(self, now: float, avoid: Replica | None = None) -> Replica | None:
        """The least loaded replica that may be asked; ties go round."""
        if len(self.replicas) == 1:
            only = self.replicas[0]
            return only if only.breaker.allows(now) else None
        self._turn += 1
        count = len(self.replicas)
        best: Replica | None = None
        for i in range(count):
            replica = self.replicas[(self._turn + i) % count]
            if not replica.breaker.allows(now) or replica is avoid:
                continue
            if best is None or replica.in_flight < best.in_flight:
                best = replica
        return best

    async def lease(
        self, *, idempotent: bool, event_stream: bool = False, after: Lease | None = None
    ) -> Lease:
        """A connection that nothing has been sent on, to the best replica.

        Raises UpstreamBusy when there is none within the queue's bounds, UpstreamError when none
        can be connected to. Replicas that refuse are passed over: nothing was sent to them.
        ``after``: the lease that has just failed; another replica is better, and kept connections
        may be as dead as that one.
        """
        avoid = None if after is None else after.replica
        for _ in self.replicas:
            now = self._loop.time()
            replica = self.choose(now, avoid) or self.choose(now)
            if replica is None:
                raise UpstreamBusy(f"The {self.name} service is not available at the moment.")
            if event_stream:
                self._enter_stream()
            elif replica.in_flight < self._settings.upstream_max_in_flight:
                replica.in_flight += 1
            else:
                replica = await self._wait_for_place()
            if after is not None:
                replica.drop_idle()
            replica.breaker.begin()
            lease = self._reuse(replica, idempotent=idempotent, event_stream=event_stream)
            lease = lease or await self._connect(replica, event_stream=event_stream)
            if lease is not None:
                return lease
            avoid = replica
        raise UpstreamError(f"The {self.name} service is not available at the moment.")

    def _reuse(self, replica: Replica, *, idempotent: bool, event_stream: bool) -> Lease | None:
        """A kept connection, for one who has a place at the replica."""
        # What cannot be sent again goes only where the other side has just been heard.
        max_idle = self._settings.upstream_idle_seconds * (1 if idempotent else 0.5)
        connection = replica.take_idle(self._loop.time(), max_idle)
        if connection is None:
            return None
        replica.busy.add(connection)
        return Lease(replica, connection, event_stream, reused=True)

    async def _connect(self, replica: Replica, *, event_stream: bool) -> Lease | None:
        """A new connection, for one who has a place (which is lost with None: it refused)."""
        try:
            connection = await replica.connect()
        except UpstreamError as error:
            self._leave(replica, event_stream=event_stream)
            self._failed(replica, str(error), fatal=True)
            return None
        except BaseException:
            self._leave(replica, event_stream=event_stream)
            replica.breaker.abandon()
            raise
        replica.busy.add(connection)
        return Lease(replica, connection, event_stream, reused=False)

    def release(self, lease: Lease, error: UpstreamError | None = None) -> None:
        """End an exchange. ``error``: what the replica is to blame for."""
        replica, connection = lease.replica, lease.connection
        replica.busy.discard(connection)
        self._leave(replica, event_stream=lease.event_stream)
        if error is not None and not isinstance(error, ClosedHere):
            self._failed(replica, str(error))
        elif error is None and connection.head_complete:
            was_closed = replica.breaker.closed
            if lease.is_probe:
                replica.breaker.heard()
            else:
                replica.breaker.success()
            if replica.breaker.closed and not was_closed:
                logger.info("replica is back", extra=self._fields(replica))
        elif not lease.is_probe:
            replica.breaker.abandon()
        if connection.reusable:
            connection.idle_since = self._loop.time()
            replica.idle.append(connection)
        else:
            connection.close()

    def _enter_stream(self) -> None:
        if self.streams >= self._settings.upstream_max_streams:
            raise UpstreamBusy("Too many people are watching at the moment.")
        self.streams += 1

    async def _wait_for_place(self) -> Replica:
        """The replica (whichever it is) where a place becomes free, already counted in."""
        if len(self._queue) >= self._settings.upstream_max_queue:
            raise UpstreamBusy(f"The {self.name} service is overloaded.")
        place: asyncio.Future[Replica | None] = self._loop.create_future()
        self._queue.append(place)
        timer = self._loop.call_later(self._settings.upstream_queue_seconds, self._expire, place)
        try:
            replica = await place
        except asyncio.CancelledError:
            self._expire(place)
            if not place.cancelled() and (came := place.result()) is not None:
                # It came in the very moment that the wait ended.
                self._leave(came, event_stream=False)
            raise
        finally:
            timer.cancel()
        if replica is None:
            raise UpstreamBusy(f"The {self.name} service is overloaded.")
        return replica

    def _expire(self, place: "asyncio.Future[Replica | None]") -> None:
        """Let a wait end without a place."""
        with contextlib.suppress(ValueError):
            self._queue.remove(place)
        if not place.done():
            place.set_result(None)

    def _leave(self, replica: Replica, *, event_stream: bool) -> None:
        """Count a request out; its place goes to the one that has waited longest."""
        if event_stream:
            self.streams -= 1
            return
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(replica)
                return
        replica.in_flight -= 1

    def _failed(self, replica: Replica, reason: str, *, fatal: bool = False) -> None:
        was_closed = replica.breaker.closed
        replica.breaker.failure(self._loop.time(), fatal=fatal)
        if was_closed and not replica.breaker.closed:
            logger.warning("replica is out of rotation: %s", reason, extra=self._fields(replica))

    def _fields(self, replica: Replica) -> dict[str, str]:
        return {"upstream": self.name, "replica": replica.authority}

    async def fetch(self, target: str, seconds: float) -> Answer:
        """GET, whole; for the gateway's own use. Raises UpstreamError."""
        lease = await self.lease(idempotent=True)
        return await self._fetch(lease, target, seconds)

    async def _fetch(self, lease: Lease, target: str, seconds: float) -> Answer:
        connection, error = lease.connection, None
        try:
            connection.begin(
                f"GET {target} HTTP/1.1\r\nhost: {lease.replica.authority}\r\n\r\n".encode("ascii")
            )
            await connection.response(seconds)
            body = bytearray()
            while part := await connection.read(seconds):
                body += part
                if len(body) > MAX_FETCH_BYTES:
                    raise UpstreamError("the answer is too large")
            return Answer(connection.status, bytes(body))
        except UpstreamError as caught:
            error = caught
            raise
        finally:
            self.release(lease, error)

    async def run(self) -> None:
        """Sweep deadlines and probe health until cancelled; then close every connection."""
        async with asyncio.TaskGroup() as group:
            if self._settings.upstream_probe_seconds > 0:
                for replica in self.replicas:
                    group.create_task(self._probe(replica))
            try:
                while True:
                    await asyncio.sleep(SWEEP_SECONDS)
                    for replica in self.replicas:
                        replica.sweep(self._loop.time())
            finally:
                for replica in self.replicas:
                    for connection in (*replica.idle, *replica.busy):
                        connection.close()

    async def _probe(self, replica: Replica) -> None:
        """Any answer counts as life: what a service says of its own parts is its own affair."""
        while True:
            await asyncio.sleep(self._settings.upstream_probe_seconds)
            self.streams += 1  # a probe takes no request's place
            lease = self._reuse(replica, idempotent=True, event_stream=True)
            lease = lease or await self._connect(replica, event_stream=True)
            if lease is not None:
                lease.is_probe = True
                with contextlib.suppress(UpstreamError):
                    await self._fetch(lease, "/health", PROBE_TIMEOUT_SECONDS)


def build_upstreams(settings: GatewaySettings) -> dict[str, Upstream]:
    addresses: dict[str, str] = {
        "upload": settings.upload_service_url,
        "dither": settings.dither_service_url,
        "notification": settings.notification_service_url,
    }
    return {n: Upstream(n, split_list(a), settings) for n, a in addresses.items()}
