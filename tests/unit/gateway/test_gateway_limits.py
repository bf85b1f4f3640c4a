"""The token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from api_gateway import limits
from api_gateway.limits import RateLimiter, client_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert [limiter.take("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [limiter.take("a").allowed for _ in range(2)] == [True, False]


def test_a_refusal_says_when_to_come_again_and_is_right() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=0.25, burst=1, clock=clock)
    limiter.take("a")
    refused = limiter.take("a")
    assert (refused.allowed, refused.remaining, refused.retry_after, refused.reset) == (
        False, 0, 4, 4,
    )  # fmt: skip
    clock.now += refused.retry_after
    assert limiter.take("a").allowed


def test_clients_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    assert limiter.take("a").allowed
    assert limiter.take("b").allowed
    assert not limiter.take("a").allowed


def test_a_costly_request_takes_more() -> None:
    limiter = RateLimiter(rate=1, burst=5, clock=Clock())
    assert limiter.take("a", cost=4).remaining == 1
    assert not limiter.take("a", cost=4).allowed
    assert limiter.take("a").allowed


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    for i in range(limits.MAX_CLIENTS + 10):
        limiter.take(str(i))
    assert len(limiter._buckets) == limits.MAX_CLIENTS


@given(st.lists(st.floats(0, 10), max_size=60), st.floats(0.1, 20), st.integers(1, 20))
def test_never_more_than_the_burst_and_the_rate(
    pauses: list[float], rate: float, burst: int
) -> None:
    clock = Clock()
    limiter = RateLimiter(rate=rate, burst=burst, clock=clock)
    allowed = 0
    for pause in pauses:
        clock.now += pause
        allowed += limiter.take("a").allowed
    assert allowed <= burst + rate * sum(pauses) + 1e-6


def test_whom_an_address_stands_for() -> None:
    assert client_of("192.0.2.1") == "192.0.2.1"
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff") == "2001:db8::/64"
    assert client_of("2001:db8:0:1::1") != client_of("2001:db8::1")
    assert client_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_of("unknown") == "unknown"
