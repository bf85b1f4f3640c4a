"""The content cache: public answers only, for a short time."""

from uuid import uuid4

import pytest

from tests.edge.running import Edge, wait_until
from tests.edge.service import FILE, Service


@pytest.fixture
def path() -> str:
    """A file that nobody asked for yet."""
    return f"/files/{uuid4()}.png"


def test_a_file_is_fetched_once(edge: Edge, service: Service, path: str) -> None:
    wait_until(lambda: edge.http.ask("GET", path).headers["x-cache"] == "HIT", "it is cached")
    asked = service.times_asked("GET", path)
    assert asked <= 2  # two when the minute changed in between
    reply = edge.http.ask("GET", path)
    assert (reply.status, reply.body) == (200, FILE)
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_client_that_has_it_is_told_so(edge: Edge, service: Service, path: str) -> None:
    etag = edge.http.ask("GET", path).headers["etag"]
    wait_until(lambda: edge.http.ask("GET", path).headers["x-cache"] == "HIT", "it is cached")
    asked = service.times_asked("GET", path)
    reply = edge.http.ask("GET", path, {"If-None-Match": etag})
    assert (reply.status, reply.body) == (304, b"")
    assert service.times_asked("GET", path) <= asked + 1  # as above


def test_a_stale_file_is_given_while_it_is_fetched_anew(
    edge: Edge, service: Service, path: str
) -> None:
    def state() -> str | None:
        return edge.http.ask("GET", path).headers["x-cache"]

    wait_until(lambda: state() == "STALE", "it is given although stale", seconds=100)
    wait_until(lambda: state() == "HIT", "the new one is given")
    assert service.times_asked("GET", path) >= 2


def test_a_deleted_file_is_soon_gone(edge: Edge, service: Service, path: str) -> None:
    assert edge.http.ask("GET", path).status == 200
    image = path.removesuffix(".png").replace("/files/", "/images/")
    assert edge.http.ask("DELETE", image).status == 204
    wait_until(lambda: edge.http.ask("GET", path).status == 404, "it is gone", seconds=90)
    assert edge.http.ask("GET", path).status == 404


def test_nothing_is_given_beyond_its_minute(edge: Edge, service: Service, path: str) -> None:
    """Even when what takes its place may not be kept."""
    assert edge.http.ask("GET", path).status == 200
    service.private.add(path)
    wait_until(
        lambda: edge.http.ask("GET", path).headers["cache-control"] == "private",
        "the private answer is given",
        seconds=90,
    )
    assert edge.http.ask("GET", path).headers["x-cache"] == "MISS"


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer a"},
        {"X-API-Key": "a"},
        {"X-Manage-Token": "a"},
        {"Origin": "https://a"},
    ],
)
def test_requests_of_somebody_bypass_it(
    edge: Edge, service: Service, path: str, header: dict[str, str]
) -> None:
    for _ in range(2):
        assert edge.http.ask("GET", path, header).headers["x-cache"] == "BYPASS"
    assert service.times_asked("GET", path) == 2
    # Nor was any of it kept for others.
    assert edge.http.ask("GET", path).headers["x-cache"] == "MISS"


def test_browsers_that_are_known_use_it_too(edge: Edge, service: Service, path: str) -> None:
    cookies = [{"Cookie": f"dither={number}"} for number in range(3)]
    found = [edge.http.ask("GET", path, cookie).headers["x-cache"] for cookie in cookies]
    assert found == ["MISS", "HIT", "HIT"]
    assert service.times_asked("GET", path) == 1


def test_only_what_says_it_is_public_is_kept(edge: Edge, service: Service, path: str) -> None:
    service.private.add(path)
    for _ in range(3):
        assert edge.http.ask("GET", path).headers["x-cache"] == "MISS"
    assert service.times_asked("GET", path) == 3


def test_the_list_of_options_is_kept(edge: Edge) -> None:
    wait_until(lambda: edge.http.ask("GET", "/options").headers["x-cache"] == "HIT", "it is cached")


def test_a_change_is_never_cached(edge: Edge, service: Service) -> None:
    image = f"/images/{uuid4()}"
    for _ in range(2):
        assert edge.http.ask("GET", image).headers["x-cache"] is None
    assert service.times_asked("GET", image) == 2
