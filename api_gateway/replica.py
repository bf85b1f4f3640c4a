"""One address of a service, with its circuit breaker."""

import asyncio
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from prometheus_client import Gauge

from api_gateway.settings import GatewaySettings

logger = logging.getLogger(__name__)

IN_FLIGHT = Gauge(
    "gateway_upstream_in_flight", "Requests at a replica, or waiting", ["upstream", "replica"]
)
OPEN = Gauge(
    "gateway_upstream_breaker_open", "1: the replica is out of rotation", ["upstream", "replica"]
)


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
        self.in_flight = 0  # including requests that wait for a place
        self.places = asyncio.Semaphore(settings.upstream_max_in_flight)
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._is_absent = False
        self._asked_again_at = 0.0  # the time of the next trial; 0: in rotation
        self._logged = {"upstream": service, "replica": self.authority}
        IN_FLIGHT.labels(service, self.authority).set_function(lambda: self.in_flight)
        OPEN.labels(service, self.authority).set_function(lambda: not self.in_rotation)

    @property
    def in_rotation(self) -> bool:
        return not self._asked_again_at

    def may_be_asked(self) -> bool:
        return self.in_rotation or self._clock() >= self._asked_again_at

    def begin(self) -> None:
        """A request is sent. Out of rotation it is the trial, the only one for this pause."""
        if not self.in_rotation:
            self._pause()

    def succeeded(self) -> None:
        if not self.in_rotation:
            logger.info("replica is back", extra=self._logged)
        self._failures, self._is_absent, self._asked_again_at = 0, False, 0.0

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
            self._pause()

    def _pause(self) -> None:
        """Start a pause. Probes test an absent replica, so its pause outlasts the next probe."""
        probe = self._settings.upstream_probe_seconds if self._is_absent else 0
        self._asked_again_at = self._clock() + self._settings.upstream_open_seconds + probe
