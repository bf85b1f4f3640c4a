"""Rate limits: a token bucket for each client; and which client an address belongs to."""

import math
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from operator import itemgetter

from api_gateway.headers import Fields

# When there are more clients, those with the fullest buckets are forgotten.
MAX_CLIENTS = 50_000
# The tolerance for rounding errors, in seconds (the unit of a bucket's content).
_ROUNDING = 1e-6


class RateLimiter:
    """``rate`` tokens a second flow into a bucket of ``burst`` tokens; a request takes some.

    For each client only the time when its bucket will be full again is kept (the "generic cell
    rate algorithm" of ITU-T I.371): one number instead of a content and its time.
    """

    def __init__(
        self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._seconds = burst / rate  # until an empty bucket is full
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def take(self, client: str, cost: int = 1) -> tuple[Fields, int]:
        """The answer's RateLimit fields, and the seconds until a retry (0: tokens were taken)."""
        now = self._clock()
        missing = max(0.0, self._full_at.get(client, 0.0) - now)
        wanted = missing + min(cost, self._burst) / self._rate
        wait = max(0, math.ceil(wanted - self._seconds - _ROUNDING))
        if not wait:
            missing = wanted
            self._full_at[client] = now + wanted
            if len(self._full_at) > MAX_CLIENTS:
                fullest_first = sorted(self._full_at.items(), key=itemgetter(1))
                self._full_at = dict(fullest_first[MAX_CLIENTS // 2 :])
        return [
            (b"ratelimit-limit", b"%d" % self._burst),
            (b"ratelimit-remaining", b"%d" % ((self._seconds - missing + _ROUNDING) * self._rate)),
            (b"ratelimit-reset", b"%d" % math.ceil(missing - _ROUNDING)),
        ], wait


@lru_cache(4096)
def client_of(address: str) -> str:
    """The client of an address: for IPv6 the /64 network, since one customer has all of it."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    return str(ip.ipv4_mapped or ip_network((int(ip), 64), strict=False))
