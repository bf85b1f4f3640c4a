"""Rate limits: a token bucket for each client."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

# The least recently seen of more clients starts anew with a full bucket.
MAX_CLIENTS = 50_000


class Verdict(NamedTuple):
    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until the bucket is full
    retry_after: int  # seconds until such a request would be allowed

    def rendered(self) -> bytes:
        return (b"ratelimit-limit: %d\r\nratelimit-remaining: %d\r\nratelimit-reset: %d\r\n") % (
            self.limit,
            self.remaining,
            self.reset,
        )


class RateLimiter:
    """``rate`` tokens a second flow into a bucket of ``burst`` tokens; a request takes some."""

    def __init__(
        self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __bool__(self) -> bool:
        return self._rate > 0

    def take(self, client: str, cost: int = 1) -> Verdict:
        now = self._clock()
        tokens, since = self._buckets.get(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        allowed = tokens >= cost
        if allowed:
            tokens -= cost
        self._buckets[client] = (tokens, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return Verdict(
            allowed,
            self._burst,
            int(tokens),
            math.ceil((self._burst - tokens) / self._rate),
            0 if allowed else max(1, math.ceil((cost - tokens) / self._rate)),
        )


@lru_cache(4096)
def client_of(address: str) -> str:
    """Whom an address stands for: one IPv6 customer has a network of 2**64 addresses."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip_network((int(ip), 64), strict=False))
