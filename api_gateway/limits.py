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
        return _rendered(self.limit, self.remaining, self.reset)


@lru_cache(1024)
def _rendered(limit: int, remaining: int, reset: int) -> bytes:
    return b"ratelimit-limit: %d\r\nratelimit-remaining: %d\r\nratelimit-reset: %d\r\n" % (
        limit,
        remaining,
        reset,
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

    def take(self, client: str, cost: int = 1) -> Verdict:
        now, cost = self._clock(), min(cost, self._burst)
        tokens: float = self._burst
        if (bucket := self._buckets.get(client)) is not None:
            had, since = bucket
            tokens = min(tokens, had + (now - since) * self._rate)
        allowed, retry_after = tokens >= cost, 0
        if allowed:
            tokens -= cost
        else:
            retry_after = max(1, math.ceil((cost - tokens) / self._rate))
        self._buckets[client] = (tokens, now)
        if bucket is not None:
            self._buckets.move_to_end(client)
        elif len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        reset = math.ceil((self._burst - tokens) / self._rate)
        return Verdict(allowed, self._burst, int(tokens), reset, retry_after)


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
