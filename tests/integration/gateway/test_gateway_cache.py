"""The content cache as clients see it (G5)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.gateway.support import (
    FILE,
    UUID,
    GatewayProcess,
    Service,
    statuses,
    wait_until,
)

IMAGE = f"/images/{UUID}"


@pytest.fixture(autouse=True)
def _fresh(service: Service) -> None:
    service.seen.clear()
    service.delay = 0


def test_a_file_is_asked_for_once(gateway: GatewayProcess, service: Service) -> None:
    first, second = (gateway.ask("GET", "/files/a.png") for _ in range(2))
    assert first.body == second.body == FILE
    assert int(second.headers["age"]) >= 0
    assert second.headers["etag"] == '"f"'
    assert len(service.seen) == 1


def test_who_has_it_is_told_304(gateway: GatewayProcess, service: Service) -> None:
    gateway.ask("GET", "/files/b.png")
    for tags in ('"f"', 'W/"f"', '"other", "f"', "*"):
        reply = gateway.ask("GET", "/files/b.png", {"If-None-Match": tags})
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["etag"] == '"f"'
        assert "content-length" not in reply.headers
    assert gateway.ask("GET", "/files/b.png", {"If-None-Match": '"other"'}).status == 200
    assert len(service.seen) == 1


def test_100_simultaneous_misses_are_one_call(gateway: GatewayProcess, service: Service) -> None:
    service.delay = 0.5
    with ThreadPoolExecutor(100) as pool:
        replies = list(pool.map(lambda _: gateway.ask("GET", "/files/c.png"), range(100)))
    assert {reply.body for reply in replies} == {FILE}
    assert len(service.asked("GET", "/files/c.png")) == 1


def test_those_who_wait_for_a_failing_answer_do_not_fail_one_by_one(
    gateway: GatewayProcess, service: Service
) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: gateway.ask("GET", "/files/hangup"), range(20)))
    assert set(statuses(replies)) <= {502, 503}
    wait_until(
        lambda: gateway.ask("GET", "/files/after.png").status == 200,
        what="the breaker's pause is over",
    )


def test_an_images_json_is_asked_about_each_time(gateway: GatewayProcess, service: Service) -> None:
    """`no-cache`: what is stored is given only when the service says that it still holds."""
    assert gateway.ask("GET", IMAGE).json()["version"] == service.version
    again = gateway.ask("GET", IMAGE)
    assert again.json()["version"] == service.version
    assert "if-none-match" in dict(service.seen[-1].headers)
    etag = again.headers["etag"]
    assert gateway.ask("GET", IMAGE, {"If-None-Match": etag}).status == 304
    service.version += 1
    assert gateway.ask("GET", IMAGE).json()["version"] == service.version
    assert gateway.ask("GET", IMAGE, {"If-None-Match": etag}).status == 200
    assert len(service.seen) == 5


def test_delete_invalidates_the_image_and_its_files(
    gateway: GatewayProcess, service: Service
) -> None:
    uuid = "11111111-d9cb-469f-a165-70867728950e"
    other = "22222222-d9cb-469f-a165-70867728950e"
    for name in (uuid, other):
        gateway.ask("GET", f"/files/{name}/original.png")
    assert gateway.ask("DELETE", f"/images/{uuid}").status == 204
    service.seen.clear()
    for name in (uuid, uuid, other):
        gateway.ask("GET", f"/files/{name}/original.png")
    # Nothing of what was deleted is kept again, however late it comes.
    assert [seen.target for seen in service.seen] == [f"/files/{uuid}/original.png"] * 2


@pytest.mark.parametrize(
    ("headers", "calls"),
    [
        ({"Cache-Control": "no-cache"}, 1),
        ({"Cache-Control": "max-age=0"}, 1),
        ({"Cache-Control": "no-store"}, 1),
        ({"Range": "bytes=0-3"}, 1),
        ({"Authorization": "Basic eA=="}, 1),
        ({"Cache-Control": "max-age=3600"}, 0),
        ({"Accept": "image/png"}, 0),
    ],
)
def test_what_a_request_may_ask_of_the_cache(
    gateway: GatewayProcess, service: Service, headers: dict[str, str], calls: int
) -> None:
    gateway.ask("GET", "/files/d.png")
    service.seen.clear()
    assert gateway.ask("GET", "/files/d.png", headers).status == 200
    assert len(service.seen) == calls


def test_only_if_cached(gateway: GatewayProcess, service: Service) -> None:
    asked = {"Cache-Control": "only-if-cached"}
    assert gateway.ask("GET", "/files/e.png", asked).status == 504
    gateway.ask("GET", "/files/e.png")
    assert gateway.ask("GET", "/files/e.png", asked).status == 200
    assert len(service.seen) == 1


def test_head_and_get_share_an_entry(gateway: GatewayProcess, service: Service) -> None:
    head = gateway.ask("HEAD", "/files/f.png")
    assert (head.body, head.headers["content-length"]) == (b"", str(len(FILE)))
    assert gateway.ask("GET", "/files/f.png").body == FILE
    assert len(service.seen) == 1


def test_metrics_tell_hits_from_misses(gateway: GatewayProcess) -> None:
    for _ in range(3):
        gateway.ask("GET", "/files/g.png")
    text = gateway.ask("GET", "/metrics").body.decode()
    counts = [
        line for line in text.splitlines() if line.startswith("http_request_duration_seconds_c")
    ]
    assert any('cache="hit"' in line and 'route="files"' in line for line in counts)
    assert any('cache="miss"' in line and 'route="files"' in line for line in counts)


def test_an_image_is_the_same_however_its_uuid_is_spelled(
    gateway: GatewayProcess, service: Service
) -> None:
    uuid = "33333333-d9cb-469f-a165-70867728950e"
    gateway.ask("GET", f"/files/{uuid}/original.png")
    gateway.ask("GET", f"/images/%33{uuid[1:]}")
    assert gateway.ask("DELETE", f"/images/{uuid.replace('-', '').upper()}").status == 204
    service.seen.clear()
    gateway.ask("GET", f"/files/{uuid}/original.png")
    gateway.ask("GET", f"/images/%33{uuid[1:]}")
    assert len(service.seen) == 2
    assert "if-none-match" not in dict(service.seen[1].headers)


def test_delete_invalidates_before_it_is_answered_and_when_nobody_waits(
    gateway: GatewayProcess, service: Service
) -> None:
    uuid = "44444444-d9cb-469f-a165-70867728950e"
    file = f"/files/{uuid}/original.png"
    gateway.ask("GET", file)
    service.delay = 5
    with gateway.connect() as client:
        client.sendall(f"DELETE /images/{uuid} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        wait_until(lambda: service.asked("DELETE", f"/images/{uuid}"), what="it is asked")
    wait_until(lambda: gateway.lines()[-1]["status"] == 499, what="the client is gone")
    service.delay = 0
    service.seen.clear()
    gateway.ask("GET", file)
    assert service.asked("GET", file)


def test_what_has_just_become_stale_is_one_call(gateway: GatewayProcess, service: Service) -> None:
    path = "/files/soon-stale.png"
    gateway.ask("GET", path)
    time.sleep(1.1)
    service.seen.clear()
    service.delay = 0.5
    with ThreadPoolExecutor(30) as pool:
        replies = list(pool.map(lambda _: gateway.ask("GET", path), range(30)))
    assert {reply.body for reply in replies} == {FILE}
    assert len(service.seen) < 30 / 2  # a client that comes late enough finds it stale once more


def test_a_number_of_any_length_is_only_a_large_one(gateway: GatewayProcess) -> None:
    fields = {"Cache-Control": "max-age=" + "9" * 5000}
    assert statuses([gateway.ask("GET", "/files/d.png", fields) for _ in range(2)]) == {200: 2}
