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


def allows(limiter: RateLimiter, client: str, cost: int = 1) -> bool:
    return limiter.take(client, cost)[1] == 0


def fields(limit: int, remaining: int, reset: int) -> list[tuple[bytes, bytes]]:
    named = {"limit": limit, "remaining": remaining, "reset": reset}
    return [(f"ratelimit-{name}".encode(), str(value).encode()) for name, value in named.items()]


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert [allows(limiter, "a") for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [allows(limiter, "a") for _ in range(2)] == [True, False]


def test_what_is_left_is_said_with_each_answer() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert limiter.take("a") == (fields(3, 2, 1), 0)
    assert limiter.take("a") == (fields(3, 1, 1), 0)
    assert limiter.take("a") == (fields(3, 0, 2), 0)
    assert limiter.take("a") == (fields(3, 0, 2), 1)
    clock.now += 60
    assert limiter.take("a") == (fields(3, 2, 1), 0)


def test_a_refusal_says_when_to_come_again_and_is_right() -> None:
    clock = Clock()
    limiter = RateLimiter(rate=0.25, burst=1, clock=clock)
    limiter.take("a")
    assert limiter.take("a") == (fields(1, 0, 4), 4)
    clock.now += 4
    assert allows(limiter, "a")


def test_clients_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    assert [allows(limiter, client) for client in ("a", "b", "a")] == [True, True, False]


def test_a_costly_request_takes_more_but_never_more_than_there_is() -> None:
    limiter = RateLimiter(rate=1, burst=5, clock=Clock())
    assert limiter.take("a", cost=4) == (fields(5, 1, 4), 0)
    assert limiter.take("a", cost=4) == (fields(5, 1, 4), 3)
    assert allows(limiter, "a")
    assert allows(limiter, "b", cost=100)


def test_memory_is_bounded_and_who_took_most_is_remembered() -> None:
    limiter = RateLimiter(rate=1, burst=2, clock=Clock())
    while allows(limiter, "greedy"):
        pass
    for i in range(limits.MAX_CLIENTS + 10):
        limiter.take(str(i))
        assert len(limiter._full_at) <= limits.MAX_CLIENTS
    assert not allows(limiter, "greedy")


@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), max_size=60),
    st.floats(0.1, 20),
    st.integers(1, 20),
)
def test_never_more_than_the_burst_and_the_rate(
    requests: list[tuple[float, int]], rate: float, burst: int
) -> None:
    """Each is allowed exactly when a bucket of tokens, filled as time goes by, holds enough."""
    clock = Clock()
    limiter = RateLimiter(rate=rate, burst=burst, clock=clock)
    tokens = float(burst)
    for pause, cost in requests:
        clock.now += pause
        tokens = min(burst, tokens + pause * rate)
        wanted = min(cost, burst)
        if abs(tokens - wanted) < 1e-4:
            continue  # rounding decides
        allowed = allows(limiter, "a", cost)
        assert allowed is (tokens > wanted)
        tokens -= wanted if allowed else 0


def test_whom_an_address_stands_for() -> None:
    assert client_of("192.0.2.1") == "192.0.2.1"
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff") == "2001:db8::/64"
    assert client_of("2001:db8:0:1::1") != client_of("2001:db8::1")
    assert client_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_of("unknown") == "unknown"
