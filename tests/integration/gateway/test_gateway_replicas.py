"""Several replicas of a service, one of which dies; deadlines, queue and breaker (G3, G10)."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from tests.integration.gateway.fake_service import UUID, Service
from tests.integration.gateway.support import (
    GatewayProcess,
    Reply,
    running_gateway,
    statuses,
    wait_until,
)

IMAGE = f"/images/{UUID}"
# The promised rate is 300; GATEWAY_PER_SECOND sets another one.
PER_SECOND = int(os.environ.get("GATEWAY_PER_SECOND", "150"))


@pytest.fixture
def pair() -> Iterator[list[Service]]:
    services = [Service().start(), Service().start()]
    yield services
    for service in services:
        service.stop()


@pytest.fixture
def gateway(
    pair: list[Service], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), *pair) as started:
        yield started


def at_rate(
    gateway: GatewayProcess, per_second: int, seconds: float, meanwhile: object = None
) -> list[Reply]:
    """GETs at a steady rate, independent of the answers; calls ``meanwhile`` halfway."""
    count, began = int(per_second * seconds), time.monotonic()

    def one(i: int) -> Reply:
        time.sleep(max(0, began + i / per_second - time.monotonic()))
        if i == count // 2 and callable(meanwhile):
            threading.Thread(target=meanwhile).start()
        return gateway.ask("GET", IMAGE)

    with ThreadPoolExecutor(24) as pool:
        return list(pool.map(one, range(count)))


def test_no_get_fails_when_a_replica_is_killed(
    pair: list[Service], gateway: GatewayProcess
) -> None:
    for service in pair:
        service.delay = 0.01  # so that some requests are in flight when it dies
    replies = at_rate(gateway, PER_SECOND, 4, pair[0].stop)
    assert statuses(replies) == {200: PER_SECOND * 4}
    assert {reply.json()["by"] for reply in replies} == {service.port for service in pair}
    after = at_rate(gateway, 20, 1)
    assert {reply.json()["by"] for reply in after} == {pair[1].port}

    def in_rotation() -> int:
        found: int = gateway.ask("GET", "/health").json()["services"]["upload"]["replicas"][
            "in_rotation"
        ]
        return found

    wait_until(lambda: in_rotation() == 1, what="it is out of rotation")
    again = Service(pair[0].port).start()
    try:
        wait_until(lambda: in_rotation() == 2, what="it is back")

        def is_asked_again() -> bool:
            gateway.ask("GET", IMAGE)
            return bool(again.seen)

        wait_until(is_asked_again, what="it is asked again")
    finally:
        again.stop()


@pytest.mark.parametrize("path", ["/images", f"{IMAGE}/4"])
def test_a_post_is_never_sent_twice(
    pair: list[Service], gateway: GatewayProcess, path: str
) -> None:
    for service in pair:
        service.hangs_up = True
    reply = gateway.ask("POST", path, body=b"a")
    assert reply.status == 502
    assert sum(len(service.asked("POST", path)) for service in pair) == 1


def test_a_get_is_tried_once_more_elsewhere(pair: list[Service], gateway: GatewayProcess) -> None:
    pair[0].hangs_up = True
    assert statuses([gateway.ask("GET", IMAGE) for _ in range(20)]) == {200: 20}
    assert pair[0].asked("GET", IMAGE)


def test_a_post_goes_elsewhere_when_nothing_was_sent(
    pair: list[Service], gateway: GatewayProcess
) -> None:
    pair[0].stop()
    assert statuses([gateway.ask("POST", "/images", body=b"a") for _ in range(6)]) == {201: 6}


def test_the_least_loaded_replica_is_chosen(pair: list[Service], gateway: GatewayProcess) -> None:
    pair[0].held = True
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(gateway.ask, "GET", IMAGE) for _ in range(60)]
        # It gets one request while the other has one or more, and a second when both have one.
        wait_until(lambda: sum(answer.done() for answer in answers) >= 58, what="the rest is done")
        pair[0].held = False
    by_slow = sum(answer.result().json()["by"] == pair[0].port for answer in answers)
    assert 1 <= by_slow <= 2


def test_without_any_replica_the_answer_is_503_at_once(
    pair: list[Service], gateway: GatewayProcess
) -> None:
    for service in pair:
        service.stop()
    reply = gateway.ask("GET", IMAGE)
    assert reply.status == 503
    assert reply.headers["retry-after"] in {"1", "2"}  # the remaining time of the pause
    assert gateway.ask("GET", "/").status == 404  # the gateway itself works
    health = gateway.ask("GET", "/health")
    assert health.status == 200
    assert health.json()["services"]["upload"]["status"] == "down"
    assert gateway.ask("GET", "/health?strict=true").status == 503


def test_a_service_that_does_not_answer_in_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    service = Service().start()
    with running_gateway(
        tmp_path_factory.mktemp("gateway"), service, UPSTREAM_RESPONSE_TIMEOUT_SECONDS=0.5
    ) as gateway:
        reply = gateway.ask("GET", "/files/never")
        assert reply.status == 504
        assert "upload" in reply.json()["detail"]
        assert len(service.asked("GET", "/files/never")) == 1
    service.stop()


def test_overload_is_refused_at_once_and_what_is_taken_is_served(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Two requests at the service, two in the queue; the rest gets 503 while those wait."""
    service = Service().start()
    service.held = True
    with (
        running_gateway(
            tmp_path_factory.mktemp("gateway"),
            service,
            UPSTREAM_MAX_IN_FLIGHT=2,
            UPSTREAM_MAX_QUEUE=2,
            UPSTREAM_QUEUE_SECONDS=60,
            UPSTREAM_RESPONSE_TIMEOUT_SECONDS=60,
        ) as gateway,
        ThreadPoolExecutor(10) as pool,
    ):
        answers = [pool.submit(gateway.ask, "GET", "/images", seconds=90) for _ in range(10)]
        wait_until(lambda: sum(answer.done() for answer in answers) == 6, what="six are refused")
        refused = [answer.result() for answer in answers if answer.done()]
        assert statuses(refused) == {503: 6}
        assert {reply.headers["retry-after"] for reply in refused} == {"1"}
        wait_until(lambda: service.most_in_flight == 2, what="two are at the service")
        service.held = False
        assert statuses([answer.result() for answer in answers]) == {503: 6, 200: 4}
        assert service.most_in_flight == 2
    service.stop()


def test_nobody_waits_longer_than_the_queue_allows(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    service = Service().start()
    service.held = True
    with (
        running_gateway(
            tmp_path_factory.mktemp("gateway"),
            service,
            UPSTREAM_MAX_IN_FLIGHT=1,
            UPSTREAM_QUEUE_SECONDS=0.2,
            UPSTREAM_RESPONSE_TIMEOUT_SECONDS=60,
        ) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(gateway.ask, "GET", "/images", seconds=90)
        wait_until(lambda: service.in_flight == 1, what="the first is at the service")
        assert gateway.ask("GET", "/images").status == 503
        service.held = False
        assert first.result().status == 200
    service.stop()


def test_an_address_that_hangs_up_at_once_is_passed_over(
    pair: list[Service], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A load balancer without a backend answers like this."""
    with socket.create_server(("127.0.0.1", 0)) as nobody, ExitStack() as stack:
        threading.Thread(target=hang_up, args=(nobody,), daemon=True).start()
        addresses = f"http://127.0.0.1:{nobody.getsockname()[1]},{pair[0].url}"
        gateway = stack.enter_context(
            running_gateway(
                tmp_path_factory.mktemp("gateway"),
                pair[0],
                UPLOAD_SERVICE_URL=addresses,
                UPSTREAM_PROBE_SECONDS=0.05,
            )
        )
        assert statuses([gateway.ask("GET", IMAGE) for _ in range(40)]) == {200: 40}
        assert statuses([gateway.ask("POST", "/images", body=b"a") for _ in range(10)]) == {201: 10}
        assert "Traceback" not in gateway.log.read_text()


def hang_up(listening: socket.socket) -> None:
    with suppress(OSError):  # closed by the test
        while True:
            listening.accept()[0].close()


def test_a_service_that_only_says_it_is_well_is_not_asked_again_and_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    service = Service().start()
    settings = {
        "UPSTREAM_RESPONSE_TIMEOUT_SECONDS": 0.5,
        "UPSTREAM_PROBE_SECONDS": 0.05,
        "UPSTREAM_FAILURES_TO_OPEN": 3,
        "UPSTREAM_OPEN_SECONDS": 60,
    }
    try:
        with running_gateway(tmp_path_factory.mktemp("gateway"), service, **settings) as gateway:
            replies = [gateway.ask("GET", "/files/never.png") for _ in range(6)]
        assert [reply.status for reply in replies] == [504, 504, 504, 503, 503, 503]
    finally:
        service.stop()


def test_an_answer_that_only_begins_is_not_waited_for_either(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The body is larger than the read-ahead, so it is still being sent when that happens."""
    service = Service().start()
    try:
        with running_gateway(
            tmp_path_factory.mktemp("gateway"), service, UPSTREAM_RESPONSE_TIMEOUT_SECONDS=0.5
        ) as gateway:
            assert gateway.ask("POST", "/preview", body=bytes(200 * 1024)).status == 504
    finally:
        service.stop()
