"""A service as the gateway sees it: its replicas, and the choice among them."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Gauge
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.response import Response

from api_gateway.client import create_client
from api_gateway.settings import GatewaySettings
from shared.principal import EVERYBODY, PRINCIPAL_HEADER, Principals
from shared.problems import Unavailable

logger = logging.getLogger(__name__)

PROBE_TIMEOUT_SECONDS = 5
PROBES_SKIPPED = 9  # in a row, while no request is sent to the replica
LABELS = ["upstream", "replica"]
IN_FLIGHT = Gauge("gateway_upstream_in_flight", "Requests at a replica, or waiting", LABELS)
OPEN = Gauge("gateway_upstream_breaker_open", "1: the replica is out of rotation", LABELS)


class Replica:
    """A circuit breaker: after several failures in a row it opens; then one trial per pause.

    A probe shows only whether a process listens at the address, not whether requests succeed. So
    an answered probe closes the breaker only if it had opened because nothing was listening.
    """

    def __init__(
        self,
        service: str,
        url: str,
        settings: GatewaySettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self.authority = urlsplit(url).netloc.rpartition("@")[2]
        self.in_rotation = True
        self.in_flight = 0  # including requests that wait, without event streams
        # Event streams last long, and probes must not wait: they take no places of requests.
        seconds = settings.upstream_queue_seconds
        self.client = create_client(settings.upstream_max_in_flight, seconds)
        self.streams = create_client(settings.upstream_max_streams, seconds)
        self._own = create_client(settings.upstream_max_in_flight, seconds)
        self._principals = Principals(settings)
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._is_absent = False
        self._next_trial = 0.0
        self._quiet = 0  # turns of the probe without a request before them
        self._logged = {"upstream": service, "replica": self.authority}
        IN_FLIGHT.labels(service, self.authority).set_function(lambda: self.in_flight)
        OPEN.labels(service, self.authority).set_function(lambda: not self.in_rotation)

    def may_be_asked(self) -> bool:
        return self.in_rotation or self._clock() >= self._next_trial

    def begin(self) -> None:
        """A request is sent. Out of rotation it is the trial, the only one for this pause."""
        self._quiet = 0
        if not self.in_rotation:
            self._pause()

    def succeeded(self) -> None:
        if not self.in_rotation:
            logger.info("replica is back", extra=self._logged)
        self._failures, self._is_absent, self.in_rotation = 0, False, True

    def was_heard(self) -> None:
        """A probe was answered."""
        if self._is_absent:
            self.succeeded()

    def failed(self, reason: str, *, absent: bool = False) -> None:
        """``absent``: nothing listens at the address; one such failure opens the breaker."""
        self._failures += 1
        self._is_absent = self._is_absent or absent
        if absent or self._failures >= self._settings.upstream_failures_to_open:
            if self.in_rotation:
                logger.warning("replica is out of rotation: %s", reason, extra=self._logged)
            self.in_rotation = False
            self._pause()

    def _pause(self) -> None:
        """Start a pause. Probes test an absent replica, so its pause outlasts the next probe."""
        probe = self._settings.upstream_probe_seconds if self._is_absent else 0
        self._next_trial = self._clock() + self._settings.upstream_open_seconds + probe

    async def give_up(self, call: str) -> None:
        """Tell the service that nobody waits for a request any more: the client cannot end it."""
        with suppress(PyreqwestError):
            await self.ask("DELETE", f"/calls/{call}", PROBE_TIMEOUT_SECONDS)

    async def ask(self, method: str, target: str, seconds: float) -> Response:
        """For the gateway's own use, as an operator. Raises PyreqwestError."""
        request = self._own.request(method, self.url + target).timeout(timedelta(seconds=seconds))
        header = {PRINCIPAL_HEADER: self._principals.sign(EVERYBODY)}
        return await request.headers(header).build().send()

    async def probe(self) -> None:
        """Request the health at intervals. Any answer means that the replica is alive."""
        while True:
            await asyncio.sleep(self._settings.upstream_probe_seconds)
            if not self.is_due_for_probe():
                continue
            try:
                await self.ask("GET", "/health", PROBE_TIMEOUT_SECONDS)
            except PyreqwestError as error:
                absent = not isinstance(error, TimeoutError)
                self.failed(f"health: {error.message}", absent=absent)
            else:
                self.was_heard()

    def is_due_for_probe(self) -> bool:
        """Each turn; but a replica in rotation that nobody uses may sleep most of them."""
        self._quiet += 1
        return not self.in_rotation or self._quiet % (PROBES_SKIPPED + 1) == 1


class Upstream:
    """The replicas of one service."""

    def __init__(self, name: str, settings: GatewaySettings) -> None:
        self.name = name
        self.replicas = [Replica(name, url, settings) for url in settings.addresses(name)]
        self._most = settings.upstream_max_in_flight + settings.upstream_max_queue
        self._turn = 0

    def choose(self, avoid: Replica | None = None) -> Replica:
        """The least loaded available replica; equal ones take turns. Raises Unavailable.

        ``avoid``: a replica that has just failed; any other is preferred.
        """
        allowed = [replica for replica in self.replicas if replica.may_be_asked()]
        if not allowed:
            raise self.unavailable("is not available at the moment")
        self._turn += 1
        turn = self._turn % len(allowed)
        found = min(allowed[turn:] + allowed[:turn], key=lambda r: (r is avoid, r.in_flight))
        if found.in_flight >= self._most:
            raise self.unavailable("is overloaded")
        found.begin()
        return found

    def unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"The {self.name} service {what}.", retry_after=1)

    async def fetch(self, target: str, seconds: float) -> tuple[int, Any]:
        """GET for the gateway's own use: status and JSON. Raises Unavailable."""
        try:
            response = await self.choose().ask("GET", target, seconds)
            return response.status, await response.json()
        except PyreqwestError as error:
            raise Unavailable("It did not answer.") from error
